import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RUN_OPTIONS } from './run-options.ts';
import {
  allowsRetry,
  DURATION_MS_MAX,
  leavesMargin,
  safetyMarginMs,
  type Timings,
  toleratesOneFailure,
  workingTimings,
} from './timing-rules.ts';

test.each([
  [1_000, 200],
  [2_000, 200],
  [7_000, 700],
  [15_000, 1_500],
  [3_600_000, 360_000],
])('a lease duration of %d ms needs a margin of %d ms', (leaseDurationMs, marginMs) => {
  expect(safetyMarginMs(leaseDurationMs)).toBe(marginMs);
});

const KEYS = ['leaseDuration', 'renewDeadline', 'renewInterval', 'retryPeriod'] as const;
const DEFAULTS: Timings = {
  leaseDuration: 15_000,
  renewDeadline: 10_000,
  renewInterval: 2_000,
  retryPeriod: 2_000,
};

test('the timings offered as a remedy are accepted, whatever was given, and keep the longest that was', () => {
  const anyTimings = fc.record(
    {
      leaseDuration: fc.integer({ min: 1, max: DURATION_MS_MAX / 1_000 }).map((seconds) => seconds * 1_000),
      renewDeadline: fc.integer({ min: 200, max: DURATION_MS_MAX }),
      renewInterval: fc.integer({ min: 100, max: DURATION_MS_MAX }),
      retryPeriod: fc.integer({ min: 100, max: DURATION_MS_MAX }),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(anyTimings, (given) => {
      const inherited = given.retryPeriod === undefined ? {} : { renewInterval: given.retryPeriod };
      const offered = workingTimings({ ...DEFAULTS, ...inherited, ...given }, (key) => given[key] !== undefined);
      for (const key of KEYS) {
        const { type } = RUN_OPTIONS.options[key];
        expect(type.parse(type.format(offered[key])), key).toEqual({ ok: true, value: offered[key] });
      }
      expect(leavesMargin(offered.renewDeadline, offered.leaseDuration)).toBe(true);
      expect(toleratesOneFailure(offered.renewInterval, offered.renewDeadline)).toBe(true);
      expect(allowsRetry(offered.retryPeriod, offered.renewDeadline)).toBe(true);
      if (given.leaseDuration !== undefined) expect(offered.leaseDuration).toBe(given.leaseDuration);
    }),
  );
});

test.each<[Partial<Timings>, readonly number[]]>([
  [{ leaseDuration: 3_000 }, [3_000, 2_000, 400, 400]],
  [{ leaseDuration: 1_000 }, [1_000, 600, 100, 100]],
  [{ renewDeadline: 60_000 }, [90_000, 60_000, 2_000, 2_000]],
  [{ renewInterval: 9_000 }, [68_000, 45_000, 9_000, 2_000]],
  [{ leaseDuration: 12_000 }, [12_000, 10_000, 2_000, 2_000]],
])('beside %o the rest stays where it fits, and is in proportion where not', (given, offered) => {
  const timings = workingTimings({ ...DEFAULTS, ...given }, (key) => given[key] !== undefined);
  expect(KEYS.map((key) => timings[key])).toEqual(offered);
});

test('the bounds of the other relations are exact', () => {
  expect(toleratesOneFailure(5_000, 10_000)).toBe(true);
  expect(toleratesOneFailure(5_001, 10_000)).toBe(false);
  expect(allowsRetry(8_333, 10_000)).toBe(true);
  expect(allowsRetry(2_500, 3_000)).toBe(false);
  expect(allowsRetry(2_500, 3_001)).toBe(true);
});
