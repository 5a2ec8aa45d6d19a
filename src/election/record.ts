/**
 * A Lease as the election sees it. Everything the rules do not speak of stays in `raw` and goes back unchanged.
 */
export interface LeaseRecord {
  readonly uid: string;
  /** Opaque to equality, ordered by {@link compareResourceVersions}. */
  readonly resourceVersion: string;
  /** Identity of the holder; empty when the Lease is free. */
  readonly holder: string;
  /** It has no field for a holder, not even an empty one; see `coordinated.ts`. */
  readonly holderUnset?: true;
  /** Milliseconds; 0 when the record carries none. */
  readonly leaseDurationMs: number;
  /** RFC 3339 with six fractional digits, as stored; compared as text, never with a local clock. */
  readonly renewTime: string | null;
  readonly acquireTime: string | null;
  readonly transitions: number;
  /** Set by a coordinated election to ask the holder to give way; empty otherwise. */
  readonly preferredHolder: string;
  /** Address written by the holder beside its name, or null when there is none that belongs to the present holder. */
  readonly holderAddress: string | null;
  /** Priority written by the holder beside its name, or null where the present one wrote none: it has the highest. */
  readonly holderPriority: number | null;
  /** Of a free Lease: who was named by the last holder to be the next; empty when nobody was. */
  readonly nextHolder: string;
  /** Who asks the holder to give way. */
  readonly challenger: Challenger | null;
  /** The object as the API server sent it. The election never looks inside. */
  readonly raw: unknown;
}

export interface Challenger {
  readonly identity: string;
  readonly priority: number;
}

/** What an election writes into a Lease. `src/kube/codec.ts` turns it into a body, on top of the record's `raw`. */
export interface LeaseContent {
  readonly holder: string;
  readonly leaseDurationSeconds: number;
  readonly renewTime: string;
  readonly acquireTime: string;
  readonly transitions: number;
  /** Address to publish beside the holder's name; null removes it. */
  readonly holderAddress: string | null;
  /** Priority to publish beside the holder's name; null removes it. */
  readonly holderPriority: number | null;
  /** Who is to go first when the Lease is freed; empty for nobody. */
  readonly nextHolder: string;
}

/** Orders resourceVersions: decimal digits, by length, then lexically (KEP-5504). Negative when `a` is older. */
export function compareResourceVersions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether two sightings show the same grant, renewed or not. */
export function isSameTerm(a: LeaseRecord, b: LeaseRecord): boolean {
  return a.uid === b.uid && a.holder === b.holder && a.acquireTime === b.acquireTime && a.transitions === b.transitions;
}

/**
 * Whether two sightings show the same grant and the same renewal. A standby's timer runs on while this holds and starts
 * anew on any difference. The resourceVersion is left out: an edited label is no sign of life.
 */
export function sameRenewal(a: LeaseRecord, b: LeaseRecord): boolean {
  return isSameTerm(a, b) && a.renewTime === b.renewTime && a.leaseDurationMs === b.leaseDurationMs;
}
