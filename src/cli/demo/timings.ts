import { formatDuration } from '../../config/duration.ts';

/** Shorter than the defaults, so that a takeover after a crash can be watched; the proportions are similar. */
export const DEMO_TIMINGS = {
  leaseDurationMs: 5_000,
  renewDeadlineMs: 3_000,
  renewIntervalMs: 1_000,
  retryPeriodMs: 1_000,
} as const;

export const DEMO_LEASE = { namespace: 'default', name: 'leasegate-demo' } as const;

/** Also the keys: replica demo-1 is selected by 1. */
export const REPLICA_NAMES = ['demo-1', 'demo-2', 'demo-3'] as const;

/** How often each replica is asked who leads. */
export const POLL_INTERVAL_MS = 100;

/** The options of each replica beside its addresses. */
export const RUN_ARGUMENTS: readonly string[] = [
  ['--lease-name', DEMO_LEASE.name],
  ['--namespace', DEMO_LEASE.namespace],
  ['--lease-duration', formatDuration(DEMO_TIMINGS.leaseDurationMs)],
  ['--renew-deadline', formatDuration(DEMO_TIMINGS.renewDeadlineMs)],
  ['--renew-interval', formatDuration(DEMO_TIMINGS.renewIntervalMs)],
  ['--retry-period', formatDuration(DEMO_TIMINGS.retryPeriodMs)],
].flat();

/** Milliseconds as people read them: `31 ms`, `5.02 s`, `14 s`. */
export function humanMs(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 0)} s`;
}

/** Local time, `12:03:04`. */
export function timeOfDay(wallMs: number): string {
  return new Date(wallMs).toTimeString().slice(0, 8);
}
