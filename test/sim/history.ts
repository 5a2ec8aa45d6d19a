import type { ElectionTimings } from '../../src/election/index.ts';
import type { JsonObject } from '../../src/lease-server/object.ts';
import { EPOCH_MS, LEASE, NAMESPACE, SimApiServer, type Version } from './api-server.ts';
import { Machine } from './machine.ts';
import { CALM, type Weather } from './network.ts';
import { Oracle, type Violation } from './oracle.ts';
import { SeededRandom } from './random.ts';
import { Replica } from './replica.ts';
import { World } from './world.ts';

export interface HistoryResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly steps: number;
  readonly grants: number;
  /** True milliseconds without anybody leading after the faults ended, at most. */
  readonly recoveredAfterMs: number;
}

export interface HistoryOptions {
  readonly seed: number;
  /** Called with each thing that happens; for reading a history. */
  readonly trace?: (atMs: number, line: string) => void;
}

const TIMINGS: readonly ElectionTimings[] = [
  { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, renewIntervalMs: 2_000, retryPeriodMs: 2_000 },
  { leaseDurationMs: 5_000, renewDeadlineMs: 3_500, renewIntervalMs: 1_000, retryPeriodMs: 500 },
  { leaseDurationMs: 2_000, renewDeadlineMs: 1_300, renewIntervalMs: 300, retryPeriodMs: 300 },
  { leaseDurationMs: 30_000, renewDeadlineMs: 20_000, renewIntervalMs: 5_000, retryPeriodMs: 3_000 },
];

/** Runs one history: a safety phase under the faults that its seed chooses, then a healing phase without any. */
export async function runHistory({ seed, trace }: HistoryOptions): Promise<HistoryResult> {
  const history = new History(seed, trace);
  await history.run();
  return history.result();
}

class History {
  readonly #seed: number;
  readonly #random: SeededRandom;
  readonly #world = new World();
  readonly #server: SimApiServer;
  readonly #oracle: Oracle;
  readonly #timings: ElectionTimings;
  readonly #mixedTimings: boolean;
  readonly #trace: (line: string) => void;
  readonly #slots: (Replica | null)[] = [];
  readonly #rates: number[] = [];
  readonly #duplicateNames: boolean;
  #steps = 0;
  #leaderlessSinceMs: number | null = null;
  #recoveredAfterMs = 0;

