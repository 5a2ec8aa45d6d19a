import type { Candidacy } from './candidacy.ts';
import { assertTimings } from './invariants.ts';
import type { HandOverReason, StopReason } from './messages.ts';
import type { LeaseRecord } from './record.ts';
import type { ElectionTimings, Instant, Validity } from './timing.ts';

export interface ElectionConfig {
  /** Unique per process start: two processes never share one. See `identity.ts`. */
  readonly identity: string;
  readonly timings: ElectionTimings;
  /** Address to publish beside the holder's name, or null. */
  readonly holderAddress: string | null;
  readonly candidacy: Candidacy;
  /** The API server chooses who leads; see `coordinated.ts`. @defaultValue false */
  readonly coordinated?: boolean;
}

/** What is known of the Lease in the store. */
export type Sighting =
  /** `former`: what was known before it became doubtful; it tells no more who holds the Lease, but who may still be at work. */
  { readonly kind: 'unknown'; readonly former: KnownSighting | null } | KnownSighting;

export type KnownSighting =
  /**
   * `confirmedAtMonoMs`: when it was last seen to be missing. `resourceVersion`: older sightings are stale; null when nothing
   * newer than the absence could be told.
   */
  | {
      readonly kind: 'absent';
      readonly claimableAtMonoMs: number;
      readonly confirmedAtMonoMs: number;
      readonly resourceVersion: string | null;
    }
  /**
   * `sinceMonoMs`: when a response first showed this renewal here; the record's duration is timed from it. `termSinceMonoMs`:
   * when one first showed this holder's term. `rewind`: set while
   * the store's versions are below what was known, as after etcd was restored from a backup.
   */
  | {
      readonly kind: 'present';
      readonly record: LeaseRecord;
      readonly sinceMonoMs: number;
      readonly termSinceMonoMs: number;
      readonly rewind: Rewind | null;
      /**
       * Until then whoever held a Lease of this name that is gone may still be at work; in a coordinated election whoever held
       * this one, too, before it named another.
       */
      readonly formerUntilMonoMs: number;
    };

/** The record is older than one that was seen before: whoever held that one may still be at work. */
export interface Rewind {
  readonly knownVersion: string;
  /** By then its claim is over. */
  readonly untilMonoMs: number;
}

/** A write that may or may not have reached the store. */
export interface UnconfirmedWrite {
  readonly renewTime: string;
  readonly sentAt: Instant;
}

/** This replica's leadership, from the acknowledged acquisition on. */
export interface Tenure {
  readonly leaseUid: string;
  /** resourceVersion of the acquiring write. */
  readonly fencingToken: string;
  readonly acquireTime: string;
  readonly transitions: number;
  readonly validity: Validity;
  /** The version the next renewal replaces. */
  readonly record: LeaseRecord;
  readonly unconfirmed: readonly UnconfirmedWrite[];
  readonly renewAtMonoMs: number;
  /** The next renewal must read first: its last write's fate is unknown, or met a conflict. */
  readonly mustRead: boolean;
  /** Reads made since the last acknowledgement; the first is made at once, the others at the retry period. */
  readonly readsSinceAck: number;
  /** Set while leadership is being given up: it still holds, but takes no new work. */
  readonly handOver: HandOverReason | null;
}

export interface PendingRead {
  readonly id: number;
  readonly purpose: 'read';
}

export interface PendingWrite {
  readonly id: number;
  readonly purpose: 'acquire' | 'renew' | 'release';
  readonly sentAt: Instant;
  /** resourceVersion the write replaces; null for creations. */
  readonly baseVersion: string | null;
  readonly renewTime: string;
}

export interface PendingChallenge {
  readonly id: number;
  readonly purpose: 'challenge';
  readonly baseVersion: string;
}

export type PendingRequest = PendingRead | PendingWrite | PendingChallenge;

