import { SimApiServer, type Version } from './api-server.ts';
import { Cast } from './cast.ts';
import { FAULTS, OUTRAGES } from './faults.ts';
import { runWorld, scheduleFaults, scheduleQuestions } from './history-steps.ts';
import { Oracle } from './oracle.ts';
import { nameOf } from './participant.ts';
import { SeededRandom } from './random.ts';
import { Scene } from './scene.ts';
import type { HistoryResult, RunSeed, Trace } from './system.ts';
import { TIMINGS } from './timings.ts';
import { World } from './world.ts';

/** Runs one history: a safety phase under the faults that its seed chooses, then a healing phase without any. */
export const runSeed: RunSeed = async (seed, trace) => {
  const history = new History(seed, trace);
  await history.run();
  return history.result();
};

/** Of pollers, of the head start of higher priorities, and of whoever was named to lead next. */
const RETRY_PERIODS = 2.2 + 1 + 1;

class History {
  readonly #seed: number;
  readonly #random: SeededRandom;
  readonly #world = new World();
  readonly #server: SimApiServer;
  readonly #cast: Cast;
  readonly #oracle: Oracle;
  readonly #scene: Scene;
  readonly #trace: (line: string) => void;
  #steps = 0;
  #leaderlessSinceMs: number | null = null;
  /** Long histories, which are few, show that leadership comes to rest where it should. */
  readonly #settles: boolean;

  constructor(seed: number, trace: Trace | undefined) {
    this.#seed = seed;
    const world = this.#world;
    const random = new SeededRandom(seed);
    this.#random = random;
    this.#trace = (line) => trace?.(world.nowMs, line);
    const server = new SimApiServer(world, random.fork());
    const cast = new Cast({ world, random, server, trace: this.#trace });
    const oracle = new Oracle({ now: () => world.nowMs, longestMs: cast.longestMs });
    this.#settles = random.chance(0.25);
    this.#server = server;
    this.#cast = cast;
    this.#oracle = oracle;
    this.#scene = new Scene({ world, random, server, oracle, cast, trace: this.#trace });
    server.onWrite((before, after) => {
      oracle.wrote(before, after);
      if (trace !== undefined) this.#trace(describe(after));
    });
  }

  result(): HistoryResult {
    const { violations, grants } = this.#oracle;
    return { seed: this.#seed, violations, steps: this.#steps, counts: { grants } };
  }

  /** Long enough for several changes of leader, and for a process that comes back. */
  get #safetyMs(): number {
    return 30_000 + 4 * this.#cast.longestMs;
  }

  /**
   * Without faults somebody leads within this: a lease duration (two, where the Lease was gone, or its record was written by
   * hand for another), the pollers' retry, the requests that hung when the faults ended, the slowest stop of work and the
   * hold-off after a hand-over, and those who go first.
   */
  get #recoveryMsMax(): number {
    const { longestMs, mixedTimings, timings } = this.#cast;
    const { retryPeriodMs, renewDeadlineMs } = mixedTimings ? TIMINGS.at(-1)! : timings;
    return (2 * longestMs + RETRY_PERIODS * retryPeriodMs + renewDeadlineMs) * 1.2 + 6_000;
  }

  /**
   * Without faults leadership has settled by then: all have come back (30 s), somebody leads, and has handed over to the one of
   * highest priority, which may have asked in vain three times while there were faults.
   */
  get #settlingMs(): number {
    return 30_000 + this.#recoveryMsMax + 12 * this.#cast.longestMs;
  }

  async run(): Promise<void> {
    // The Lease as the manifests ship it: free.
    if (this.#random.chance(0.7)) this.#server.create({});
    this.#cast.enter(this.#oracle);
    scheduleFaults({
      ...{ world: this.#world, random: this.#random, scene: this.#scene, size: this.#cast.size, trace: this.#trace },
      faults: this.#random.chance(0.5) ? FAULTS : { ...FAULTS, ...OUTRAGES },
      untilMs: this.#safetyMs,
    });
    scheduleQuestions(this.#world, this.#random, () => this.#cast.replicas());
    await this.#runUntil(this.#safetyMs);
    if (this.#oracle.violations.length > 0) return;
    this.#trace('healing');
    this.#scene.heal();
    const healedMs = this.#safetyMs;
    await this.#runUntil(healedMs + this.#recoveryMsMax + 2 * this.#cast.longestMs, () => this.#watchRecovery());
    // Foreign electors lose leadership by themselves.
    if (this.#settles && !this.#cast.hasForeigners) await this.#settle(healedMs + this.#settlingMs);
  }

  async #settle(byMs: number): Promise<void> {
    await this.#runUntil(byMs, () => this.#watchRecovery());
    if (this.#oracle.violations.length > 0) return;
    const { grants } = this.#oracle;
    const usurper = this.#cast.usurper();
    if (usurper !== null) this.#oracle.usurped(usurper.identity);
    await this.#runUntil(byMs + 3 * this.#cast.longestMs, () => this.#watchRecovery());
    if (this.#oracle.grants > grants) this.#oracle.unsettled(this.#oracle.grants - grants);
  }

  async #runUntil(untilMs: number, after: () => void = () => {}): Promise<void> {
    const { violations } = this.#oracle;
    await runWorld(this.#world, untilMs, () => {
      this.#steps += 1;
      this.#oracle.look();
      after();
      return violations.length > 0;
    });
    if (violations.length === 0) after();
  }

  #watchRecovery(): void {
    if (this.#cast.leads()) this.#leaderlessSinceMs = null;
    else this.#leaderlessSinceMs ??= this.#world.nowMs;
    if (this.#leaderlessSinceMs === null) return;
    const leaderlessMs = this.#world.nowMs - this.#leaderlessSinceMs;
    if (leaderlessMs >= this.#recoveryMsMax) this.#oracle.leaderless(leaderlessMs);
  }
}

function describe({ resourceVersion, writer, lease }: Version): string {
  const { holderIdentity, renewTime, leaseTransitions } = (lease?.spec ?? {}) as Record<string, unknown>;
  const state = `${nameOf(String(holderIdentity ?? ''))} renew ${renewTime} transitions ${leaseTransitions}`;
  return `store ${resourceVersion} by ${nameOf(writer)}: ${lease === null ? 'deleted' : state}`;
}
