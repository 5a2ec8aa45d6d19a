import { expect, test } from 'vitest';
import { FAREWELL_MS_MAX, FLUSH_MS_MAX, forwardingMsMax, stopMsMax, workStopMsMax } from './shutdown.ts';

const timings = (leaseDurationMs: number, renewDeadlineMs: number) => ({
  leaseDurationMs,
  renewDeadlineMs,
  renewIntervalMs: 2_000,
  retryPeriodMs: 2_000,
});

test('a stop waits for the work, and then for as long as a release may take', () => {
  expect(stopMsMax(timings(15_000, 10_000), 10_000) - workStopMsMax(10_000)).toBe(5_000);
  expect(stopMsMax(timings(12_000, 10_000), 10_000) - workStopMsMax(10_000)).toBe(2_000);
});

test('the drain of the gateway has its time, and what comes after it too', () => {
  expect(workStopMsMax(10_000) - workStopMsMax(0)).toBe(10_000);
  expect(workStopMsMax(0)).toBeGreaterThan(0);
});

test.each([0, 1_000, 10_000, 600_000])(
  'whatever the timings, a grace period of 10 s and the drain of %d ms is enough',
  (drainMs) => {
    const stop = stopMsMax(timings(600_000, 10_000), drainMs);
    for (const sinceSignalMs of [0, drainMs / 2, drainMs, stop]) {
      const end = sinceSignalMs + forwardingMsMax(drainMs, sinceSignalMs) + FLUSH_MS_MAX;
      expect(end).toBeLessThan(drainMs + 10_000);
    }
    expect(stop + FAREWELL_MS_MAX + FLUSH_MS_MAX).toBeLessThan(drainMs + 10_000);
  },
);
