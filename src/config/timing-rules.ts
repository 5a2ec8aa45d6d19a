/** Longest duration of any kind: a crashed leader blocks the others for a whole lease duration. */
export const DURATION_MS_MAX = 3_600_000;

/** Shortest interval between requests. */
export const INTERVAL_MS_MIN = 100;

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

/** Whether a leader that renewed last stops long enough before others may take over. */
export function leavesMargin(renewDeadlineMs: number, leaseDurationMs: number): boolean {
  return leaseDurationMs - renewDeadlineMs >= safetyMarginMs(leaseDurationMs);
}

/** Whether a single failed renewal leaves time for another within the deadline. */
export function toleratesOneFailure(renewIntervalMs: number, renewDeadlineMs: number): boolean {
  return renewIntervalMs * 2 <= renewDeadlineMs;
}

/** client-go's rule: the deadline allows for a retry after a jittered pause (factor 1.2, in integers). */
export function allowsRetry(retryPeriodMs: number, renewDeadlineMs: number): boolean {
  return renewDeadlineMs * 5 > retryPeriodMs * 6;
}

export interface Timings {
  readonly leaseDuration: number;
  readonly renewDeadline: number;
  readonly renewInterval: number;
  readonly retryPeriod: number;
}

/** The proportions of the defaults, 15 s to 10 s to 2 s. */
const [LEASE_PARTS, DEADLINE_PARTS, INTERVAL_PARTS] = [15, 10, 2];

/**
 * Timings that obey all rules, to offer as a remedy, in milliseconds. What was given stays as it is where it can, the longer
 * before the shorter, and so does what fits to it; the rest gets the proportions of the defaults.
 */
export function workingTimings(timings: Timings, given: (key: keyof Timings) => boolean): Timings {
  let { leaseDuration, renewDeadline, renewInterval, retryPeriod } = timings;
  const fits = (intervalMs: number) => toleratesOneFailure(intervalMs, renewDeadline);
  if (!given('leaseDuration')) {
    const longestMs = Math.max(given('renewInterval') ? renewInterval : 0, given('retryPeriod') ? retryPeriod : 0);
    if (!given('renewDeadline') && !fits(longestMs)) renewDeadline = (longestMs * DEADLINE_PARTS) / INTERVAL_PARTS;
    if (!leavesMargin(renewDeadline, leaseDuration)) {
      const wholeSecondsMs = Math.ceil((renewDeadline * LEASE_PARTS) / DEADLINE_PARTS / 1_000) * 1_000;
      leaseDuration = Math.min(DURATION_MS_MAX, wholeSecondsMs);
    }
  }
  if (!leavesMargin(renewDeadline, leaseDuration)) {
    renewDeadline = roundDown((leaseDuration * DEADLINE_PARTS) / LEASE_PARTS);
  }
  const short = roundDown((renewDeadline * INTERVAL_PARTS) / DEADLINE_PARTS);
  if (!fits(renewInterval)) renewInterval = short;
  if (!(given('retryPeriod') ? allowsRetry(retryPeriod, renewDeadline) : fits(retryPeriod))) retryPeriod = short;
  return { leaseDuration, renewDeadline, renewInterval, retryPeriod };
}

/** To tenths of a second, and no less than the shortest interval there is. */
function roundDown(ms: number): number {
  return Math.max(INTERVAL_MS_MIN, Math.floor(ms / 100) * 100);
}
