/** Looks up the replica of another pod, for a hand-over to it by name. */
export interface Candidates {
  /** Whether the replica in this pod would take the Lease. Never rejects, and ends within some seconds. */
  find(pod: string): Promise<CandidateLookup>;
}

export type CandidateLookup =
  | { readonly ok: true; readonly identity: string }
  | { readonly ok: false; readonly code: CandidateProblem; readonly message: string };

export type CandidateProblem =
  /** There is no such pod. */
  | 'TARGET_UNKNOWN'
  /** The pod has no address yet, or no replica answers there. */
  | 'TARGET_UNREACHABLE'
  /** Its replica takes part in the election of another Lease. */
  | 'TARGET_OF_OTHER_ELECTION'
  /** It does not campaign: it is paused, unhealthy, never leads, or is about to end. */
  | 'TARGET_NOT_CANDIDATE'
  /** Who leads next is not for a replica to say. */
  | 'TARGET_NOT_CHOSEN_HERE'
  /** This replica may not look pods up. */
  | 'LOOKUP_FORBIDDEN'
  /** The API server could not be asked. */
  | 'LOOKUP_FAILED';