/** Everything the election remembers. Never changed in place. */
export interface ElectionState {
  readonly config: ElectionConfig;
  /** `retire`: leads on, if it does, but never begins to again. */
  readonly desire: 'campaign' | 'pause' | 'retire' | 'stop';
  /** The application is healthy, as far as is known; without a health check it always is. */
  readonly eligible: boolean;
  readonly eligibleSinceMonoMs: number;
  /** Leaves a claimable Lease to others for a while; see `campaign.ts`. */
  readonly standsBack: boolean;
  readonly sighting: Sighting;
  readonly watching: boolean;
  readonly tenure: Tenure | null;
  /** Why work is being stopped; until `work-stopped` comes this replica does not campaign. */
  readonly stoppingWork: StopReason | null;
  /** Who is to lead next; set from the beginning of a hand-over to the end of its release. */
  readonly successor: string | null;
  /** Set while an unneeded Lease of ours is to be freed: no longer than until then. */
  readonly releaseByMonoMs: number | null;
  /** At most one request is under way. */
  readonly pending: PendingRequest | null;
  readonly nextRequestId: number;
  /** The request under way is not waited for beyond this; finite for one that is in the way of a stop. */
  readonly abandonAtMonoMs: number;
  /** Not to read, claim or release before this. */
  readonly retryAtMonoMs: number;
  /**
   * Answers that were given in the tenure lost last, or by our pod's dead predecessor, may be trusted until then: a pause does
   * not free the Lease before.
   */
  readonly answersUntilMonoMs: number;
  /** Not to claim before this: others go first after a step-down. */
  readonly holdOffUntilMonoMs: number;
  /** No candidate of a coordinated election before this: another is to be chosen after a step-down. */
  readonly standAsideUntilMonoMs: number;
  /** Not to ask a holder to give way before this. */
  readonly challengeAfterMonoMs: number;
  /** How often that was asked since this replica led last: each time it waits twice as long. */
  readonly challengesInVain: number;
  /** When the Lease is to be read although nothing was heard; infinite while the watch is trusted to tell. */
  readonly readAtMonoMs: number;
  /** A claim's fate is unknown and nothing was seen since: the Lease may be ours. */
  readonly claimUnconfirmed: boolean;
  /** Of this replica's last writes, by which it knows its own records; see `isOurs`. */
  readonly sentRenewTimes: readonly string[];
  /** A version that a claim found outdated: not claimed again before something else was seen. */
  readonly outdatedVersion: string | null;
  /** The Lease could have been claimed for a lease duration, and this replica may not: nobody who may is there. */
  readonly unclaimed: boolean;
  readonly finished: boolean;
}

/**
 * The state before anything is known. The first thing to happen should be a `watching` or `observed` event.
 *
 * @throws InvariantError when no safe election can be held with these timings.
 */
export function initialState(config: ElectionConfig): ElectionState {
  assertTimings(config.timings);
  return {
    config,
    desire: 'campaign',
    eligible: true,
    eligibleSinceMonoMs: Number.NEGATIVE_INFINITY,
    standsBack: false,
    sighting: { kind: 'unknown', former: null },
    watching: false,
    tenure: null,
    stoppingWork: null,
    successor: null,
    releaseByMonoMs: null,
    pending: null,
    nextRequestId: 1,
    abandonAtMonoMs: Number.POSITIVE_INFINITY,
    retryAtMonoMs: Number.NEGATIVE_INFINITY,
    answersUntilMonoMs: Number.NEGATIVE_INFINITY,
    holdOffUntilMonoMs: Number.NEGATIVE_INFINITY,
    standAsideUntilMonoMs: Number.NEGATIVE_INFINITY,
    challengeAfterMonoMs: Number.NEGATIVE_INFINITY,
    challengesInVain: 0,
    readAtMonoMs: Number.POSITIVE_INFINITY,
    claimUnconfirmed: false,
    sentRenewTimes: [],
    outdatedVersion: null,
    unclaimed: false,
    finished: false,
  };
}
