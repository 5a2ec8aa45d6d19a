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
    this.#scheduleFaults(safetyMs);
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

  #scheduleFaults(untilMs: number): void {
    const random = this.#random;
    // A history with a few kinds of fault goes deeper than one with a little of everything.
    const chosen = Object.entries(MEMBER_FAULTS).filter(() => random.chance(0.25));
    if (chosen.length === 0) return;
    const count = random.whole(2, 14);
    for (let fault = 0; fault < count; fault += 1) {
      const [kind, strike] = random.pick(chosen);
      this.#world.after(random.between(2_000, untilMs - 1_000), () => {
        const place = random.whole(0, this.#scene.size - 1);
        this.#trace(`fault: ${kind} at ${place}`);
        strike(this.#scene, place);
      });
    }
  }

  async #runUntil(untilMs: number): Promise<void> {
    while (this.#world.step(untilMs)) {
      this.#steps += 1;
      // All that follows from this step without time passing: chains of promises, none longer than this.
      if (this.#world.stirred) for (let turn = 0; turn < 24; turn += 1) await null;
      this.#world.stirred = false;
      this.#oracle.look();
      if (this.#oracle.violations.length > 0) return;
    }
  }
}
