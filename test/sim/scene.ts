import type { JsonObject } from '../../src/lease-server/object.ts';
import type { SimApiServer } from './api-server.ts';
import type { Cast } from './cast.ts';
import { CALM, type Weather } from './network.ts';
import type { Oracle } from './oracle.ts';
import { nameOf, type Participant } from './participant.ts';
import type { SeededRandom } from './random.ts';
import { Replica } from './replica.ts';
import type { World } from './world.ts';

export interface SceneParts {
  readonly world: World;
  readonly random: SeededRandom;
  readonly server: SimApiServer;
  readonly oracle: Oracle;
  readonly cast: Cast;
  readonly trace: (line: string) => void;
}

/** What faults can do to a history. All of it ends by itself, or with {@link heal}. */
export class Scene {
  readonly random: SeededRandom;
  readonly server: SimApiServer;
  readonly cast: Cast;
  readonly #world: World;
  readonly #oracle: Oracle;
  readonly #trace: (line: string) => void;
  #healed = false;

  constructor(parts: SceneParts) {
    this.random = parts.random;
    this.server = parts.server;
    this.cast = parts.cast;
    this.#world = parts.world;
    this.#oracle = parts.oracle;
    this.#trace = parts.trace;
  }

  /** As long as faults of interest last: from a blink to longer than a lease. */
  span(): number {
    const { leaseDurationMs } = this.cast.timings;
    return this.random.chance(0.5) ? this.random.between(10, 2_000) : this.random.between(2_000, leaseDurationMs * 1.6);
  }

  /** Faults that come later do not come any more once the history heals. */
  later(ms: number, action: () => void): void {
    this.#world.after(ms, () => {
      if (!this.#healed) action();
    });
  }

  weather(place: number, change: Partial<Weather>, forMs: number): void {
    const weather = this.cast.at(place)?.transport.weather;
    if (weather === undefined) return;
    Object.assign(weather, change);
    this.#world.after(forMs, () => {
      Object.assign(weather, Object.fromEntries(Object.keys(change).map((key) => [key, CALM[key as keyof Weather]])));
    });
  }

  weatherForAll(change: Partial<Weather>, forMs: number): void {
    for (let place = 0; place < this.cast.size; place += 1) this.weather(place, change, forMs);
  }

  /** SIGSTOP; or the machine sleeps; or a hypervisor stops it with all its clocks, unnoticeably. */
  stop(place: number, how: 'stop' | 'suspend' | 'freeze'): void {
    const participant = this.cast.at(place);
    if (participant === null || !participant.machine.running) return;
    const { machine } = participant;
    if (how === 'stop') machine.stop();
    else {
      if (how === 'suspend') machine.suspend();
      else machine.freeze();
      if (how === 'suspend' && participant instanceof Replica) participant.forget();
    }
    this.#world.after(this.span(), () => this.#goOn(participant));
  }

  crash(place: number, samePod: boolean): void {
    const participant = this.cast.at(place);
    if (participant === null) return;
    participant.machine.end();
    // No pod has two sidecars of ours.
    const podUid =
      samePod && !this.cast.isCloned(participant) && participant instanceof Replica
        ? participant.names.podUid
        : undefined;
    this.#world.after(this.random.between(100, 20_000), () => this.cast.start(place, podUid));
  }

  terminate(place: number): void {
    const participant = this.cast.at(place);
    if (participant === null) return;
    participant.terminate();
    // The kubelet's patience ends, too.
    this.#world.after(25_000, () => participant.machine.end());
    this.#world.after(this.random.between(26_000, 30_000), () => this.cast.start(place));
  }

  /** Two processes of one identity, as when a machine is cloned from an image of its memory. */
  clone(place: number): void {
    const original = this.cast.at(place);
    const other = (place + 1) % this.cast.size;
    if (!(original instanceof Replica) || this.cast.isCloned(original)) return;
    this.cast.at(other)?.machine.end();
    const clone = this.cast.startClone(other, original);
    const forMs = this.span();
    this.#world.after(forMs, () => this.#endClone(other, clone));
  }

  control(place: number, action: (replica: Replica) => void): void {
    const participant = this.cast.at(place);
    if (participant instanceof Replica) participant.machine.deliver(() => action(participant));
  }

  /** The application of a replica fails its health checks for a while. */
  sicken(place: number, ended: boolean, forMs: number): void {
    const participant = this.cast.at(place);
    if (!(participant instanceof Replica)) return;
    participant.sicken(ended);
    this.#world.after(forMs, () => participant.recover());
  }

  stepWallClock(place: number, byMs: number): void {
    this.cast.at(place)?.machine.stepWallClock(byMs);
  }

  /** Whoever edits the spec by hand may free the Lease under its holder's feet: what follows at once is not our promise. */
  edit(change: JsonObject): void {
    this.#oracle.exempt();
    this.server.edit(change);
  }

  /**
   * While replicas run with different timings, one that did not see the last record can't know how long its holder may be
   * at work: there is no promise then.
   */
  remove(): void {
    if (this.cast.mixedTimings) this.#oracle.exempt();
    this.server.remove();
  }

  /** Somebody applies a manifest with another Lease of the same name. */
  recreate(spec: JsonObject): void {
    const made = Object.keys(spec).length > 0;
    if (made || this.cast.mixedTimings || this.cast.hasForeigners) this.#oracle.exempt();
    else this.#oracle.recreated();
    this.server.remove();
    this.server.create(spec);
  }

  restore(afterMs: number): void {
    const restore = this.server.backUp();
    this.later(afterMs, () => {
      this.#trace('etcd is restored');
      this.#oracle.restored();
      restore();
    });
  }

  /** Ends everything that faults have done. */
  heal(): void {
    this.#healed = true;
    for (let place = 0; place < this.cast.size; place += 1) {
      const participant = this.cast.at(place);
      if (participant !== null && this.cast.isClone(participant)) participant.machine.end();
      if (participant === null || participant.machine.ended) {
        this.#world.after(10, () => this.cast.start(place));
        continue;
      }
      Object.assign(participant.transport.weather, CALM);
      this.#goOn(participant);
      this.control(place, ({ runner }) => runner.resume());
      if (participant instanceof Replica) participant.recover();
    }
  }

  #goOn(participant: Participant): void {
    const { machine } = participant;
    if (machine.running || machine.ended) return;
    this.#trace(`${nameOf(participant.process)} goes on`);
    // A guest whose clocks all stood still can't know; only fencing helps.
    if (machine.frozen) this.#oracle.exempt();
    machine.resume();
  }

  #endClone(place: number, clone: Participant): void {
    if (this.cast.at(place) !== clone) return;
    clone.machine.end();
    this.cast.start(place);
  }
}