  constructor(seed: number, trace: HistoryOptions['trace']) {
    this.#seed = seed;
    this.#random = new SeededRandom(seed);
    this.#trace = (line) => trace?.(this.#world.nowMs, line);
    this.#server = new SimApiServer(this.#world, this.#random.fork());
    this.#oracle = new Oracle(() => this.#world.nowMs);
    this.#timings = this.#random.pick(TIMINGS);
    this.#mixedTimings = this.#random.chance(0.2);
    this.#duplicateNames = this.#random.chance(0.2);
    this.#server.onWrite((before, after) => {
      this.#oracle.wrote(before, after);
      if (trace !== undefined) this.#trace(describe(after));
    });
  }

  result(): HistoryResult {
    return {
      seed: this.#seed,
      violations: this.#oracle.violations,
      steps: this.#steps,
      grants: this.#oracle.grants,
      recoveredAfterMs: this.#recoveredAfterMs,
    };
  }

  /** No claim of anyone lasts longer. */
  get #longestMs(): number {
    return this.#mixedTimings
      ? Math.max(...TIMINGS.map(({ leaseDurationMs }) => leaseDurationMs))
      : this.#timings.leaseDurationMs;
  }

  /** Long enough for several changes of leader, and for a process that comes back. */
  get #safetyMs(): number {
    return 30_000 + 4 * this.#longestMs;
  }

  /**
   * Without faults somebody leads within this: a lease duration (two, where the Lease was gone, or its record was written by
   * hand for another), the pollers' retry, the requests that hung when the faults ended, the slowest stop of work and the
   * hold-off after a hand-over.
   */
  get #recoveryMsMax(): number {
    const { retryPeriodMs, renewDeadlineMs } = this.#mixedTimings ? TIMINGS.at(-1)! : this.#timings;
    return (2 * this.#longestMs + 2.2 * retryPeriodMs + renewDeadlineMs) * 1.2 + 6_000;
  }

  async run(): Promise<void> {
    const random = this.#random;
    if (random.chance(0.7)) this.#ship();
    const count = random.whole(2, 4);
    for (let slot = 0; slot < count; slot += 1) {
      this.#rates.push(this.#clockRate());
      this.#slots.push(null);
      this.#world.after(random.between(0, 3_000), () => this.#start(slot));
    }
    this.#scheduleFaults();
    this.#scheduleQuestions();
    await this.#runUntil(this.#safetyMs);
    this.#heal();
    await this.#runUntil(this.#safetyMs + this.#recoveryMsMax + 2 * this.#longestMs, true);
  }

  /** The Lease as the manifests ship it: free. */
  #ship(): void {
    this.#server.handle(
      {
        method: 'POST',
        path: '',
        timeoutMs: 0,
        body: { metadata: { name: LEASE, namespace: NAMESPACE }, spec: {} },
      },
      'somebody',
    );
  }

  /** Within the bound that the margin allows: (1 + r) / (1 − r) < leaseDuration / (renewDeadline + what a jump may hide). */
  #clockRate(): number {
    const { leaseDurationMs, renewDeadlineMs } = this.#timings;
    const hiddenMs = Math.min(1_000, (leaseDurationMs - renewDeadlineMs) / 4);
    const ratio = leaseDurationMs / (renewDeadlineMs + hiddenMs);
    const bound = (ratio - 1) / (ratio + 1);
    return 1 + this.#random.between(-bound, bound) * 0.99;
  }

  #start(slot: number, podUid?: string): void {
    if (this.#replica(slot) !== null) return;
    const random = this.#random;
    const timings = this.#mixedTimings ? random.pick(TIMINGS) : this.#timings;
    const machine = new Machine(this.#world, {
      rate: this.#rates[slot]!,
      monoMs: random.between(0, 1e6),
      wallMs: EPOCH_MS + this.#world.nowMs + random.between(-60_000, 60_000),
    });
    const replica = new Replica({
      world: this.#world,
      machine,
      server: this.#server,
      random: random.fork(),
      observer: this.#oracle,
      timings,
      podName: this.#duplicateNames ? 'pod' : `pod-${slot}`,
      podUid: podUid ?? `uid-${slot}-${random.whole(0, 1e9)}`,
      stopWorkMs: random.chance(0.5) ? 0 : random.between(0, 12_000),
      onChange: ({ identity }, kind, token) => {
        this.#trace(`${nameOf(identity)} ${kind} ${token ?? ''}`);
        this.#oracle.changed(identity, kind, token);
      },
      onFatal: ({ identity }, error) => {
        this.#oracle.violations.push({ invariant: 0, atMs: this.#world.nowMs, what: `${nameOf(identity)}: ${error}` });
      },
    });
    this.#oracle.enroll({
      identity: replica.identity,
      podUid: replica.podUid,
      leaseDurationMs: timings.leaseDurationMs,
      renewDeadlineMs: timings.renewDeadlineMs,
      retryPeriodMs: timings.retryPeriodMs,
      monoMs: () => machine.now().monoMs,
      acts: () => replica.acts(),
      stopping: () => replica.stopping(),
      claims: () => machine.running && replica.leadership.workValidForMs() > 0,
    });
    this.#slots[slot] = replica;
    this.#trace(`${replica.identity} starts`);
    machine.deliver(() => replica.runner.start());
  }

  // --- faults

  #scheduleFaults(): void {
    const random = this.#random;
    const kinds = Object.keys(FAULTS) as (keyof typeof FAULTS)[];
    // A history with a few kinds of fault goes deeper than one with a little of everything.
    const chosen = kinds.filter(() => random.chance(0.3));
    if (chosen.length === 0) return;
    const count = random.whole(2, 14);
    for (let fault = 0; fault < count; fault += 1) {
      const kind = random.pick(chosen);
      this.#world.after(random.between(2_000, this.#safetyMs - 1_000), () => this.#fault(kind));
    }
  }

  #fault(kind: keyof typeof FAULTS): void {
    const slot = this.#random.whole(0, this.#slots.length - 1);
    this.#trace(`fault: ${kind} at ${slot}`);
    FAULTS[kind].call(this, slot);
  }

  #replica(slot: number): Replica | null {
    const replica = this.#slots[slot] ?? null;
    return replica?.machine.ended ? null : replica;
  }

  weather(slot: number, change: Partial<Weather>, forMs: number): void {
    const replica = this.#replica(slot);
    if (replica === null) return;
    Object.assign(replica.transport.weather, change);
    this.#world.after(forMs, () => {
      const calm = Object.fromEntries(Object.keys(change).map((key) => [key, CALM[key as keyof Weather]]));
      Object.assign(replica.transport.weather, calm);
    });
  }

  weatherForAll(change: Partial<Weather>, forMs: number): void {
    for (let slot = 0; slot < this.#slots.length; slot += 1) this.weather(slot, change, forMs);
  }

  /** As long as faults of interest last: from a blink to longer than a lease. */
  span(): number {
    const { leaseDurationMs } = this.#timings;
    return this.#random.chance(0.5)
      ? this.#random.between(10, 2_000)
      : this.#random.between(2_000, leaseDurationMs * 1.6);
  }

  get random(): SeededRandom {
    return this.#random;
  }

  stop(slot: number, how: 'stop' | 'suspend'): void {
    const replica = this.#replica(slot);
    if (replica === null || !replica.machine.running) return;
    if (how === 'suspend') {
      replica.machine.suspend();
      replica.forget();
    } else replica.machine.stop();
    this.#world.after(this.span(), () => {
      this.#trace(`${nameOf(replica.identity)} goes on`);
      replica.machine.resume();
    });
  }

  crash(slot: number, samePod: boolean): void {
    const replica = this.#replica(slot);
    if (replica === null) return;
    replica.machine.end();
    this.#world.after(this.random.between(100, 20_000), () => this.#start(slot, samePod ? replica.podUid : undefined));
  }

  terminate(slot: number): void {
    const replica = this.#replica(slot);
    if (replica === null) return;
    replica.terminate();
    // The kubelet's patience ends, too.
    this.#world.after(25_000, () => replica.machine.end());
    this.#world.after(this.random.between(26_000, 30_000), () => this.#start(slot));
  }

  control(slot: number, action: (replica: Replica) => void): void {
    const replica = this.#replica(slot);
    if (replica !== null) replica.machine.deliver(() => action(replica));
  }

  server(): SimApiServer {
    return this.#server;
  }

  get slotCount(): number {
    return this.#slots.length;
  }

  timings(): ElectionTimings {
    return this.#timings;
  }

  /** Whoever edits the spec by hand may free the Lease under its holder's feet: what follows at once is not our promise. */
  edit(change: JsonObject): void {
    this.#oracle.exempt(this.#longestMs * 1.5);
    this.#server.edit(change);
  }

  restore(afterMs: number): void {
    const restore = this.#server.backUp();
    this.later(afterMs, () => {
      this.#trace('etcd is restored');
      this.#oracle.restored(this.#longestMs * 1.5);
      restore();
    });
  }

  later(ms: number, action: () => void): void {
    this.#world.after(ms, action);
  }

  /** An application asks now and then, and believes what it hears. */
  #scheduleQuestions(): void {
    const asks = this.#random.chance(0.5);
    if (!asks) return;
    const next = () => {
      for (const replica of this.#slots) replica?.ask();
      this.#world.after(this.#random.between(200, 3_000), next);
    };
    next();
  }

  #heal(): void {
    this.#trace('healing');
    for (const [slot, replica] of this.#slots.entries()) {
      if (replica === null || replica.machine.ended) {
        if (replica === null || replica.machine.ended)
          this.#world.after(10, () => this.#replica(slot) ?? this.#start(slot));
        continue;
      }
      Object.assign(replica.transport.weather, CALM);
      replica.machine.resume();
      replica.machine.deliver(() => replica.runner.resume());
    }
  }

  // --- running

  async #runUntil(untilMs: number, healing = false): Promise<void> {
    while (this.#world.step(untilMs)) {
      this.#steps += 1;
      // All that follows from this step without time passing: chains of promises, none longer than this.
      if (this.#world.stirred) for (let turn = 0; turn < 24; turn += 1) await null;
      this.#world.stirred = false;
      this.#oracle.look();
      if (healing) this.#watchRecovery();
      if (this.#oracle.violations.length > 0) return;
    }
    if (healing) this.#checkLiveness();
  }

  #watchRecovery(): void {
    const led = this.#slots.some((replica) => replica?.machine.running && replica.leadership.isLeader());
    if (led) {
      if (this.#leaderlessSinceMs !== null) {
        this.#recoveredAfterMs = Math.max(this.#recoveredAfterMs, this.#world.nowMs - this.#leaderlessSinceMs);
      }
      this.#leaderlessSinceMs = null;
    } else this.#leaderlessSinceMs ??= this.#world.nowMs;
    this.#checkLiveness();
  }

  #checkLiveness(): void {
    const boundMs = this.#recoveryMsMax;
    if (this.#leaderlessSinceMs === null || this.#world.nowMs - this.#leaderlessSinceMs < boundMs) return;
    this.#oracle.violations.push({
      invariant: 8,
      atMs: this.#world.nowMs,
      what: `nobody leads for ${Math.round(boundMs)} ms`,
    });
  }
}

