/** Both clocks at one moment; structurally the same as `src/ports/clock.ts`'s, which the election may not import. */
export interface Instant {
  readonly monoMs: number;
  readonly wallMs: number;
}

/** All durations in milliseconds. Relations are checked by `src/config`. */
export interface ElectionTimings {
  readonly leaseDurationMs: number;
  readonly renewDeadlineMs: number;
  readonly renewIntervalMs: number;
  readonly retryPeriodMs: number;
}

/** A claim to lead: it holds from `basis`, the moment before the acknowledged write was sent, until `validUntilMonoMs`. */
export interface Validity {
  readonly basis: Instant;
  readonly validUntilMonoMs: number;
}

/** The claim that an acknowledged write gives: counted from before it was sent, so that a slow answer gives less, not more. */
export function validityOf(sentAt: Instant, timings: ElectionTimings): Validity {
  return { basis: sentAt, validUntilMonoMs: sentAt.monoMs + timings.renewDeadlineMs };
}

/**
 * How far the two clocks may drift apart within one validity before it is void. A suspended machine stops CLOCK_MONOTONIC
 * but not the wall clock; what goes unnoticed below this bound must fit in the safety margin (a quarter of it, at most 1 s,
 * so that ordinary NTP slewing never trips it).
 */
export function clockJumpToleranceMs(timings: ElectionTimings): number {
  return Math.min(1_000, (timings.leaseDurationMs - timings.renewDeadlineMs) / 4);
}

/** Whether the wall clock moved otherwise than the monotonic clock since `basis`: a step, or a suspend that hid time. */
export function clockJumped(basis: Instant, now: Instant, toleranceMs: number): boolean {
  return Math.abs(now.wallMs - basis.wallMs - (now.monoMs - basis.monoMs)) > toleranceMs;
}

/** Milliseconds for which a claim may still be trusted at `now`; 0 when it is over or void. */
export function validForMs(validity: Validity, now: Instant, jumpToleranceMs: number): number {
  if (clockJumped(validity.basis, now, jumpToleranceMs)) return 0;
  return Math.max(0, validity.validUntilMonoMs - now.monoMs);
}

/**
 * Bound of one request when `remainingMs` are left to achieve something: half of it, so that a hung connection leaves time
 * for another try, but no less than 500 ms, and never more than what is left.
 */
export function requestTimeoutMs(remainingMs: number): number {
  return Math.max(1, Math.min(remainingMs, Math.max(500, remainingMs / 2)));
}

/** Formats microseconds since the epoch as the MicroTime that the API server takes: exactly six fractional digits. */
export function formatMicroTime(epochMicros: number): string {
  const seconds = Math.floor(epochMicros / 1e6);
  const micros = Math.floor(epochMicros - seconds * 1e6);
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(micros).padStart(6, '0')}Z`;
}
