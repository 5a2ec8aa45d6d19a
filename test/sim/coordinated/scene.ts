import { DEFAULT_CANDIDACY, type ElectionTimings } from '../../../src/election/index.ts';
import { EPOCH_MS, LEASE } from '../api-server.ts';
import { Machine } from '../machine.ts';
import { CALM, type Weather } from '../network.ts';
import { nameOf } from '../participant.ts';
import type { SeededRandom } from '../random.ts';
import { Replica } from '../replica.ts';
import { rateBound, TIMINGS } from '../timings.ts';
import type { World } from '../world.ts';
import { Controller, rank } from './controller.ts';
import type { CoordinatedOracle } from './oracle.ts';
import { CoordinatedServer, type StoredObject } from './server.ts';

export interface SceneParts {
  readonly world: World;
  readonly random: SeededRandom;
  readonly oracle: CoordinatedOracle;
  readonly trace: (line: string) => void;
}

/** The replicas of a coordinated election, the API server that chooses among them, and what faults can do to them. */
export class CoordinatedScene {
  readonly random: SeededRandom;
  readonly timings: ElectionTimings;
  readonly server: CoordinatedServer;
  readonly controller: Controller;
  /**
   * Clocks run at rates as different as is safe, and the wall clocks with them, away from the controller's: it takes living
   * leaders for dead, and leadership need not come to rest. Else they are as a time service keeps them.
   */
  readonly wildClocks: boolean;
  readonly #parts: SceneParts;
  readonly #places: (Replica | null)[] = [];
  readonly #versions: number[] = [];
  readonly #rates: number[] = [];
  readonly #paused = new Set<Replica>();
  readonly #sick = new Set<Replica>();
  #starts = 0;
  #healed = false;

  constructor(parts: SceneParts) {
    const { world, random, oracle, trace } = parts;
    this.#parts = parts;
    this.random = random;
    this.timings = random.pick(TIMINGS);
    this.server = new CoordinatedServer(world);
    this.server.onChange((change) => {
      oracle.wrote(change);
      trace(`${nameOf(change.writer)} ${change.type} ${change.plural} ${JSON.stringify(change.object.spec)}`);
    });
    this.controller = new Controller({
      ...{ world, server: this.server, random: random.fork() },
      machine: new Machine(world, { rate: 1, monoMs: 0, wallMs: EPOCH_MS }),
      onCrash: (why) => oracle.report(12, `kube-apiserver crashes: ${why}`),
    });
    this.wildClocks = random.chance(0.4);
    const bound = this.wildClocks ? rateBound(this.timings) : 0.000_2;
    const places = random.whole(2, 4);
    for (let place = 0; place < places; place += 1) {
      this.#rates.push(1 + random.between(-bound, bound));
      this.#versions.push(random.whole(1, 3));
      this.#places.push(null);
      world.after(random.between(0, random.chance(0.5) ? 300 : 5_000), () => this.start(place));
    }
    // As the manifests ship it, or not at all.
    if (random.chance(0.7)) this.server.create('leases', { metadata: { name: LEASE } }, 'somebody');
  }

  get size(): number {
    return this.#places.length;
  }

  get replicas(): Replica[] {
    return this.#places.filter((replica) => replica !== null);
  }

  at(place: number): Replica | null {
    const replica = this.#places[place] ?? null;
    return replica?.machine.ended ? null : replica;
  }

  span(): number {
    return this.random.chance(0.5)
      ? this.random.between(10, 2_000)
      : this.random.between(2_000, this.timings.leaseDurationMs * 1.6);
  }

