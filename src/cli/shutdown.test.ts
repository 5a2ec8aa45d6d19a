import { expect, test } from 'vitest';
import { DRAIN_MS_MAX, FAREWELL_MS_MAX, FLUSH_MS_MAX, stopMsMax } from './shutdown.ts';

const timings = (leaseDurationMs: number, renewDeadlineMs: number) => ({
  leaseDurationMs,
  renewDeadlineMs,
  renewIntervalMs: 2_000,
  retryPeriodMs: 2_000,
});

test('a stop waits for the work, and then for as long as a release may take', () => {
  expect(stopMsMax(timings(15_000, 10_000)) - DRAIN_MS_MAX).toBe(5_000);
  expect(stopMsMax(timings(12_000, 10_000)) - DRAIN_MS_MAX).toBe(2_000);
});

test('whatever the timings, a grace period of 20 s is enough', () => {
  expect(stopMsMax(timings(600_000, 10_000)) + FAREWELL_MS_MAX + FLUSH_MS_MAX).toBeLessThan(17_000);
});
