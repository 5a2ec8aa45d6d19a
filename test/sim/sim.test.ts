import { describe, expect, test } from 'vitest';
import { HAZARDS } from './hazards.ts';
import { runHistory } from './history.ts';
import { loadVariant } from './variant.ts';

const FRESH_SEEDS = 150;
const HAZARD_SEEDS_MAX = 1_000;

test(`${FRESH_SEEDS} histories that nobody has seen before break no invariant`, { timeout: 60_000 }, async () => {
  const first = Math.floor(Math.random() * 2 ** 31);
  for (let seed = first; seed < first + FRESH_SEEDS; seed += 1) {
    const { violations } = await runHistory({ seed });
    expect(violations, `npm run sim -- --seed ${seed} --trace`).toEqual([]);
  }
});

test('one seed is one history', async () => {
  const lines: string[][] = [[], []];
  for (const history of lines) {
    await runHistory({ seed: 20, trace: (atMs, line) => void history.push(`${atMs} ${line}`) });
  }
  expect(lines[0]!.length).toBeGreaterThan(50);
  expect(lines[1]).toEqual(lines[0]);
});

describe('a hazard that is put back is found', () => {
  test.for(HAZARDS)('$code: $what', { timeout: 60_000 }, async (hazard) => {
    const { runHistory: runVariant } = await loadVariant(hazard);
    let found = 0;
    for (let tries = 0; tries < HAZARD_SEEDS_MAX && found === 0; tries += 1) {
      found = (await runVariant({ seed: hazard.seenInSeed + tries })).violations.length;
    }
    expect(found).toBeGreaterThan(0);
  });
});
