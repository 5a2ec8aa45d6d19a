import { HASH_LENGTH, identityHash } from '../naming/identity-hash.ts';

const NAME_LENGTH_MAX = 253;
const LABEL_VALUE_LENGTH_MAX = 63;

/** Where a member lives, as far as its Lease's name goes. */
export interface MemberPlace {
  /** Of the election: the Lease that is elected on. */
  readonly lease: { readonly namespace: string; readonly name: string };
  readonly hostname: string;
  /** Of the pod: two namespaces may have pods of one host name. */
  readonly namespace: string;
}

/**
 * The Lease of the member on this host: `<election>-<hash>`. The same host name gives the same Lease again, so that a restart
 * leaves none behind.
 */
export function memberLeaseName({ lease, hostname, namespace }: MemberPlace): string {
  const elsewhere = namespace === lease.namespace ? [] : [namespace];
  return `${memberPrefix(lease.name)}${identityHash([hostname, lease.name, ...elsewhere])}`;
}

/** Whether a Lease of this name can be one of this election's members. The election's own Lease never is. */
export function isMemberLeaseName(election: string, name: string): boolean {
  const prefix = memberPrefix(election);
  return name.startsWith(prefix) && /^[a-z2-7]{26}$/.test(name.slice(prefix.length));
}

/** A member's identity: new at each start, as a kube-apiserver's. `start` must never repeat. */
export function memberIdentity(leaseName: string, start: string): string {
  return `${leaseName}_${start}`;
}

/** The election's name as a value of a label; shortened, with a hash of all of it, where it is too long for one. */
export function electionLabel(election: string): string {
  if (election.length <= LABEL_VALUE_LENGTH_MAX) return election;
  return `${head(election, LABEL_VALUE_LENGTH_MAX - HASH_LENGTH - 1)}-${identityHash([election])}`;
}

/** The host name as a value of `kubernetes.io/hostname`: cut where it is too long; null when nothing of it can be one. */
export function hostnameLabel(hostname: string): string | null {
  const value = head(hostname, LABEL_VALUE_LENGTH_MAX);
  return /^[a-z0-9]([-\w.]*[a-z0-9])?$/i.test(value) ? value : null;
}

function memberPrefix(election: string): string {
  return `${head(election, NAME_LENGTH_MAX - HASH_LENGTH - 1)}-`;
}

/** At most so many characters, ending in one that names and labels may end in. */
function head(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : text.slice(0, lengthMax).replace(/[^a-z0-9]+$/i, '');
}