  later(ms: number, action: () => void): void {
    this.#parts.world.after(ms, () => {
      if (!this.#healed) action();
    });
  }

  start(place: number, podUid?: string): void {
    if (this.at(place) !== null) return;
    const { world, oracle, trace } = this.#parts;
    const { random, timings } = this;
    this.#starts += 1;
    const machine = new Machine(world, {
      rate: this.#rates[place]!,
      monoMs: random.between(0, 1e9),
      wallMs: EPOCH_MS + world.nowMs + (this.wildClocks ? random.between(-25_000, 25_000) : random.between(-300, 300)),
    });
    const version = this.#versions[place]!;
    const replica = new Replica({
      ...{ world, machine, server: this.server, timings, observer: oracle },
      random: random.fork(),
      names: {
        podName: `pod-${place}-v${version}`,
        podUid: podUid ?? `uid-${place}-${random.whole(0, 1e9)}`,
        startId: `${this.#starts}`,
      },
      candidacy: DEFAULT_CANDIDACY,
      appVersion: `${version}.0.0`,
      number: this.#starts,
      stopWorkMs: random.chance(0.5) ? 0 : random.between(0, 6_000),
      onChange: ({ process }, kind, token) => {
        trace(`${nameOf(process)} ${kind} ${token ?? ''}`);
        if (kind === 'started') oracle.started(process, token);
      },
      onFatal: ({ process }, error) => oracle.failed(process, error),
    });
    oracle.enroll({
      process: replica.process,
      identity: replica.identity,
      renewDeadlineMs: timings.renewDeadlineMs,
      monoMs: () => machine.now().monoMs,
      acts: () => replica.acts(),
      claims: () => machine.running && replica.leadership.workValidForMs() > 0,
    });
    this.#places[place] = replica;
    trace(`${nameOf(replica.process)} starts`);
    replica.start();
  }

  weather(place: number, change: Partial<Weather>, forMs: number): void {
    const weather = this.at(place)?.transport.weather;
    if (weather === undefined) return;
    Object.assign(weather, change);
    this.#parts.world.after(forMs, () => {
      Object.assign(weather, Object.fromEntries(Object.keys(change).map((key) => [key, CALM[key as keyof Weather]])));
    });
  }

  stop(place: number, how: 'stop' | 'suspend'): void {
    const replica = this.at(place);
    if (replica === null || !replica.machine.running) return;
    if (how === 'stop') replica.machine.stop();
    else {
      replica.machine.suspend();
      replica.forget();
    }
    this.#parts.world.after(this.span(), () => this.#goOn(replica));
  }

  crash(place: number): void {
    const replica = this.at(place);
    if (replica === null) return;
    replica.machine.end();
    const podUid = this.random.chance(0.5) ? replica.names.podUid : undefined;
    if (podUid === undefined) this.#collect(replica);
    this.#parts.world.after(this.random.between(100, 20_000), () => this.start(place, podUid));
  }

  /** A rollout, or a rollback: the pod is replaced by one of another version, perhaps. */
  replace(place: number): void {
    const replica = this.at(place);
    if (replica === null) return;
    if (this.random.chance(0.6)) this.#versions[place] = this.random.whole(1, 3);
    const calm = () =>
      Object.values(replica.transport.weather).every((value, index) => value === Object.values(CALM)[index]);
    const wasCalm = calm() && replica.machine.running;
    replica.terminate();
    this.#parts.world.after(25_000, () => {
      if (wasCalm && calm() && replica.machine.ended) {
        this.#parts.oracle.left(replica.identity, this.server.get('leasecandidates', replica.identity));
      }
      replica.machine.end();
      this.#collect(replica);
    });
    this.#parts.world.after(this.random.between(26_000, 30_000), () => this.start(place));
  }

  stepDown(place: number): void {
    this.at(place)?.machine.deliver(() => void this.at(place)?.runner.stepDown({ immediate: false }));
  }

  pause(place: number, forMs: number): void {
    const replica = this.at(place);
    if (replica === null) return;
    this.#paused.add(replica);
    replica.machine.deliver(() => void replica.runner.pause({ immediate: false }));
    this.later(forMs, () => this.#resume(replica));
  }

  sicken(place: number, forMs: number): void {
    const replica = this.at(place);
    if (replica === null) return;
    this.#sick.add(replica);
    replica.sicken(false);
    this.later(forMs, () => this.#recover(replica));
  }

  /** For a while: a dead candidate counts as living for as long as its clock was ahead. */
  stepWallClock(place: number, byMs: number, forMs: number): void {
    const machine = this.at(place)?.machine;
    machine?.stepWallClock(byMs);
    this.#parts.world.after(forMs, () => machine?.stepWallClock(-byMs));
  }

  removeLease(): void {
    this.server.remove('leases', LEASE, 'somebody');
  }

  removeCandidate(place: number): void {
    const replica = this.at(place);
    if (replica !== null) this.server.remove('leasecandidates', replica.identity, 'somebody');
  }

  heal(): void {
    this.#healed = true;
    for (let place = 0; place < this.size; place += 1) {
      const replica = this.at(place);
      if (replica === null) {
        this.#parts.world.after(10, () => this.start(place));
        continue;
      }
      Object.assign(replica.transport.weather, CALM);
      this.#goOn(replica);
    }
    // Whoever is paused or sick stays so: it must not be chosen. One at least may lead.
    const barred = this.replicas.filter((replica) => this.barred(replica) && !replica.machine.ended);
    const free = this.replicas.filter(
      (replica) => !replica.machine.ended && !replica.terminating && !barred.includes(replica),
    );
    const [first] = barred;
    if (free.length === 0 && first !== undefined) {
      this.#resume(first);
      this.#recover(first);
    }
  }

  barred(replica: Replica): boolean {
    return this.#paused.has(replica) || this.#sick.has(replica);
  }

  /** Who leads at this moment. */
  leader(): Replica | null {
    return this.replicas.find((replica) => replica.machine.running && replica.leads()) ?? null;
  }

  /** The candidates that the controller should choose from: those of processes that live. */
  best(): StoredObject | null {
    const living = new Set(
      this.replicas
        .filter((replica) => replica.machine.running && !replica.terminating && !this.barred(replica))
        .map(({ identity }) => identity),
    );
    const candidates = this.server.all('leasecandidates').filter(({ metadata }) => living.has(metadata.name));
    return candidates.reduce<StoredObject | null>(
      (best, each) => (best === null || rank(best, each) > 0 ? each : best),
      null,
    );
  }

  /** Its pod is gone, and Kubernetes deletes what it owned. Alone, candidates that answer nothing unsettle the others for half an hour. */
  #collect({ identity }: Replica): void {
    this.#parts.world.after(this.random.between(500, 20_000), () => {
      this.server.remove('leasecandidates', identity, 'garbage-collector');
    });
  }

  #resume(replica: Replica): void {
    this.#paused.delete(replica);
    replica.machine.deliver(() => replica.runner.resume());
  }

  #recover(replica: Replica): void {
    this.#sick.delete(replica);
    replica.recover();
  }

  #goOn(replica: Replica): void {
    const { machine } = replica;
    if (!machine.running && !machine.ended) machine.resume();
  }
}
