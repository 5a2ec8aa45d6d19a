import { runWorld, scheduleFaults, scheduleQuestions } from '../history-steps.ts';
import { SeededRandom } from '../random.ts';
import type { HistoryResult, RunSeed, Trace } from '../system.ts';
import { World } from '../world.ts';
import { COORDINATED_FAULTS } from './faults.ts';
import { CoordinatedOracle } from './oracle.ts';
import { CoordinatedScene } from './scene.ts';

/** Runs one history of a coordinated election: a safety phase under the faults that its seed chooses, then one without any. */
export const runSeed: RunSeed = async (seed, trace) => {
  const history = new CoordinatedHistory(seed, trace);
  await history.run();
  return history.result();
};

/** Rounds of the controller, of 5 s each, an election at each, and what wall clocks that are off make it wait. */
const CONTROLLER_MS_MAX = 60_000;
/** A silent watch is found out. */
const WATCH_MS_MAX = 200_000;
const SETTLED_MS = 60_000;

class CoordinatedHistory {
  readonly #seed: number;
  readonly #random: SeededRandom;
  readonly #world = new World();
  readonly #oracle: CoordinatedOracle;
  readonly #scene: CoordinatedScene;
  readonly #trace: (line: string) => void;
  #steps = 0;

  constructor(seed: number, trace: Trace | undefined) {
    const world = this.#world;
    this.#seed = seed;
    this.#random = new SeededRandom(seed);
    this.#trace = (line) => trace?.(world.nowMs, line);
    this.#oracle = new CoordinatedOracle(() => world.nowMs);
    this.#scene = new CoordinatedScene({ world, random: this.#random, oracle: this.#oracle, trace: this.#trace });
  }

  result(): HistoryResult {
    const { violations, grants, handOvers } = this.#oracle;
    return { seed: this.#seed, violations, steps: this.#steps, counts: { grants, handOvers } };
  }

  async run(): Promise<void> {
    const { leaseDurationMs } = this.#scene.timings;
    const safetyMs = 60_000 + 8 * leaseDurationMs;
    const scene = this.#scene;
    const { size } = scene;
    const kinds = scheduleFaults({
      ...{ world: this.#world, random: this.#random, scene, size, trace: this.#trace },
      faults: COORDINATED_FAULTS,
      untilMs: safetyMs,
    });
    const silent = kinds.includes('silence') || kinds.includes('cutOff');
    scheduleQuestions(this.#world, this.#random, () => scene.replicas);
    await this.#runUntil(safetyMs);
    if (this.#oracle.violations.length > 0) return;
    this.#trace('healing');
    this.#scene.heal();
    // One hand-over for each place at most, until the candidates of one second are in order.
    const restMs =
      (this.#scene.size + 2) * (leaseDurationMs + 15_000) + CONTROLLER_MS_MAX + (silent ? WATCH_MS_MAX : 0);
    await this.#runUntil((safetyMs + restMs) * 1.1);
    if (this.#oracle.violations.length > 0) return;
    this.#settled(this.#oracle.grants);
    const { grants } = this.#oracle;
    await this.#runUntil((safetyMs + restMs) * 1.1 + SETTLED_MS);
    if (this.#oracle.violations.length > 0) return;
    this.#settled(grants);
  }

  /** Leadership has come to rest at the best. */
  #settled(grants: number): void {
    const oracle = this.#oracle;
    const leader = this.#scene.leader();
    const best = this.#scene.best();
    if (this.#scene.wildClocks) return;
    if (leader === null) return oracle.report(12, 'nobody leads');
    if (best === null) return oracle.report(12, 'there are no candidates');
    const led = this.#scene.server.get('leasecandidates', leader.identity);
    if (led === null) return oracle.report(12, 'who leads is no candidate');
    if (led.spec.binaryVersion !== best.spec.binaryVersion) {
      oracle.report(
        12,
        `${leader.identity} leads, of version ${led.spec.binaryVersion}, and ${best.metadata.name} is better`,
      );
    }
    if (oracle.grants > grants) oracle.report(12, `leadership changed ${oracle.grants - grants} times at rest`);
    if (oracle.preferredSinceMs !== null) oracle.report(12, 'preferredHolder is set at rest');
  }

  #runUntil(untilMs: number): Promise<void> {
    return runWorld(this.#world, untilMs, () => {
      this.#steps += 1;
      this.#oracle.look();
      return this.#oracle.violations.length > 0;
    });
  }
}
