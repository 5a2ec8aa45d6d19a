import type { SeededRandom } from './random.ts';
import type { World } from './world.ts';

/** Goes on until `untilMs`, or until `look`, which sees each moment at which something has happened, says that it is enough. */
export async function runWorld(world: World, untilMs: number, look: () => boolean): Promise<void> {
  while (world.step(untilMs)) {
    // All that follows from this step without time passing: chains of promises, none longer than this.
    if (world.stirred) for (let turn = 0; turn < 24; turn += 1) await null;
    world.stirred = false;
    if (look()) return;
  }
}

export interface FaultSchedule<Scene> {
  readonly world: World;
  readonly random: SeededRandom;
  readonly scene: Scene;
  /** Of places. */
  readonly size: number;
  readonly faults: Readonly<Record<string, (scene: Scene, place: number) => void>>;
  readonly untilMs: number;
  readonly trace: (line: string) => void;
}

/** Chooses kinds of fault, and when and where they strike. A few kinds go deeper than a little of everything. Returns the kinds. */
export function scheduleFaults<Scene>({
  world,
  random,
  scene,
  size,
  faults,
  untilMs,
  trace,
}: FaultSchedule<Scene>): readonly string[] {
  const chosen = Object.entries(faults).filter(() => random.chance(0.25));
  if (chosen.length === 0) return [];
  const count = random.whole(2, 14);
  for (let fault = 0; fault < count; fault += 1) {
    const [kind, strike] = random.pick(chosen);
    world.after(random.between(2_000, untilMs - 1_000), () => {
      const place = random.whole(0, size - 1);
      trace(`fault: ${kind} at ${place}`);
      strike(scene, place);
    });
  }
  return chosen.map(([kind]) => kind);
}

/** In half of the histories applications ask now and then, and believe what they hear. */
export function scheduleQuestions(world: World, random: SeededRandom, replicas: () => Iterable<{ ask(): void }>): void {
  if (!random.chance(0.5)) return;
  const next = () => {
    for (const replica of replicas()) replica.ask();
    world.after(random.between(200, 3_000), next);
  };
  next();
}
