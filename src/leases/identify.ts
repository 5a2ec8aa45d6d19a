import { identityHash } from '../naming/identity-hash.ts';
import { LEASE_KIND_LABEL, MEMBER_ELECTION_LABEL, MEMBER_KIND, MEMBER_POD_ANNOTATION } from '../ports/member-labels.ts';

/** What a Lease is for. */
export type LeaseKind =
  | 'node-heartbeat'
  | 'api-server-identity'
  | 'leader-election'
  | 'coordinated-election'
  | 'member'
  | 'other';

/** A Lease as any API server may answer it: every field of its spec is optional. */
export interface StoredLease {
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[];
  };
  readonly spec?: {
    readonly holderIdentity?: string | null;
    readonly leaseDurationSeconds?: number | null;
    readonly acquireTime?: string | null;
    readonly renewTime?: string | null;
    readonly leaseTransitions?: number | null;
    readonly strategy?: string | null;
  };
}

const NODE_NAMESPACE = 'kube-node-lease';
const IDENTITY_LABEL = 'apiserver.kubernetes.io/identity';
const HOSTNAME_LABEL = 'kubernetes.io/hostname';

/** Judges by what Kubernetes' own components write, from the surest sign to the least. */
export function kindOf(lease: StoredLease): LeaseKind {
  const { metadata, spec = {} } = lease;
  if (metadata.namespace === NODE_NAMESPACE && ownedByNode(lease)) return 'node-heartbeat';
  if (isApiServer(lease)) return 'api-server-identity';
  if (metadata.labels?.[LEASE_KIND_LABEL] === MEMBER_KIND) return 'member';
  if (spec.strategy) return 'coordinated-election';
  return looksElected(lease) ? 'leader-election' : 'other';
}

/** Whose member a member's Lease is, as far as it says so. */
export interface MemberOf {
  /** Cut, with a hash of all of it, where it is longer than a label's value may be. */
  readonly election: string | null;
  readonly pod: string | null;
}

/** Null for what is no member's. */
export function memberOf(lease: StoredLease): MemberOf | null {
  if (kindOf(lease) !== 'member') return null;
  const { labels, annotations } = lease.metadata;
  return { election: labels?.[MEMBER_ELECTION_LABEL] ?? null, pod: annotations?.[MEMBER_POD_ANNOTATION] ?? null };
}

/** The kubelet's: named after the node, held by it, and owned by it. */
function ownedByNode({ metadata, spec }: StoredLease): boolean {
  const owned = metadata.ownerReferences?.some(({ kind, name }) => kind === 'Node' && name === metadata.name);
  return owned === true || spec?.holderIdentity === metadata.name;
}

/**
 * The name of a kube-apiserver's Lease: `apiserver-` and 16 bytes of a hash of its host name, which is prefixed by its length so that
 * no two pairs of parts give one name (k8s.io/apiserver, pkg/server/options; cmd/kube-apiserver/app).
 */
export function apiServerLeaseName(hostname: string): string {
  return `apiserver-${identityHash([hostname, 'kube-apiserver'])}`;
}

/** By the hash of the host name that it is labelled with. A foreign Lease that has only the label is none. */
function isApiServer({ metadata }: StoredLease): boolean {
  const { [IDENTITY_LABEL]: identity, [HOSTNAME_LABEL]: hostname } = metadata.labels ?? {};
  if (identity === undefined) return false;
  // A host name of more than 63 characters can't stand in a label: then the shape of the name has to do.
  return hostname === undefined
    ? /^apiserver-[a-z2-7]{26}$/.test(metadata.name)
    : metadata.name === apiServerLeaseName(hostname);
}

/**
 * Electors write terms: when one was acquired, and how many there were. One that was released has no holder, and still a duration
 * (client-go). An election that nobody has held yet is empty.
 */
function looksElected({ metadata, spec = {} }: StoredLease): boolean {
  if (metadata.labels?.['app.kubernetes.io/name'] === 'leasegate') return true;
  const { holderIdentity, leaseDurationSeconds, acquireTime, leaseTransitions } = spec;
  const termed = acquireTime != null || leaseTransitions != null;
  return termed && (Boolean(holderIdentity) || leaseDurationSeconds != null);
}
