/** What standing as a candidate of a coordinated election asks of the API server. Implemented in `src/kube`. */
import type { Watching } from './publisher.ts';
import type { RemovalOutcome, RequestFailure } from './request-failure.ts';

/** Without both of them on every kube-apiserver nobody is ever chosen. */
export const COORDINATION_FLAGS =
  '--feature-gates=CoordinatedLeaderElection=true and --runtime-config=coordination.k8s.io/v1beta1=true';

/** A LeaseCandidate as it is stored. Times are RFC 3339 with six fractional digits. */
export interface LeaseCandidate {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly renewTime: string | null;
  /** When the API server last asked whether this candidate is alive; it wants a renewTime that is no earlier. */
  readonly pingTime: string | null;
  /** The object as the API server sent it. */
  readonly raw: unknown;
}

/** How a request about a candidate ended. */
export type CandidateOutcome =
  | { readonly kind: 'ok'; readonly candidate: LeaseCandidate }
  | { readonly kind: 'absent' }
  /** Somebody else wrote, created or deleted it meanwhile. */
  | { readonly kind: 'conflict' }
  | RequestFailure;

export interface CandidateWatchHandlers {
  seen(candidate: LeaseCandidate): void;
  /** It may be gone: only a read can tell. */
  missed(): void;
  /** Whether it works, told on each change; with a failure when it fails in a row. It is opened anew by itself. */
  watching(up: boolean, failure: RequestFailure | null): void;
}

/** This replica's own candidate for one Lease. No method rejects. */
export interface CandidateStore {
  read(timeoutMs: number): Promise<CandidateOutcome>;
  create(renewTime: string, timeoutMs: number): Promise<CandidateOutcome>;
  /** Replaces `base` and nothing else. */
  renew(base: LeaseCandidate, renewTime: string, timeoutMs: number): Promise<CandidateOutcome>;
  /** Deletes this candidate, in whatever version, and none that was created after it. */
  remove(candidate: Pick<LeaseCandidate, 'name' | 'uid'>, timeoutMs: number): Promise<RemovalOutcome>;
  /** Candidates for the same Lease, 10 000 of its namespace looked at; null when they can't be listed. */
  list(timeoutMs: number): Promise<readonly LeaseCandidate[] | null>;
  watch(handlers: CandidateWatchHandlers): Watching;
}

/** What the API server offers for coordinated elections. */
export type CandidateApi =
  | { readonly kind: 'served'; readonly version: string; readonly store: CandidateStore }
  /** It has answered, and serves no candidates. */
  | { readonly kind: 'unserved' }
  | RequestFailure;

/** Whether this replica can be chosen, for whoever shows it. */
export interface CandidateStanding {
  /** Whether its candidate stands, as far as is known. */
  stands(): boolean;
  /** How often the API server has asked whether it is alive, and was answered. */
  pingsAnswered(): number;
}
