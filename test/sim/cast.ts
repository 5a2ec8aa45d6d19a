import { type Candidacy, DEFAULT_CANDIDACY, type ElectionTimings, PRIORITY_MAX } from '../../src/election/index.ts';
import { EPOCH_MS, LEASE, NAMESPACE, type SimApiServer } from './api-server.ts';
import { ForeignElector } from './foreign.ts';
import { Machine } from './machine.ts';
import { SimTransport } from './network.ts';
import type { Oracle } from './oracle.ts';
import { nameOf, type Participant } from './participant.ts';
import type { SeededRandom } from './random.ts';
import { Replica } from './replica.ts';
import { rateBound, TIMINGS } from './timings.ts';
import type { World } from './world.ts';

export interface CastParts {
  readonly world: World;
  readonly random: SeededRandom;
  readonly server: SimApiServer;
  readonly trace: (line: string) => void;
}

/** Who takes part: some places, each with a machine's clock rate of its own and one process at a time. */
export class Cast {
  readonly #parts: CastParts;
  readonly #random: SeededRandom;
  readonly #places: (Participant | null)[] = [];
  readonly #rates: number[] = [];
  readonly #foreignPlaces = new Set<number>();
  readonly #clones = new Set<Participant>();
  readonly #rateBound: number;
  readonly #samePodNames: boolean;
  readonly #candidacies: Candidacy[] = [];
  #oracle!: Oracle;
  #starts = 0;
  /** What most replicas run with. */
  readonly timings: ElectionTimings;
  /** Replicas run with different timings, as while a change of them is rolled out. */
  readonly mixedTimings: boolean;

  constructor(parts: CastParts) {
    this.#parts = parts;
    const { random } = parts;
    this.#random = random;
    this.timings = random.pick(TIMINGS);
    this.mixedTimings = random.chance(0.2);
    this.#samePodNames = random.chance(0.2);
    this.#rateBound = Math.min(...(this.mixedTimings ? TIMINGS : [this.timings]).map(rateBound));
    const places = random.whole(2, 4);
    for (let place = 0; place < places; place += 1) {
      this.#rates.push(1 + random.between(-this.#rateBound, this.#rateBound));
      this.#places.push(null);
    }
    this.#assignCandidacies(places);
    if (random.chance(0.25)) {
      // At least one of each.
      const ours = random.whole(0, places - 1);
      for (let place = 0; place < places; place += 1) {
        if (place !== ours && (place === (ours + 1) % places || random.chance(0.5))) this.#foreignPlaces.add(place);
      }
      this.#candidacies[ours] = { ...this.#candidacies[ours]!, neverLead: false };
    }
  }

