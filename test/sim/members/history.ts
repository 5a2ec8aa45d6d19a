import { runWorld, scheduleFaults } from '../history-steps.ts';
import type { Violation } from '../oracle.ts';
import { SeededRandom } from '../random.ts';
import type { HistoryResult, RunSeed, Trace } from '../system.ts';
import { World } from '../world.ts';
import { MemberApiServer } from './api-server.ts';
import { MEMBER_FAULTS } from './faults.ts';
import { MemberOracle } from './oracle.ts';
import { MemberScene } from './scene.ts';

/** Runs one history of heartbeats: a safety phase under the faults that its seed chooses, then a healing phase without any. */
export const runSeed: RunSeed = async (seed, trace) => {
  const history = new MemberHistory(seed, trace);
  await history.run();
  return history.result();
};

/** A watch that is silent is noticed within 150 s, and opened anew within 38 s, by any clock; then the time of the promise counts. */
const WATCH_MS_MAX = 210_000;

class MemberHistory {
  readonly #seed: number;
  readonly #random: SeededRandom;
  readonly #world = new World();
  readonly #server: MemberApiServer;
  readonly #oracle: MemberOracle;
  readonly #scene: MemberScene;
  readonly #trace: (line: string) => void;
  #steps = 0;

  constructor(seed: number, trace: Trace | undefined) {
    const world = this.#world;
    this.#seed = seed;
    this.#random = new SeededRandom(seed);
    this.#trace = (line) => trace?.(world.nowMs, line);
    const random = this.#random;
    this.#server = new MemberApiServer(world, random.fork());
    this.#oracle = new MemberOracle(() => world.nowMs);
    this.#server.onWrite = (write) => {
      this.#oracle.wrote(write);
      const { name, after, writer } = write;
      const spec = after?.spec as { holderIdentity?: string; renewTime?: string } | undefined;
      this.#trace(
        `${writer} ${after === null ? `deletes ${name}` : `writes ${spec?.holderIdentity} ${spec?.renewTime}`}`,
      );
    };
    this.#scene = new MemberScene({ world, random, server: this.#server, oracle: this.#oracle, trace: this.#trace });
  }

  result(): HistoryResult {
    const { violations, heartbeats, collected, racesLost } = this.#oracle;
    return { seed: this.#seed, violations, steps: this.#steps, counts: { heartbeats, collected, racesLost } };
  }

  async run(): Promise<void> {
    const { durationMs, intervalMs } = this.#scene.timings;
    const safetyMs = 30_000 + 10 * durationMs;
    const scene = this.#scene;
    const { size } = scene;
    scheduleFaults({
      ...{ world: this.#world, random: this.#random, scene, size, trace: this.#trace },
      faults: MEMBER_FAULTS,
      untilMs: safetyMs,
    });
    await this.#runUntil(safetyMs);
    if (this.#oracle.violations.length > 0) return;
    this.#trace('healing');
    this.#scene.heal();
    // Duration and period (three durations more), each as far as signs of a watch that come once in an interval can tell.
    const promisedMs = 4 * durationMs + 2 * intervalMs + 15_000;
    await this.#runUntil(safetyMs + promisedMs * 1.1);
    // A watch that was silent when the faults ended is waited for; most were not.
    if (this.#unsettled().length > 0) await this.#runUntil(safetyMs + (WATCH_MS_MAX + promisedMs) * 1.1);
    if (this.#oracle.violations.length > 0) return;
    for (const { invariant, what } of this.#unsettled()) this.#oracle.violate(invariant, what);
  }

  #unsettled(): readonly Pick<Violation, 'invariant' | 'what'>[] {
    const views = this.#scene.processes.map((process) => this.#oracle.misbeliefs(process.name, process.alive()));
    return [...this.#oracle.leftovers(this.#server.leases.keys()), ...views.flat()];
  }

  #runUntil(untilMs: number): Promise<void> {
    return runWorld(this.#world, untilMs, () => {
      this.#steps += 1;
      this.#oracle.look();
      return this.#oracle.violations.length > 0;
    });
  }
}
