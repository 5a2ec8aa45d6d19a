/** A request to the API server that ended in no answer, or in none that helps; as a value. */
export interface RequestFailure {
  readonly kind: 'failed';
  /** `forbidden`, `timeout` … as requests have it. */
  readonly code: string;
  /** The API server's own words, or the network's. */
  readonly message: string;
  readonly retryAfterMs: number | null;
}

/** How a deletion ended; one that finds nothing is done, too. */
export type RemovalOutcome =
  | { readonly kind: 'removed' }
  /** What is stored is not what was to be deleted. */
  | { readonly kind: 'conflict' }
  | RequestFailure;
