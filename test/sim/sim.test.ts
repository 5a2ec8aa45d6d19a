import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Bundle, withBundle } from './bundle.ts';
import { FAULTS, OUTRAGES } from './faults.ts';
import { formatTable, readTable, SEEDS_MAX, TABLE_COMMAND } from './hazard-table.ts';
import type { Hazard } from './hazards.ts';
import { sweep } from './sweep.ts';
import type { RunSeed } from './system.ts';
import { replayOf, SYSTEMS } from './systems.ts';

const FRESH_SEEDS = 240;

/** What vitest would make of an `import` is several times as slow. */
const require = createRequire(import.meta.url);
const load = async (entry: string, hazard: Hazard | null): Promise<RunSeed> =>
  (await withBundle<Bundle>(entry, hazard, async (url) => require(fileURLToPath(url)))).runSeed;

/** Of each system, as it is. */
const runs = new Map(
  await Promise.all(SYSTEMS.map(async ({ name, entry }) => [name, await load(entry, null)] as const)),
);

describe.for(SYSTEMS)('$name', ({ name, share }) => {
  const runSeed = runs.get(name)!;

  test('histories that nobody has seen before break no invariant', { timeout: 120_000 }, async () => {
    const from = 1 + Math.floor(Math.random() * 2 ** 31);
    const { broken } = await sweep({ system: name, from, count: Math.ceil(FRESH_SEEDS * share) });
    const replays = broken.map(({ seed, violations }) => ({ replay: replayOf(name, seed), violations }));
    expect(replays).toEqual([]);
  });

  test('one seed is one history', async () => {
    const lines: string[][] = [[], []];
    for (const history of lines) await runSeed(20, (atMs, line) => void history.push(`${atMs} ${line}`));
    expect(lines[0]!.length).toBeGreaterThan(50);
    expect(lines[1]).toEqual(lines[0]);
  });
});

test('every fault strikes, and foreign electors lead as well as ours', { timeout: 60_000 }, async () => {
  const struck = new Set<string>();
  const led = new Set<string>();
  const trace = (_: number, line: string) => {
    struck.add(/^fault: (\w+)/.exec(line)?.[1] ?? '');
    led.add(/^(pod|foreign)\S* started/.exec(line)?.[1] ?? '');
  };
  const runSeed = runs.get('election')!;
  for (let seed = 1; seed <= 80; seed += 1) await runSeed(seed, trace);
  expect([...struck]).toEqual(expect.arrayContaining([...Object.keys(FAULTS), ...Object.keys(OUTRAGES)]));
  expect([...led]).toEqual(expect.arrayContaining(['pod', 'foreign']));
});

test('what a sweep finds does not depend on the number of cores', { timeout: 60_000 }, async () => {
  const one = await sweep({ system: 'election', from: 1, count: 45, hazard: 'H13', workers: 1 });
  const three = await sweep({ system: 'election', from: 1, count: 45, hazard: 'H13', workers: 3 });
  expect(one.broken.length).toBeGreaterThan(1);
  expect(three).toEqual(one);
  const first = await sweep({ system: 'election', from: 1, count: 45, hazard: 'H13', workers: 3, firstOnly: true });
  expect(first.broken).toEqual(one.broken.slice(0, 1));
});

describe('a mistake that is put back is found', async () => {
  const table = await readTable();

  const cases = SYSTEMS.flatMap(({ hazards, ...system }) => hazards.map((hazard) => ({ ...hazard, hazard, system })));

  test('and the table tells of each', () => {
    const stale = `run ${TABLE_COMMAND}`;
    const told = table.map(({ code, what }) => ({ code, what }));
    expect(told, stale).toEqual(cases.map(({ code, what }) => ({ code, what })));
    expect(formatTable(table)).toContain(TABLE_COMMAND);
    expect(Math.max(...table.map(({ seed }) => seed))).toBeLessThanOrEqual(SEEDS_MAX);
  });

  test.for(cases)('$code: $what', { timeout: 60_000 }, async ({ code, hazard, system }) => {
    const stale = `the histories have changed: run ${TABLE_COMMAND}`;
    const { seed, invariant } = table.find((finding) => finding.code === code) ?? { seed: 1, invariant: -1 };
    const runMistaken = await load(system.entry, hazard);
    expect((await runMistaken(seed)).violations[0]?.invariant, stale).toBe(invariant);
    expect((await runs.get(system.name)!(seed)).violations).toEqual([]);
  });
});
