import type { Challenger, LeaseContent, LeaseRecord } from './record.ts';

/** Why a tenure ended. The first group is a loss, the second was decided here. */
export type StopReason =
  | 'expired'
  | 'clock-jumped'
  | 'taken-over'
  | 'lease-deleted'
  | 'lease-replaced'
  | 'lease-edited'
  | HandOverReason;

/** Why leadership is given up on purpose. */
export type HandOverReason = 'step-down' | 'pause' | 'shutdown' | 'unhealthy' | 'preempted' | 'preferred-holder';

/** What became of one request, as far as the election cares. `code` is for people and metrics. */
export type RequestOutcome =
  | { readonly kind: 'ok'; readonly record: LeaseRecord }
  /** A read found no Lease. */
  | { readonly kind: 'absent' }
  /** The store holds another version: nothing was written. */
  | { readonly kind: 'conflict' }
  /** Nothing was written, for a reason that is not another's write. */
  | { readonly kind: 'refused'; readonly code: string; readonly retryAfterMs: number | null }
  /** No answer, or one that does not say: it may have been written, or may be yet. */
  | { readonly kind: 'unknown'; readonly code: string };

/** What the election can be told. */
export type ElectionEvent =
  /** Time has passed; sent when {@link nextWake} is due. */
  | { readonly kind: 'tick' }
  /** The watch (or the listing that precedes it) showed the Lease. */
  | { readonly kind: 'observed'; readonly source: 'watch' | 'list'; readonly record: LeaseRecord }
  /** The watch said that the Lease was deleted; `record` is its last state. */
  | { readonly kind: 'deleted'; readonly record: LeaseRecord }
  /** A listing was empty as of `resourceVersion`. */
  | { readonly kind: 'absent'; readonly resourceVersion: string }
  /** Whether changes arrive by themselves. */
  | { readonly kind: 'watching'; readonly up: boolean }
  | { readonly kind: 'replied'; readonly requestId: number; readonly outcome: RequestOutcome }
  /** All work of the ended tenure has stopped. */
  | { readonly kind: 'work-stopped' }
  /** `to`: identity of the replica that is to lead next. */
  | { readonly kind: 'step-down'; readonly to?: string }
  /** Whether the application is healthy. */
  | { readonly kind: 'eligible'; readonly value: boolean }
  /** Whether others are to claim the Lease before this replica does; none that is free waits for them for long. */
  | { readonly kind: 'stand-back'; readonly value: boolean }
  | { readonly kind: 'pause' }
  /** The end is near: a leader leads on, but this replica does not begin to again. */
  | { readonly kind: 'retire' }
  | { readonly kind: 'resume' }
  /** Give up leading and never campaign again. */
  | { readonly kind: 'stop' };

/** How a release ended: the Lease is free, another holds it already, or it could not be freed and will expire by itself. */
export type ReleaseResult = 'freed' | 'taken' | 'kept';

/** What the election asks for. Requests are answered by one `replied` event each, within about `timeoutMs`. */
export type ElectionEffect =
  | { readonly kind: 'read'; readonly requestId: number; readonly timeoutMs: number }
  | { readonly kind: 'create'; readonly requestId: number; readonly timeoutMs: number; readonly content: LeaseContent }
  | {
      readonly kind: 'update';
      readonly requestId: number;
      readonly timeoutMs: number;
      /** The version to replace; its uid and resourceVersion make the write a compare-and-swap. */
      readonly base: LeaseRecord;
      readonly content: LeaseContent;
    }
  /** Asks the holder to give way: `base` with one annotation more, as a compare-and-swap. Its spec stays as it is. */
  | {
      readonly kind: 'challenge';
      readonly requestId: number;
      readonly timeoutMs: number;
      readonly base: LeaseRecord;
      readonly challenger: Challenger;
    }
  /** This replica leads from now on. */
  | { readonly kind: 'started'; readonly fencingToken: string }
  /** Stop all work, then send `work-stopped`. `graceful`: leadership still holds and work may drain. */
  | { readonly kind: 'stop-work'; readonly graceful: boolean; readonly reason: StopReason }
  | { readonly kind: 'released'; readonly result: ReleaseResult }
  /** After `stop`: nothing is left to do. */
  | { readonly kind: 'finished' }
  | { readonly kind: 'report'; readonly report: Report };

/** Things that change nothing by themselves but are counted or logged. */
export type Report =
  | { readonly kind: 'renewed' }
  | { readonly kind: 'renewal-failed'; readonly code: string }
  | { readonly kind: 'slow-path' }
  | { readonly kind: 'race-lost' }
  | { readonly kind: 'attempt-failed'; readonly code: string }
  /** A read succeeded, or an attempt did: whatever failed before has passed. */
  | { readonly kind: 'reachable' }
  /** A read showed what the watch should have told long before. */
  | { readonly kind: 'watch-lagging' }
  /** The term ended while work was stopped for a hand-over: the Lease was not freed, and others lead soon. */
  | { readonly kind: 'lost-while-stopping'; readonly reason: StopReason }
  /** The Lease is missing and its last holder may still be at work: it is created after `waitMs`. */
  | { readonly kind: 'absent'; readonly waitMs: number };
