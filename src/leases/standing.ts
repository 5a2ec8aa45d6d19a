import { type NameClaim, nameClaimOf } from '../naming/workload-lease.ts';
import { kindOf, type LeaseKind, type MemberOf, memberOf, type StoredLease } from './identify.ts';

/**
 * How a Lease stands. `held`: renewed within its duration. `late`: a heartbeat that was not. `expired`: a claim that was not, so that
 * others may take it. `free`: nobody holds it. `unseen`: it is watched, and has not been renewed yet before our eyes. `unknown`: it
 * says too little.
 */
export type Standing = 'held' | 'late' | 'expired' | 'free' | 'unseen' | 'unknown';

/** How long ago a Lease was renewed. */
export interface Age {
  readonly ms: number;
  /** `told`: by what its holder wrote, against the server's clock; `observed`: since we saw it change, by our own. */
  readonly by: 'told' | 'observed';
  /** Observed, and it has not changed since we look: it is at least so old. */
  readonly atLeast: boolean;
}

export interface LeaseRow {
  readonly namespace: string;
  readonly name: string;
  readonly kind: LeaseKind;
  readonly holder: string | null;
  readonly age: Age | null;
  readonly durationMs: number | null;
  readonly transitions: number | null;
  readonly standing: Standing;
  /** Of a member's: the election and the pod that it is of. */
  readonly memberOf: MemberOf | null;
  /** What the hash in the name stands for, by what stands on the Lease, and whether that is true; null where nothing does. */
  readonly nameOf: NameClaim | null;
}

/** What there is to say of a Lease that was renewed so long ago. */
export function rowOf(lease: StoredLease, age: Age | null): LeaseRow {
  const { metadata, spec = {} } = lease;
  const kind = kindOf(lease);
  const holder = spec.holderIdentity || null;
  const durationMs = spec.leaseDurationSeconds == null ? null : spec.leaseDurationSeconds * 1_000;
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    kind,
    holder,
    age,
    durationMs,
    transitions: spec.leaseTransitions ?? null,
    standing: standingOf(kind, holder, age, durationMs),
    memberOf: memberOf(lease),
    nameOf: nameClaimOf(metadata),
  };
}

const HEARTBEATS: readonly LeaseKind[] = ['node-heartbeat', 'member'];

function standingOf(kind: LeaseKind, holder: string | null, age: Age | null, durationMs: number | null): Standing {
  if (holder === null) return 'free';
  if (age === null || durationMs === null) return 'unknown';
  if (age.ms <= durationMs) return age.atLeast ? 'unseen' : 'held';
  return HEARTBEATS.includes(kind) ? 'late' : 'expired';
}

/** Those that somebody should look at. */
export function standsOut({ standing }: LeaseRow): boolean {
  return standing === 'late' || standing === 'expired';
}

/** The age that a Lease tells by itself. A holder whose clock is ahead may seem to be of the future: that is no age. */
export function ageTold({ spec }: StoredLease, serverWallMs: number): Age | null {
  const renewedWallMs = Date.parse(spec?.renewTime ?? '');
  return Number.isNaN(renewedWallMs)
    ? null
    : { ms: Math.max(0, serverWallMs - renewedWallMs), by: 'told', atLeast: false };
}

/** Remembers when each Lease was last seen to be renewed, by one's own monotonic clock: remote ones need not be right. */
export class Observation {
  readonly #seen = new Map<string, { renewTime: string | null; monoMs: number; moved: boolean }>();

  /** A Lease as it is at this moment, from a listing or a watch. */
  see({ metadata, spec }: StoredLease, monoMs: number): void {
    const renewTime = spec?.renewTime ?? null;
    const before = this.#seen.get(metadata.uid);
    if (before === undefined) this.#seen.set(metadata.uid, { renewTime, monoMs, moved: false });
    else if (before.renewTime !== renewTime) this.#seen.set(metadata.uid, { renewTime, monoMs, moved: true });
  }

  /** Only of these something need be remembered. */
  keep(leases: Iterable<StoredLease>): void {
    const uids = new Set([...leases].map(({ metadata }) => metadata.uid));
    for (const uid of this.#seen.keys()) if (!uids.has(uid)) this.#seen.delete(uid);
  }

  /** Null for one that was never renewed by anybody. */
  ageOf({ metadata }: StoredLease, monoMs: number): Age | null {
    const seen = this.#seen.get(metadata.uid);
    return seen === undefined || seen.renewTime === null
      ? null
      : { ms: monoMs - seen.monoMs, by: 'observed', atLeast: !seen.moved };
  }
}
