/** By what the application is told. */
export type NotifyChannel = 'webhook' | 'status-file' | 'signal';

/** Of what it is told. Only the status file tells of renewals. */
export type NotifyEvent = 'started' | 'renewed' | 'stopped' | 'leader-changed';

/**
 * How a try ended: `delivered`, or one of the failures `rejected` (an HTTP status other than 2xx), `timeout`, `unreachable`,
 * `failed` (a file or a token that can't be written or read, a signal that may not be sent), `no-process`. How a notification
 * ended that was not delivered: `superseded` by what is newer, or `given-up`. `killed`: the application did not end by SIGTERM.
 */
export type NotifyOutcome =
  | 'delivered'
  | 'rejected'
  | 'timeout'
  | 'unreachable'
  | 'failed'
  | 'no-process'
  | 'superseded'
  | 'given-up'
  | 'killed';

/** What notifying counts. Implemented with prom-client in `src/api`. */
export interface NotifyMetrics {
  ended(channel: NotifyChannel, event: NotifyEvent, outcome: NotifyOutcome): void;
  /** Time from the change to its delivery. */
  delivered(channel: NotifyChannel, tookMs: number): void;
}