  /** Half of the histories know nothing of priorities; in the others somebody may lead at any time, and most preempt. */
  #assignCandidacies(places: number): void {
    const random = this.#random;
    const ranked = random.chance(0.5);
    const preempts = random.chance(0.7);
    for (let place = 0; place < places; place += 1) {
      const candidacy = {
        priority: random.pick([PRIORITY_MAX, PRIORITY_MAX, 7, 5, 1, 0]),
        preempt: random.chance(preempts ? 0.9 : 0.1),
        neverLead: place > 0 && random.chance(0.05),
        leadUnhealthy: random.chance(0.4),
      };
      this.#candidacies.push(ranked ? candidacy : DEFAULT_CANDIDACY);
    }
  }

  /** No claim of anyone lasts longer. */
  get longestMs(): number {
    return this.mixedTimings
      ? Math.max(...TIMINGS.map(({ leaseDurationMs }) => leaseDurationMs))
      : this.timings.leaseDurationMs;
  }

  get hasForeigners(): boolean {
    return this.#foreignPlaces.size > 0;
  }

  get size(): number {
    return this.#places.length;
  }

  /** Everyone starts within a few seconds. */
  enter(oracle: Oracle): void {
    this.#oracle = oracle;
    for (let place = 0; place < this.size; place += 1) {
      this.#parts.world.after(this.#random.between(0, 3_000), () => this.start(place));
    }
  }

  at(place: number): Participant | null {
    const participant = this.#places[place] ?? null;
    return participant?.machine.ended ? null : participant;
  }

  replicas(): Replica[] {
    return this.#places.filter((participant) => participant instanceof Replica);
  }

  leads(): boolean {
    return this.#places.some((participant) => participant?.machine.running && participant.leads());
  }

  /** Who leads although another one of higher priority would rather have it so; null when all are content. */
  usurper(): Replica | null {
    const replicas = this.replicas().filter(({ machine }) => machine.running);
    const leader = replicas.find((replica) => replica.leads());
    const better = replicas.some(
      ({ candidacy: { priority, preempt, neverLead } }) =>
        preempt && !neverLead && leader !== undefined && priority > leader.candidacy.priority,
    );
    return better ? leader! : null;
  }

  isClone(participant: Participant): boolean {
    return this.#clones.has(participant);
  }

  /** Whether it shares its identity with a process that lived at some time. */
  isCloned({ identity }: Participant): boolean {
    return [...this.#clones].some((clone) => clone.identity === identity);
  }

  /** A new process, of the same pod when its uid is given. Nothing happens where one lives already. */
  start(place: number, podUid?: string): void {
    if (this.at(place) !== null) return;
    if (this.#foreignPlaces.has(place)) return this.#begin(place, this.#foreigner(place));
    const random = this.#random;
    const timings = this.mixedTimings ? random.pick(TIMINGS) : this.timings;
    this.#begin(
      place,
      this.#replica(place, timings, {
        podName: this.#samePodNames ? 'pod' : `pod-${place}`,
        podUid: podUid ?? `uid-${place}-${random.whole(0, 1e9)}`,
        startId: startIdOf(random),
      }),
    );
  }

  /** A second process with the identity of another. */
  startClone(place: number, of: Replica): Participant {
    const { podName, podUid, startId } = of.names;
    const clone = this.#replica(place, of.timings, { podName, podUid, startId });
    this.#clones.add(clone);
    this.#begin(place, clone);
    return clone;
  }

  #begin(place: number, participant: Participant): void {
    this.#places[place] = participant;
    this.#parts.trace(`${nameOf(participant.process)} starts: ${participant.process}`);
    participant.start();
  }

  #replica(
    place: number,
    timings: ElectionTimings,
    names: { readonly podName: string; readonly podUid: string; readonly startId: string },
  ): Replica {
    const { world, server, trace } = this.#parts;
    const random = this.#random;
    const oracle = this.#oracle;
    const replica = new Replica({
      world,
      machine: this.#machine(place),
      server,
      random: random.fork(),
      observer: oracle,
      timings,
      names,
      candidacy: this.#candidacies[place]!,
      number: this.#nextNumber(),
      stopWorkMs: random.chance(0.5) ? 0 : random.between(0, 12_000),
      onChange: ({ process }, kind, token) => {
        trace(`${nameOf(process)} ${kind} ${token ?? ''}`);
        oracle.changed(process, kind, token);
      },
      onFatal: ({ process }, error) => oracle.failed(process, error),
    });
    oracle.enroll({
      process: replica.process,
      identity: replica.identity,
      podUid: names.podUid,
      leaseDurationMs: timings.leaseDurationMs,
      renewDeadlineMs: timings.renewDeadlineMs,
      retryPeriodMs: timings.retryPeriodMs,
      monoMs: () => replica.machine.now().monoMs,
      acts: () => replica.acts(),
      stopping: () => replica.stopping(),
      barred: () => replica.barred() && replica.machine.running && replica.leads(),
      claims: () => replica.machine.running && replica.leadership.workValidForMs() > 0,
    });
    return replica;
  }

  #foreigner(place: number): ForeignElector {
    const { world, server, trace } = this.#parts;
    const random = this.#random;
    const timings = this.mixedTimings ? random.pick(TIMINGS) : this.timings;
    const identity = `foreign-${place}_${startIdOf(random)}`;
    const process = `${identity}#${this.#nextNumber()}`;
    const machine = this.#machine(place);
    const elector = new ForeignElector({
      process,
      identity,
      machine,
      transport: new SimTransport({ world, machine, server, random: random.fork(), observer: this.#oracle, process }),
      random: random.fork(),
      timings,
      releaseOnCancel: random.chance(0.5),
      namespace: NAMESPACE,
      lease: LEASE,
      onChange: (kind) => trace(`${nameOf(process)} ${kind}`),
      // Its users exit when they have lost, and are started again.
      onExit: () => world.after(random.between(500, 3_000), () => this.start(place)),
    });
    this.#oracle.enrollForeign({
      process,
      identity,
      rightfulMs: timings.leaseDurationMs / (1 + this.#rateBound),
      acts: () => elector.acts(),
    });
    return elector;
  }

  #machine(place: number): Machine {
    const { world } = this.#parts;
    return new Machine(world, {
      rate: this.#rates[place]!,
      monoMs: this.#random.between(0, 1e6),
      wallMs: EPOCH_MS + world.nowMs + this.#random.between(-60_000, 60_000),
    });
  }

  #nextNumber(): number {
    this.#starts += 1;
    return this.#starts;
  }
}

function startIdOf(random: SeededRandom): string {
  return Math.floor(random.next() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
}
