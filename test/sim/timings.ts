import type { ElectionTimings } from '../../src/election/index.ts';

/** The timings that histories are held with. */
export const TIMINGS: readonly ElectionTimings[] = [
  { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, renewIntervalMs: 2_000, retryPeriodMs: 2_000 },
  { leaseDurationMs: 5_000, renewDeadlineMs: 3_500, renewIntervalMs: 1_000, retryPeriodMs: 500 },
  { leaseDurationMs: 2_000, renewDeadlineMs: 1_300, renewIntervalMs: 300, retryPeriodMs: 300 },
  { leaseDurationMs: 30_000, renewDeadlineMs: 20_000, renewIntervalMs: 5_000, retryPeriodMs: 3_000 },
];

/**
 * How far clock rates may be from 1 with the margin that these timings leave:
 * (1 + r) / (1 − r) < leaseDuration / (renewDeadline + what a jump may hide).
 */
export function rateBound({ leaseDurationMs, renewDeadlineMs }: ElectionTimings): number {
  const hiddenMs = Math.min(1_000, (leaseDurationMs - renewDeadlineMs) / 4);
  const ratio = leaseDurationMs / (renewDeadlineMs + hiddenMs);
  return ((ratio - 1) / (ratio + 1)) * 0.99;
}