/** Everything that can go wrong; each is one moment, with what it takes to end it. */
const FAULTS = {
  cutOff(this: History, slot: number) {
    this.weather(slot, { cutOff: true }, this.span());
  },
  refused(this: History) {
    this.weatherForAll({ refused: true }, this.span());
  },
  lossBefore(this: History, slot: number) {
    this.weather(slot, { lossBefore: 0.6 }, this.span());
  },
  lossAfter(this: History, slot: number) {
    this.weather(slot, { lossAfter: 0.6 }, this.span());
  },
  resets(this: History, slot: number) {
    this.weather(slot, { resetBefore: 0.3, resetAfter: 0.3 }, this.span());
  },
  slow(this: History, slot: number) {
    this.weather(slot, { delayMs: this.random.between(50, 3_000) }, this.span());
  },
  slowForAll(this: History) {
    this.weatherForAll({ delayMs: this.random.between(50, 1_500) }, this.span());
  },
  duplicates(this: History, slot: number) {
    this.weather(slot, { duplicate: 0.5 }, this.span());
  },
  staleReads(this: History, slot: number) {
    this.weather(slot, { stale: 0.8, resetAfter: 0.2 }, this.span());
  },
  throttled(this: History) {
    this.weatherForAll({ throttled: 0.7 }, this.span());
  },
  serverErrors(this: History) {
    this.weatherForAll({ serverErrorBefore: 0.3, serverErrorAfter: 0.3 }, this.span());
  },
  tokenExpired(this: History, slot: number) {
    this.weather(slot, { unauthorized: 1 }, this.span());
  },
  forbidden(this: History, slot: number) {
    this.weather(slot, { forbidden: 1 }, this.span());
  },
  watchGaps(this: History, slot: number) {
    this.weather(slot, { watchDrop: 0.5, watchDuplicate: 0.2 }, this.span());
  },
  watchEnds(this: History, slot: number) {
    this.weather(slot, { watchEnd: 0.5, watchGone: 0.2 }, this.span());
  },
  watchSilent(this: History, slot: number) {
    this.weather(slot, { watchSilence: 1 }, this.span());
  },
  compacted(this: History) {
    this.server().compact();
  },
  stopped(this: History, slot: number) {
    this.stop(slot, 'stop');
  },
  suspended(this: History, slot: number) {
    this.stop(slot, 'suspend');
  },
  wallClockStepped(this: History, slot: number) {
    this.control(slot, ({ machine }) => machine.stepWallClock(this.random.between(-3_600_000, 3_600_000)));
  },
  crashed(this: History, slot: number) {
    this.crash(slot, false);
  },
  restarted(this: History, slot: number) {
    this.crash(slot, true);
  },
  terminated(this: History, slot: number) {
    this.terminate(slot);
  },
  steppedDown(this: History, slot: number) {
    this.control(slot, ({ runner }) => void runner.stepDown({ immediate: false }));
  },
  paused(this: History, slot: number) {
    this.control(slot, ({ runner }) => void runner.pause({ immediate: false }));
    this.later(this.span(), () => this.control(slot, ({ runner }) => runner.resume()));
  },
  foreignHolder(this: History) {
    const { leaseDurationMs } = this.timings();
    const leaseDurationSeconds = Math.ceil((leaseDurationMs * this.random.between(0.2, 2)) / 1_000);
    this.edit({ holderIdentity: 'stranger', leaseDurationSeconds, leaseTransitions: this.random.whole(0, 100) });
  },
  edited(this: History) {
    this.edit(
      this.random.pick([
        { leaseDurationSeconds: 1 },
        { leaseTransitions: 0 },
        { renewTime: '2000-01-01T00:00:00.000000Z' },
        { holderIdentity: '' },
        {},
      ]),
    );
  },
  restored(this: History) {
    this.restore(this.random.between(500, 40_000));
  },
  /** Somebody who saw that the Lease is missing looks away while others go on. */
  deletedAndCutOff(this: History, slot: number) {
    const { leaseDurationMs } = this.timings();
    const remove = () => this.server().handle({ method: 'DELETE', path: '', timeoutMs: 0 }, 'somebody');
    remove();
    this.later(this.random.between(0, 3_000), () => this.weather(slot, { cutOff: true }, leaseDurationMs * 1.7));
    this.later(leaseDurationMs * this.random.between(1, 1.8), remove);
    const other = (slot + 1) % this.slotCount;
    this.later(leaseDurationMs * 1.5, () => this.weather(other, { cutOff: true }, this.span()));
  },
  leaseDeleted(this: History) {
    this.server().handle({ method: 'DELETE', path: '', timeoutMs: 0 }, 'somebody');
  },
};

function describe({ resourceVersion, writer, lease }: Version): string {
  const { holderIdentity, renewTime, leaseTransitions } = (lease?.spec ?? {}) as Record<string, unknown>;
  const state = `${nameOf(String(holderIdentity ?? ''))} renew ${renewTime} transitions ${leaseTransitions}`;
  return `store ${resourceVersion} by ${nameOf(writer)}: ${lease === null ? 'deleted' : state}`;
}

function nameOf(identity: string): string {
  const [pod = '', , start = ''] = identity.split('_');
  return start === '' ? identity || '(nobody)' : `${pod}_${start.slice(0, 4)}`;
}
