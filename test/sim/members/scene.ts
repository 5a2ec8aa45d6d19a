import { EPOCH_MS } from '../api-server.ts';
import { Machine } from '../machine.ts';
import { CALM, type Weather } from '../network.ts';
import type { SeededRandom } from '../random.ts';
import type { World } from '../world.ts';
import type { MemberApiServer } from './api-server.ts';
import { type MemberOracle, RATE_BOUND } from './oracle.ts';
import { MemberProcess, type MemberTimings } from './process.ts';

/** The timings that histories are held with: as kubelet's, and with as many heartbeats in a duration as is allowed. */
export const MEMBER_TIMINGS: readonly MemberTimings[] = [
  { durationMs: 40_000, intervalMs: 10_000 },
  { durationMs: 30_000, intervalMs: 10_000 },
  { durationMs: 6_000, intervalMs: 2_000 },
  { durationMs: 12_000, intervalMs: 3_000 },
];

export interface SceneParts {
  readonly world: World;
  readonly random: SeededRandom;
  readonly server: MemberApiServer;
  readonly oracle: MemberOracle;
  readonly trace: (line: string) => void;
}

interface Place {
  readonly rate: number;
  /** Of the pod that is there. */
  host: string;
  process: MemberProcess | null;
  /** A second process of the same pod's name. */
  double: MemberProcess | null;
}

/** Who takes part, and what faults can do to them. All of it ends by itself, or with {@link heal}. */
export class MemberScene {
  readonly random: SeededRandom;
  readonly server: MemberApiServer;
  readonly timings: MemberTimings;
  readonly #parts: SceneParts;
  readonly #places: Place[] = [];
  readonly #awaited = new Map<string, { readonly fromMs: number; readonly goOn: () => void }>();
  #starts = 0;
  #healed = false;
  /** A backup of etcd is kept, to be restored. */
  #backedUp = false;

  constructor(parts: SceneParts) {
    const { random, server, world, trace } = parts;
    this.#parts = parts;
    this.random = random;
    this.server = server;
    this.timings = random.pick(MEMBER_TIMINGS);
    const places = random.whole(2, 5);
    for (let place = 0; place < places; place += 1) {
      const rate = 1 + random.between(-RATE_BOUND, RATE_BOUND) * 0.99;
      this.#places.push({ rate, host: `pod-${place}`, process: null, double: null });
      world.after(random.between(0, 3_000), () => this.start(place));
    }
    server.onRead = (name, reader) => {
      const awaited = this.#awaited.get(name);
      if (awaited === undefined || world.nowMs < awaited.fromMs) return;
      this.#awaited.delete(name);
      trace(`the Lease of a stopped one is read by ${reader}`);
      awaited.goOn();
    };
  }

  get size(): number {
    return this.#places.length;
  }

  get processes(): MemberProcess[] {
    return this.#places
      .flatMap(({ process, double }) => [process, double])
      .filter((process) => process !== null && !process.machine.ended) as MemberProcess[];
  }

  /** As long as faults of interest last: from a blink to longer than several durations. */
  span(): number {
    const { durationMs } = this.timings;
    return this.random.chance(0.5) ? this.random.between(10, durationMs / 2) : this.random.between(1, 5) * durationMs;
  }

