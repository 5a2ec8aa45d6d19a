import { parseArgs } from 'node:util';
import { runHistory } from './history.ts';
import { sweep } from './sweep.ts';

/** Broken seeds that are printed one by one. */
const BROKEN_SHOWN_MAX = 20;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    workers: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});

process.exitCode = values.seed === undefined ? await many() : await one(whole('seed', values.seed));

async function one(seed: number): Promise<number> {
  const print = (atMs: number, line: string) => console.log(`${(atMs / 1_000).toFixed(3).padStart(9)}  ${line}`);
  const result = await runHistory({ seed, ...(values.trace ? { trace: print } : {}) });
  for (const { invariant, atMs, what } of result.violations) print(atMs, `BROKEN ${invariant}: ${what}`);
  console.log(`${result.violations.length === 0 ? 'ok' : 'broken'}: ${result.steps} steps, ${result.grants} grants`);
  return result.violations.length > 0 ? 1 : 0;
}

async function many(): Promise<number> {
  const from = whole('from', values.from);
  const count = whole('seeds', values.seeds);
  const startMs = performance.now();
  const { steps, grants, broken } = await sweep({
    from,
    count,
    ...(values.workers === undefined ? {} : { workers: whole('workers', values.workers) }),
  });
  const seconds = (performance.now() - startMs) / 1_000;
  for (const { seed, violations } of broken.slice(0, BROKEN_SHOWN_MAX)) {
    const { invariant, what } = violations[0]!;
    console.log(`seed ${seed} breaks invariant ${invariant}: ${what}\n  npm run sim -- --seed ${seed} --trace`);
  }
  if (broken.length > BROKEN_SHOWN_MAX) console.log(`and ${broken.length - BROKEN_SHOWN_MAX} more`);
  const speed = `${seconds.toFixed(1)} s, ${Math.round(count / seconds)} seeds/s`;
  console.log(
    `seeds ${from} to ${from + count - 1}: ${broken.length} broken; ${steps} steps, ${grants} grants; ${speed}`,
  );
  return broken.length > 0 ? 1 : 0;
}

function whole(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`--${option} wants a whole number above 0: ${text}`);
  return value;
}
