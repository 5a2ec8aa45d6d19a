/**
 * `npm run test:model`: explores the protocol in `lease.pml` with Spin. Fails when a property breaks where it must hold, or
 * holds where it must break.
 *
 *   --large        the large worlds as well: a quarter of an hour and 8 GiB
 *   --only NAME    one variant
 *   --trace NAME   one variant, with the shortest way to its error
 *   --write        puts the tables into README.md
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { abandon, check, missingTools, type Result } from './spin.ts';
import { VARIANTS, type Variant, type VariantKind } from './variants.ts';

/** Two at a time stay within 4 GiB; the large ones run alone. */
const MEMORY_MIB = 2_000;
const MEMORY_LARGE_MIB = 12_000;
const WORKERS = 2;

const TITLES: Record<VariantKind, string> = {
  world: 'Explored to the end: all properties must hold',
  hazard: 'A mistake put back: its property must break',
  limit: 'An assumption dropped: the property must break, or it would not be needed',
  witness: 'What must be possible',
};

const { values } = parseArgs({
  options: {
    large: { type: 'boolean', default: false },
    only: { type: 'string' },
    trace: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});

const name = values.trace ?? values.only;
const chosen = VARIANTS.filter((variant) =>
  name === undefined ? values.large || !variant.large : variant.name === name,
);
if (chosen.length === 0) {
  console.error(`no variant ${name}; there are ${VARIANTS.map((variant) => variant.name).join(', ')}`);
  process.exit(2);
}
const missing = await missingTools();
if (missing.length > 0) {
  console.error(
    `missing: ${missing.join(', ')}; on Debian: apt-get install --no-install-recommends ${missing.join(' ')} libc6-dev`,
  );
  process.exit(2);
}

const scratch = mkdtempSync(join(tmpdir(), 'leasegate-model-'));
process.once('exit', () => {
  abandon();
  rmSync(scratch, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const start = performance.now();
const small = await all(
  chosen.filter((variant) => !variant.large),
  WORKERS,
  MEMORY_MIB,
);
const results = [
  ...small,
  ...(await all(
    chosen.filter((variant) => variant.large),
    1,
    MEMORY_LARGE_MIB,
  )),
];
results.sort((a, b) => chosen.indexOf(a.variant) - chosen.indexOf(b.variant));
const text = tables(results);
console.log(text);
if (values.trace !== undefined) console.log(`${results[0]?.trace.join('\n')}\n`);
if (values.write && name === undefined) write(text);

const unexpected = results.filter((result) => !result.asExpected);
const seconds = Math.round((performance.now() - start) / 1000);
for (const { variant, verdict, trace } of unexpected) {
  console.error(`${variant.name} came out wrong (${verdict})\n${trace.join('\n')}`);
}
console.log(`${results.length - unexpected.length} of ${results.length} came out as they must, in ${seconds} s`);
process.exitCode = unexpected.length === 0 ? 0 : 1;

/** Explores all, the longest first in their order, `workers` at a time. */
async function all(variants: readonly Variant[], workers: number, memoryMiB: number): Promise<Result[]> {
  const left = [...variants];
  const done: Result[] = [];
  const work = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      done.push(await check(next, scratch, memoryMiB));
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return done;
}

function tables(results: readonly Result[]): string {
  return Object.entries(TITLES)
    .map(([kind, title]) => ({ title, of: results.filter((result) => result.variant.kind === kind) }))
    .filter(({ of }) => of.length > 0)
    .map(({ title, of }) => {
      const rows = of.map(
        ({ variant, states, depth, seconds, verdict }) =>
          `| ${variant.name} | ${variant.what} | ${states.toLocaleString('en')} | ${depth} | ${seconds.toFixed(0)} | ${verdict} |`,
      );
      return [
        `${title}.\n`,
        '| variant | what | states | depth | s | verdict |',
        '|---|---|--:|--:|--:|---|',
        ...rows,
        '',
      ].join('\n');
    })
    .join('\n');
}

function write(text: string): void {
  const readme = join(import.meta.dirname, 'README.md');
  const before = readFileSync(readme, 'utf8');
  const after = before.replace(
    /(<!-- results -->\n)[\s\S]*(<!-- \/results -->)/,
    (_, open, close) => `${open}${text}${close}`,
  );
  writeFileSync(readme, after);
}
