import { SimApiServer, type Version } from './api-server.ts';
import { Cast } from './cast.ts';
import { FAULTS, OUTRAGES } from './faults.ts';
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
    this.#scheduleFaults();
    this.#scheduleQuestions();
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

  #scheduleFaults(): void {
    const random = this.#random;
    // A history with a few kinds of fault goes deeper than one with a little of everything.
    const possible = random.chance(0.5) ? FAULTS : { ...FAULTS, ...OUTRAGES };
    const chosen = Object.entries(possible).filter(() => random.chance(0.25));
    if (chosen.length === 0) return;
    const count = random.whole(2, 14);
    for (let fault = 0; fault < count; fault += 1) {
      const [kind, strike] = random.pick(chosen);
      this.#world.after(random.between(2_000, this.#safetyMs - 1_000), () => {
        const place = random.whole(0, this.#cast.size - 1);
        this.#trace(`fault: ${kind} at ${place}`);
        strike(this.#scene, place);
      });
    }
  }

  /** An application asks now and then, and believes what it hears. */
  #scheduleQuestions(): void {
    const asks = this.#random.chance(0.5);
    if (!asks) return;
    const next = () => {
      for (const replica of this.#cast.replicas()) replica.ask();
      this.#world.after(this.#random.between(200, 3_000), next);
    };
    next();
  }

  async #runUntil(untilMs: number, after: () => void = () => {}): Promise<void> {
    while (this.#world.step(untilMs)) {
      this.#steps += 1;
      // All that follows from this step without time passing: chains of promises, none longer than this.
      if (this.#world.stirred) for (let turn = 0; turn < 24; turn += 1) await null;
      this.#world.stirred = false;
      this.#oracle.look();
      after();
      if (this.#oracle.violations.length > 0) return;
    }
    after();
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
