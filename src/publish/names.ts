import { createHash } from 'node:crypto';

/** `leader` or `standby`. */
export const ROLE_LABEL = 'leasegate.dev/role';
/** Whose role it is: two elections in one namespace never touch each other's pods. */
export const ELECTION_LABEL = 'leasegate.dev/election';
/** Of a service account, for deploy/admission-policy: the Leases of its elections but the first, with commas between them. */
export const FURTHER_ELECTIONS_ANNOTATION = 'leasegate.dev/further-elections';
/** Token of the term by whose leader the object was last written. */
export const TOKEN_ANNOTATION = 'leasegate.dev/fencing-token';
export const GATE_CONDITION = 'leasegate.dev/leader';
export const MANAGER = 'leasegate.dev';

/** Of Kubernetes. */
export const LABEL_VALUE_LENGTH_MAX = 63;
const NAME_LENGTH_MAX = 253;
const DIGEST_LENGTH = 10;

/** An election as publishing has to know it. */
export interface ElectionNames {
  readonly lease: { readonly namespace: string; readonly name: string };
  /** Where the pods are. */
  readonly namespace: string;
}

/**
 * Value of {@link ELECTION_LABEL}: the Lease's name. Shortened, with a digest of all of it, where it is too long for a label,
 * or the Lease is in another namespace than the pods.
 */
export function electionKey({ lease, namespace }: ElectionNames): string {
  const elsewhere = lease.namespace !== namespace;
  if (!elsewhere && lease.name.length <= LABEL_VALUE_LENGTH_MAX) return lease.name;
  return shortened(lease.name, elsewhere ? `${lease.namespace}/${lease.name}` : lease.name, LABEL_VALUE_LENGTH_MAX);
}

/** Name of the EndpointSlice: a Service's name has no dot in it, so that no two elections and Services share one. */
export function sliceName(service: string, election: string): string {
  const name = `${service}.${election}`;
  return name.length <= NAME_LENGTH_MAX ? name : shortened(name, name, NAME_LENGTH_MAX);
}

function shortened(text: string, whole: string, lengthMax: number): string {
  const digest = createHash('sha256').update(whole).digest('hex').slice(0, DIGEST_LENGTH);
  return `${text.slice(0, lengthMax - DIGEST_LENGTH - 1).replace(/[^a-z0-9]+$/i, '')}-${digest}`;
}

/** RFC 1123's subdomain, which a pod's name is. */
export function isPodName(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text);
}
