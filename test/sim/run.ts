import { parseArgs } from 'node:util';
import { runHistory } from './history.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
  },
});

if (values.seed !== undefined) {
  const result = await runHistory({
    seed: Number(values.seed),
    ...(values.trace
      ? { trace: (atMs, line) => console.log(`${(atMs / 1_000).toFixed(3).padStart(9)}  ${line}`) }
      : {}),
  });
  console.log(JSON.stringify(result));
  process.exitCode = result.violations.length > 0 ? 1 : 0;
} else {
  const from = Number(values.from);
  const count = Number(values.seeds);
  const startMs = performance.now();
  let steps = 0;
  let grants = 0;
  let broken = 0;
  for (let seed = from; seed < from + count; seed += 1) {
    const result = await runHistory({ seed });
    steps += result.steps;
    grants += result.grants;
    if (result.violations.length === 0) continue;
    broken += 1;
    if (broken <= 10) console.log(`seed ${seed}: ${JSON.stringify(result.violations[0])}`);
  }
  const seconds = (performance.now() - startMs) / 1_000;
  console.log(
    JSON.stringify({
      seeds: count,
      from,
      broken,
      steps,
      grants,
      seconds: Math.round(seconds),
      seedsPerSecond: Math.round(count / seconds),
    }),
  );
  process.exitCode = broken > 0 ? 1 : 0;
}
