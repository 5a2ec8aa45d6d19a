/** What keeping and watching the Leases of members asks of the API server. Implemented in `src/kube`. */
import type { Watching } from './publisher.ts';
import type { RemovalOutcome, RequestFailure } from './request-failure.ts';

/** What a member says of itself beside its heartbeat. Others' words: null where they are missing. */
export interface MemberProfile {
  readonly pod: string | null;
  /** IP address and port for the other replicas, as the election publishes it. */
  readonly address: string | null;
  /** Of the software. */
  readonly version: string | null;
  /** Its identity in the election: who leads is told by comparing it with the holder there. */
  readonly candidate: string | null;
  /** Names of the elections in which it would lead, joined with commas; empty: in none. */
  readonly campaigns: string | null;
  /** When this process started, RFC 3339 by its own wall clock: to be shown, never to be reckoned with. */
  readonly since: string | null;
}

/** The Lease of a member as it was seen. */
export interface MemberLease {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** Identity of the process, new at each start; empty when there is none. */
  readonly holder: string;
  /** Null when the Lease carries none. */
  readonly durationMs: number | null;
  /** As stored; only ever compared for equality. */
  readonly renewTime: string | null;
  readonly profile: MemberProfile;
}

/** One that can be replaced: with all that is not ours in it. */
export interface StoredMemberLease extends MemberLease {
  /** The object as the API server sent it. */
  readonly raw: unknown;
}

/** What a heartbeat writes; the rest of the Lease never changes while a process lives. */
export interface Heartbeat {
  readonly holder: string;
  readonly durationMs: number;
  readonly renewTime: string;
}

/** How a request about a Lease ended. */
export type MemberOutcome =
  | { readonly kind: 'ok'; readonly lease: StoredMemberLease }
  | { readonly kind: 'absent' }
  /** Somebody else wrote, created or deleted it meanwhile. */
  | { readonly kind: 'conflict' }
  | RequestFailure;

export interface MemberWatchHandlers {
  /** All that is there; whoever is missing is gone. */
  listed(leases: readonly MemberLease[]): void;
  changed(lease: MemberLease): void;
  gone(lease: MemberLease): void;
  /** The watch told that nothing has changed. */
  idle(): void;
  /** Whether it works, told on each change; with a failure when it fails in a row. It is opened anew by itself. */
  watching(up: boolean, failure: RequestFailure | null): void;
}

/** The member Leases of one election. No method rejects. */
export interface MemberLeases {
  read(name: string, timeoutMs: number): Promise<MemberOutcome>;
  /** The own one: its labels, owner and profile go with it. */
  create(name: string, heartbeat: Heartbeat, timeoutMs: number): Promise<MemberOutcome>;
  /** Replaces `base` and nothing else, and makes it the own one. */
  update(base: StoredMemberLease, heartbeat: Heartbeat, timeoutMs: number): Promise<MemberOutcome>;
  /** Deletes exactly this version of this Lease. */
  remove(lease: Pick<MemberLease, 'name' | 'uid' | 'resourceVersion'>, timeoutMs: number): Promise<RemovalOutcome>;
  watch(handlers: MemberWatchHandlers): Watching;
}
