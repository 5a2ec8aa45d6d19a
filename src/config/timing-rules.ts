import { formatDuration } from './duration.ts';

/** Longest duration of any kind: a crashed leader blocks the others for a whole lease duration. */
export const DURATION_MS_MAX = 3_600_000;

/** One part in so many; integers, since a product with 0.1 rounds up at times. */
const MARGIN_PARTS = 10;
const MARGIN_MS_MIN = 200;

/**
 * Least time between a leader's own deadline and the moment when others may take over. A tenth of the lease duration covers
 * clocks whose rates differ far more than real ones do (NTP slews by 0.05 % at most) and leaves time to end work; 200 ms cover
 * scheduling on a busy node.
 */
export function safetyMarginMs(leaseDurationMs: number): number {
  return Math.max(MARGIN_MS_MIN, Math.ceil(leaseDurationMs / MARGIN_PARTS));
}

/** The longest renew deadline that leaves the margin, to offer as a remedy. */
export function longestRenewDeadline(leaseDurationMs: number): string {
  return formatDuration(leaseDurationMs - safetyMarginMs(leaseDurationMs));
}

/** The shortest lease duration that leaves the margin, to offer as a remedy; null when it would be above the maximum. */
export function shortestLeaseDuration(renewDeadlineMs: number): string | null {
  const seconds = Math.ceil(
    Math.max(renewDeadlineMs + MARGIN_MS_MIN, (renewDeadlineMs * MARGIN_PARTS) / (MARGIN_PARTS - 1)) / 1_000,
  );
  return seconds * 1_000 > DURATION_MS_MAX ? null : `${seconds}s`;
}

/** Whether a single failed renewal leaves time for another within the deadline. */
export function toleratesOneFailure(renewIntervalMs: number, renewDeadlineMs: number): boolean {
  return renewIntervalMs * 2 <= renewDeadlineMs;
}

/** client-go's rule: the deadline allows for a retry after a jittered pause (factor 1.2, in integers). */
export function allowsRetry(retryPeriodMs: number, renewDeadlineMs: number): boolean {
  return renewDeadlineMs * 5 > retryPeriodMs * 6;
}
