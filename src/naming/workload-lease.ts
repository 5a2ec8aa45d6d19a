import { HASH_LENGTH, identityHash } from './identity-hash.ts';

/** What keeps pods running: a Deployment, say. Names one as long as it has this name, whatever its uid. */
export interface Workload {
  /** `''` is the core group. */
  readonly apiGroup: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** A Lease by its name. */
interface LeaseName {
  readonly namespace: string;
  readonly name: string;
}

/** Annotation of a Lease: the {@link formatWorkload text} of the workload that the hash in its name stands for. */
export const LEASE_NAME_OF = 'leasegate.dev/lease-name-of';

const NAME_LENGTH_MAX = 253;
/** Longer ones leave no room for the hash in a name. */
export const PREFIX_LENGTH_MAX = NAME_LENGTH_MAX - HASH_LENGTH - 1;

/** Keeps these hashes apart from those of other things; part of every name, so that it can never change. */
const DOMAIN = 'leasegate.dev/lease-name';

/**
 * The Lease of the one election of a workload: `<prefix>-<hash>`, in this namespace. It is made of names and of no uid, so that a
 * workload that is deleted and made anew meets the pods that its predecessor leaves behind.
 */
export function workloadLeaseName(prefix: string, workload: Workload, leaseNamespace: string): string {
  return `${prefix}-${workloadHash(workload, leaseNamespace)}`;
}

/** Whether the hash in the Lease's name is that of the workload. */
export function isNamedAfter(lease: LeaseName, workload: Workload): boolean {
  return lease.name.endsWith(`-${workloadHash(workload, lease.namespace)}`);
}

/** Of a Lease in the workload's own namespace it is the same in all of them: manifests need not say where they will be applied. */
function workloadHash({ apiGroup, kind, namespace, name }: Workload, leaseNamespace: string): string {
  return identityHash([DOMAIN, apiGroup, kind, name, ...(namespace === leaseNamespace ? [] : [namespace])]);
}

/** `Deployment.apps/web`; with its namespace, `Deployment.apps/shop/web`, where the Lease is in another one. */
export function formatWorkload({ apiGroup, kind, namespace, name }: Workload, leaseNamespace: string): string {
  const type = apiGroup === '' ? kind : `${kind}.${apiGroup}`;
  return [type, ...(namespace === leaseNamespace ? [] : [namespace]), name].join('/');
}

/** What {@link formatWorkload} wrote, or null: annotations are anybody's to write. */
export function parseWorkload(text: string, leaseNamespace: string): Workload | null {
  const match = /^([A-Za-z0-9]+)(?:\.([-a-z0-9.]+))?\/(?:([-a-z0-9]+)\/)?([-a-z0-9.:_]+)$/i.exec(text);
  if (match === null || text.length > TEXT_LENGTH_MAX) return null;
  const [, kind = '', apiGroup = '', namespace = leaseNamespace, name = ''] = match;
  return { apiGroup, kind, namespace, name };
}

const TEXT_LENGTH_MAX = 1_024;

/** What a Lease says that the hash in its name stands for. */
export interface NameClaim {
  /** As it was written. */
  readonly workload: string;
  /** Whether the hash really is that of this workload. */
  readonly verified: boolean;
}

/** Null where the Lease says nothing of that kind. */
export function nameClaimOf(
  lease: LeaseName & { readonly annotations?: Readonly<Record<string, string>> | undefined },
): NameClaim | null {
  const text = lease.annotations?.[LEASE_NAME_OF];
  if (text === undefined) return null;
  const workload = parseWorkload(text, lease.namespace);
  return { workload: text, verified: workload !== null && isNamedAfter(lease, workload) };
}
