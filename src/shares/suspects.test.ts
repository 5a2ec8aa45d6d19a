import { expect, test } from 'vitest';
import { Suspects } from './suspects.ts';

const NOBODY = new Set<string>();
const heard = (atMs: number) => new Map([['a', atMs]]);

test('whoever let a Lease run out is left out until it is heard of again', () => {
  const suspects = new Suspects();
  suspects.note(new Set(['a']), heard(900), 1_000);
  expect(suspects.has('a', 900)).toBe(true);
  suspects.note(NOBODY, heard(900), 5_000);
  expect(suspects.has('a', 900), 'although somebody else has claimed the Lease').toBe(true);
  suspects.note(NOBODY, heard(5_500), 6_000);
  expect(suspects.has('a', 5_500)).toBe(false);
});

test('one that is heard of counts, also while nobody claims what it let run out', () => {
  const suspects = new Suspects();
  for (let nowMs = 1_000; nowMs < 60_000; nowMs += 1_000) {
    suspects.note(new Set(['a']), heard(nowMs - 100), nowMs);
    expect(suspects.has('a', nowMs - 100)).toBe(nowMs === 1_000);
  }
});

test('one that was heard of again may run out once more', () => {
  const suspects = new Suspects();
  suspects.note(new Set(['a']), heard(900), 1_000);
  suspects.note(NOBODY, heard(1_500), 2_000);
  suspects.note(new Set(['a']), heard(1_500), 3_000);
  expect(suspects.has('a', 1_500)).toBe(true);
});
