import { parseArgs } from 'node:util';
import { sweep } from './sweep.ts';
import type { System } from './system.ts';
import { replayOf, SYSTEMS, systemOf } from './systems.ts';

/** Broken seeds that are printed one by one. */
const BROKEN_SHOWN_MAX = 20;

const { values } = parseArgs({
  options: {
    system: { type: 'string' },
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    workers: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});

process.exitCode = values.seed === undefined ? await all() : await one(whole('seed', values.seed));

async function one(seed: number): Promise<number> {
  const print = (atMs: number, line: string) => console.log(`${(atMs / 1_000).toFixed(3).padStart(9)}  ${line}`);
  const result = await systemOf(values.system ?? SYSTEMS[0]!.name).runSeed(seed, values.trace ? print : undefined);
  for (const { invariant, atMs, what } of result.violations) print(atMs, `BROKEN ${invariant}: ${what}`);
  console.log(`${result.violations.length === 0 ? 'ok' : 'broken'}: ${result.steps} steps, ${told(result.counts)}`);
  return result.violations.length > 0 ? 1 : 0;
}

/** Every system, or the one that is named. */
async function all(): Promise<number> {
  let code = 0;
  for (const system of values.system === undefined ? SYSTEMS : [systemOf(values.system)]) {
    const seeds = whole('seeds', values.seeds);
    code |= await many(system, values.system === undefined ? Math.ceil(seeds * system.share) : seeds);
  }
  return code;
}

async function many({ name }: System, count: number): Promise<number> {
  const from = whole('from', values.from);
  const startMs = performance.now();
  const { steps, counts, broken } = await sweep({
    system: name,
    from,
    count,
    ...(values.workers === undefined ? {} : { workers: whole('workers', values.workers) }),
  });
  const seconds = (performance.now() - startMs) / 1_000;
  for (const { seed, violations } of broken.slice(0, BROKEN_SHOWN_MAX)) {
    const { invariant, what } = violations[0]!;
    console.log(`${name}: seed ${seed} breaks invariant ${invariant}: ${what}\n  ${replayOf(name, seed)}`);
  }
  if (broken.length > BROKEN_SHOWN_MAX) console.log(`and ${broken.length - BROKEN_SHOWN_MAX} more`);
  const speed = `${seconds.toFixed(1)} s, ${Math.round(count / seconds)} seeds/s`;
  console.log(
    `${name}: seeds ${from} to ${from + count - 1}: ${broken.length} broken; ${steps} steps, ${told(counts)}; ${speed}`,
  );
  return broken.length > 0 ? 1 : 0;
}

function told(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ');
}

function whole(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`--${option} wants a whole number above 0: ${text}`);
  return value;
}
