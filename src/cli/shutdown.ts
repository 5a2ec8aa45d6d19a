import type { ElectionTimings } from '../election/index.ts';

/** How long running work may drain when leadership is given up on purpose. */
export const DRAIN_MS_MAX = 10_000;
/** How long the Lease may take to be freed after that, also where the margin between its timings allows more. */
const RELEASE_MS_MAX = 5_000;
/** Then the cluster is told, and the answers under way end. */
export const FAREWELL_MS_MAX = 1_000;
/** Last, a slow reader of the log. */
export const FLUSH_MS_MAX = 500;

/**
 * How long a stop waits for work to end and for the Lease to be freed. All of a SIGTERM takes {@link FAREWELL_MS_MAX} and
 * {@link FLUSH_MS_MAX} more, so never longer than 16.5 s, also with an API server that hangs: a
 * `terminationGracePeriodSeconds` of 20 is enough, Kubernetes' default is 30.
 */
export function stopMsMax({ leaseDurationMs, renewDeadlineMs }: ElectionTimings): number {
  return DRAIN_MS_MAX + Math.min(leaseDurationMs - renewDeadlineMs, RELEASE_MS_MAX);
}