  later(ms: number, action: () => void): void {
    this.#parts.world.after(ms, () => {
      if (!this.#healed) action();
    });
  }

  start(place: number): void {
    const at = this.#places[place]!;
    if (at.process !== null && !at.process.machine.ended) return;
    at.process = this.#begin(at);
  }

  weather(place: number, change: Partial<Weather>, forMs: number): void {
    const weather = this.#either(place)?.transport.weather;
    if (weather === undefined) return;
    Object.assign(weather, change);
    this.#parts.world.after(forMs, () => {
      this.#parts.oracle.look();
      Object.assign(weather, Object.fromEntries(Object.keys(change).map((key) => [key, CALM[key as keyof Weather]])));
    });
  }

  weatherForAll(change: Partial<Weather>, forMs: number): void {
    for (let place = 0; place < this.size; place += 1) this.weather(place, change, forMs);
  }

  /** One request is lost, and nothing else is wrong. */
  hiccup(place: number): void {
    const process = this.#living(place);
    const hiccup = process && this.#parts.oracle.hiccup(process.name);
    if (!hiccup) return;
    const { weather } = process.transport;
    const { intervalMs } = this.timings;
    // Around the time when its heartbeat is due, for less than it takes to try again.
    weather[this.random.chance(0.5) ? 'lossBefore' : 'lossAfter'] = 1;
    this.#parts.world.after(intervalMs, () => {
      Object.assign(weather, { lossBefore: 0, lossAfter: 0 });
      hiccup.end();
    });
  }

  stop(place: number, how: 'stop' | 'suspend' | 'freeze', forMs = this.span()): void {
    const process = this.#either(place);
    if (process === null || !process.machine.running) return;
    process.machine[how]();
    this.#parts.world.after(forMs, () => this.#goOn(process));
  }

  /** Stopped until somebody is about to collect its Lease: the heartbeat and the deletion race. */
  stopUntilRead(place: number): void {
    this.#stopUntilRead(this.#living(place), 0);
  }

  /** Two processes of one pod's name; the younger one is stopped until the older one is about to take it for dead. */
  doubleUntilRead(place: number): void {
    const { durationMs } = this.timings;
    this.double(place, 8 * durationMs);
    const { double } = this.#places[place]!;
    this.later(this.random.between(0.1, 1) * durationMs, () => this.#stopUntilRead(double, durationMs));
  }

  #stopUntilRead(process: MemberProcess | null, afterMs: number): void {
    if (process === null || !process.machine.running) return;
    const { world } = this.#parts;
    process.machine.stop();
    const goOn = () => {
      this.#awaited.delete(process.leaseName);
      this.#goOn(process);
    };
    this.#awaited.set(process.leaseName, {
      fromMs: world.nowMs + afterMs,
      goOn: () => world.after(this.random.between(0, 4), goOn),
    });
    world.after(6 * this.timings.durationMs, goOn);
  }

  /** `samePod`: its successor has its name. Else Kubernetes deletes the Lease with the pod, in the end, or never. */
  crash(place: number, samePod: boolean): void {
    const at = this.#places[place]!;
    const process = this.#living(place);
    if (process === null) return;
    process.machine.end();
    const startsAgain = samePod || this.random.chance(0.7);
    if (!samePod) {
      at.host = `pod-${place}-${this.#starts}`;
      if (this.random.chance(0.3)) this.later(this.span(), () => this.server.remove(process.leaseName));
    }
    if (startsAgain) this.#parts.world.after(this.random.between(100, 20_000), () => this.start(place));
  }

  terminate(place: number): void {
    const at = this.#places[place]!;
    const process = this.#living(place);
    if (process === null) return;
    const { oracle, world } = this.#parts;
    process.terminate();
    world.after(5_000, () => {
      const stored = this.server.leases.get(process.leaseName)?.spec as { holderIdentity?: string } | undefined;
      oracle.left(process.name, stored?.holderIdentity ?? null);
      process.machine.end();
    });
    if (this.random.chance(0.5)) at.host = `pod-${place}-${this.#starts}`;
    world.after(this.random.between(6_000, 20_000), () => this.start(place));
  }

  /** Two processes of one pod's name, for a while. */
  double(place: number, forMs = this.span()): void {
    const at = this.#places[place]!;
    if (this.#living(place) === null || (at.double !== null && !at.double.machine.ended)) return;
    const double = this.#begin(at);
    at.double = double;
    this.#parts.world.after(forMs, () => this.#endDouble(at));
  }

  /** Goes back to how etcd is now, some time later; never to what was written before another restore, and lost in it. */
  restore(): void {
    if (this.#backedUp) return;
    this.#backedUp = true;
    const restore = this.server.backUp();
    this.later(this.random.between(500, 3 * this.timings.durationMs), () => {
      this.#backedUp = false;
      this.#parts.trace('etcd is restored');
      restore();
      this.#parts.oracle.restored(this.server.leases);
    });
  }

  stepWallClock(place: number, byMs: number): void {
    this.#living(place)?.machine.stepWallClock(byMs);
  }

  /** The Lease of whoever is, or was last, at a place. */
  leaseAt(place: number): string {
    return this.#places[place]?.process?.leaseName ?? '';
  }

  /** Ends everything that faults have done. Somebody lives. */
  heal(): void {
    this.#healed = true;
    for (const [place, at] of this.#places.entries()) {
      this.#endDouble(at);
      const process = this.#living(place);
      if (process === null || process.terminating) {
        if (place === 0 || this.random.chance(0.7)) this.#parts.world.after(8_000, () => this.start(place));
        continue;
      }
      this.#parts.oracle.look();
      Object.assign(process.transport.weather, CALM);
      this.#goOn(process);
    }
  }

  #begin({ host, rate }: Place): MemberProcess {
    const { world, server, random, oracle, trace } = this.#parts;
    this.#starts += 1;
    const machine = new Machine(world, {
      rate,
      monoMs: random.between(0, 1e6),
      wallMs: EPOCH_MS + world.nowMs + random.between(-600_000, 600_000),
    });
    const process = new MemberProcess({
      ...{ world, machine, server, random: random.fork(), observer: oracle, timings: this.timings, host },
      number: this.#starts,
      onChange: ({ name }, { kind, member }) => {
        trace(`${name}: ${member.pod} ${kind}`);
        if (kind === 'lost') oracle.lost(name, member.identity);
      },
    });
    oracle.enroll({
      ...{ name: process.name, host, leaseName: process.leaseName, identity: process.identity, ...this.timings },
      running: () => machine.running,
      ended: () => machine.ended,
      terminating: () => process.terminating,
      weather: () => process.transport.weather,
    });
    trace(`${process.name} starts`);
    process.start();
    return process;
  }

  #living(place: number): MemberProcess | null {
    const process = this.#places[place]?.process ?? null;
    return process?.machine.ended ? null : process;
  }

  /** One of the two that may be there. */
  #either(place: number): MemberProcess | null {
    const double = this.#places[place]?.double ?? null;
    return double !== null && !double.machine.ended && this.random.chance(0.5) ? double : this.#living(place);
  }

  #goOn(process: MemberProcess): void {
    const { machine } = process;
    if (machine.running || machine.ended) return;
    this.#parts.trace(`${process.name} goes on`);
    // Nothing else may have happened meanwhile: until now it was not well.
    this.#parts.oracle.look();
    machine.resume();
  }

  /** Either of the two may be the one that stays. */
  #endDouble(at: Place): void {
    if (at.double === null || at.double.machine.ended) return;
    if (this.random.chance(0.5) && at.process !== null && !at.process.terminating) {
      const older = at.process;
      at.process = at.double;
      at.double = null;
      older.machine.end();
    } else at.double.machine.end();
  }
}
