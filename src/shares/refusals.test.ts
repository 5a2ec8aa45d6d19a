import { expect, test } from 'vitest';
import { Refusals } from './refusals.ts';

const LEASE_MS = 15_000;

/** For how many lease durations after `nowMs` it is not offered. */
function leaseDurationsOf(refusals: Refusals, nowMs: number): number {
  let count = 0;
  while (refusals.has('s1', 'a', nowMs + count * LEASE_MS)) count += 1;
  return count;
}

test('whoever goes on not to take one is offered it ever more rarely, and never given up', () => {
  const refusals = new Refusals(LEASE_MS);
  const lasted = Array.from({ length: 9 }, (_, i) => {
    refusals.refused('s1', 'a', i);
    return leaseDurationsOf(refusals, i);
  });
  expect(lasted).toEqual([20, 40, 80, 160, 320, 640, 1280, 1280, 1280]);
  expect(refusals.has('s2', 'a', 9)).toBe(false);
  expect(refusals.has('s1', 'b', 9)).toBe(false);
});

test('it begins anew with whoever took it after all, and with whoever came back as another process', () => {
  const refusals = new Refusals(LEASE_MS);
  for (const forget of [() => refusals.took('s1', 'a'), () => refusals.forgetAllBut(new Set(['b']))]) {
    refusals.refused('s1', 'a', 0);
    refusals.refused('s1', 'a', 0);
    forget();
    expect(refusals.has('s1', 'a', 0)).toBe(false);
    refusals.refused('s1', 'a', 0);
    expect(leaseDurationsOf(refusals, 0)).toBe(20);
    refusals.forgetAllBut(new Set());
  }
});

test('a plan is made anew when one ends', () => {
  const refusals = new Refusals(LEASE_MS);
  const before = refusals.key(0);
  refusals.refused('s1', 'a', 0);
  expect(refusals.key(0)).not.toBe(before);
  expect(refusals.key(20 * LEASE_MS)).not.toBe(refusals.key(0));
});
