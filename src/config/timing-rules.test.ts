import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDuration } from './duration.ts';
import {
  allowsRetry,
  DURATION_MS_MAX,
  longestRenewDeadline,
  safetyMarginMs,
  shortestLeaseDuration,
  toleratesOneFailure,
} from './timing-rules.ts';

const msOf = (text: string) => {
  const parsed = parseDuration(text);
  return parsed.ok ? parsed.value : Number.NaN;
};
const leavesMargin = (leaseMs: number, deadlineMs: number) => leaseMs - deadlineMs >= safetyMarginMs(leaseMs);

test.each([
  [1_000, 200],
  [2_000, 200],
  [7_000, 700],
  [15_000, 1_500],
  [3_600_000, 360_000],
])('a lease duration of %d ms needs a margin of %d ms', (leaseDurationMs, marginMs) => {
  expect(safetyMarginMs(leaseDurationMs)).toBe(marginMs);
});

test('the remedies offered are the nearest timings that are accepted', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: DURATION_MS_MAX / 1_000 }), (seconds) => {
      const deadlineMs = msOf(longestRenewDeadline(seconds * 1_000));
      expect(leavesMargin(seconds * 1_000, deadlineMs)).toBe(true);
      expect(leavesMargin(seconds * 1_000, deadlineMs + 1)).toBe(false);
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 200, max: DURATION_MS_MAX }), (deadlineMs) => {
      const offered = shortestLeaseDuration(deadlineMs);
      const leaseMs = offered === null ? DURATION_MS_MAX + 1_000 : msOf(offered);
      if (offered !== null) expect(leavesMargin(leaseMs, deadlineMs)).toBe(true);
      expect(leavesMargin(leaseMs - 1_000, deadlineMs)).toBe(false);
    }),
  );
});

test('the bounds of the other relations are exact', () => {
  expect(toleratesOneFailure(5_000, 10_000)).toBe(true);
  expect(toleratesOneFailure(5_001, 10_000)).toBe(false);
  expect(allowsRetry(8_333, 10_000)).toBe(true);
  expect(allowsRetry(2_500, 3_000)).toBe(false);
  expect(allowsRetry(2_500, 3_001)).toBe(true);
});
