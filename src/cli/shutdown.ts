import type { ElectionTimings } from '../election/index.ts';

/** How long the application and the cluster may take to be told, after the gateway has stopped. */
const TELLING_MS_MAX = 3_000;
/** How long the Lease may take to be freed after that, also where the margin between its timings allows more. */
const RELEASE_MS_MAX = 5_000;
/** Then the cluster is told, and the answers under way end. */
export const FAREWELL_MS_MAX = 1_000;
/** Last, a slow reader of the log. */
export const FLUSH_MS_MAX = 500;

/** How long work may take to end when leadership is given up on purpose; `gatewayDrainMs` is 0 without a gateway. */
export function workStopMsMax(gatewayDrainMs: number): number {
  return gatewayDrainMs + TELLING_MS_MAX;
}

/**
 * How long a stop waits for work to end and for the Lease to be freed. All of a SIGTERM takes {@link FAREWELL_MS_MAX} and
 * {@link FLUSH_MS_MAX} more, so never longer than 9.5 s and the gateway's drain, also with an API server that hangs: a
 * `terminationGracePeriodSeconds` of 10 s and the drain is enough, 20 s by default; Kubernetes' default is 30. Where the
 * application is to be ended by signal, its grace comes on top of all this.
 */
export function stopMsMax({ leaseDurationMs, renewDeadlineMs }: ElectionTimings, gatewayDrainMs: number): number {
  return workStopMsMax(gatewayDrainMs) + Math.min(leaseDurationMs - renewDeadlineMs, RELEASE_MS_MAX);
}

/**
 * How long requests that this replica brings to another may take to end, once it has freed the Lease: what is left of the drain,
 * counted from the signal.
 */
export function forwardingMsMax(gatewayDrainMs: number, sinceSignalMs: number): number {
  return Math.max(FAREWELL_MS_MAX, gatewayDrainMs - sinceSignalMs);
}
