import { MEMBER_POD_ANNOTATION } from '../ports/member-labels.ts';
import type { Heartbeat, MemberLease, MemberProfile, StoredMemberLease } from '../ports/members.ts';
import type { LeaseObject } from './codec.ts';

export const HOSTNAME_LABEL = 'kubernetes.io/hostname';

const PROFILE_ANNOTATIONS: Readonly<Record<keyof MemberProfile, string>> = {
  pod: MEMBER_POD_ANNOTATION,
  address: 'leasegate.dev/address',
  version: 'leasegate.dev/version',
  candidate: 'leasegate.dev/candidate',
  campaigns: 'leasegate.dev/campaigns',
  since: 'leasegate.dev/since',
};
/** Leases are anybody's to write, and a holder may have any length: five hundred members' must not fill a sidecar's memory. */
const TEXT_LENGTH_MAX = 512;
/** Of 64 elections, with names as long as any, and a comma between. */
const CAMPAIGNS_LENGTH_MAX = 64 * 254;

/** What the own Lease carries beside the heartbeat, at each write. */
export interface MemberDescription {
  readonly labels: Readonly<Record<string, string>>;
  /** Kubernetes deletes the Lease with this pod, which has to be in the Lease's namespace. Null outside of one. */
  readonly owner: { readonly name: string; readonly uid: string } | null;
  readonly profile: MemberProfile;
}

/** Reads a member's Lease from an API answer, or returns null when it is none. */
export function decodeMember(body: unknown): StoredMemberLease | null {
  if (typeof body !== 'object' || body === null) return null;
  const { metadata, spec } = body as Partial<LeaseObject>;
  const { name, uid, resourceVersion } = metadata ?? {};
  if (typeof name !== 'string' || typeof uid !== 'string' || typeof resourceVersion !== 'string') return null;
  const { managedFields: _, ...keptMetadata } = metadata!;
  return {
    ...{ name, uid, resourceVersion },
    holder: cut(spec?.holderIdentity ?? ''),
    durationMs: spec?.leaseDurationSeconds ? spec.leaseDurationSeconds * 1_000 : null,
    renewTime: spec?.renewTime ?? null,
    profile: readProfile(metadata?.annotations ?? {}),
    // The API server keeps managedFields that an update leaves out.
    raw: { ...body, metadata: keptMetadata },
  };
}

/** The same without the object: what hundreds of others are remembered by. */
export function decodeSighting(body: unknown): MemberLease | null {
  const stored = decodeMember(body);
  if (stored === null) return null;
  const { raw: _, ...lease } = stored;
  return lease;
}

/** The body that creates the own Lease. */
export function encodeNewMember(
  lease: { readonly namespace: string; readonly name: string },
  heartbeat: Heartbeat,
  description: MemberDescription,
): LeaseObject {
  return encode(
    { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { ...lease } },
    heartbeat,
    description,
  );
}

/** The body that replaces `base`: its uid, resourceVersion and all that is not ours are kept. */
export function encodeMember(
  base: StoredMemberLease,
  heartbeat: Heartbeat,
  description: MemberDescription,
): LeaseObject {
  return encode(base.raw as LeaseObject, heartbeat, description);
}

function encode(
  object: LeaseObject,
  { holder, durationMs, renewTime }: Heartbeat,
  { labels, owner, profile }: MemberDescription,
): LeaseObject {
  const { annotations = {}, labels: before, ownerReferences: _, ...metadata } = object.metadata;
  return {
    ...object,
    metadata: {
      ...metadata,
      labels: { ...(before as Record<string, string> | undefined), ...labels },
      annotations: writeProfile(annotations, profile),
      // A predecessor's pod is gone: with its reference left in, Kubernetes would delete the Lease of the living.
      ...(owner !== null && { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: owner.name, uid: owner.uid }] }),
    },
    // As kubelet's: without acquireTime and leaseTransitions.
    spec: { ...object.spec, holderIdentity: holder, leaseDurationSeconds: durationMs / 1_000, renewTime },
  };
}

function readProfile(annotations: Readonly<Record<string, string>>): MemberProfile {
  const read = (key: keyof MemberProfile, lengthMax = TEXT_LENGTH_MAX) => {
    const text = annotations[PROFILE_ANNOTATIONS[key]];
    return text === undefined ? null : cut(text, lengthMax);
  };
  return {
    pod: read('pod'),
    address: read('address'),
    version: read('version'),
    candidate: read('candidate'),
    campaigns: read('campaigns', CAMPAIGNS_LENGTH_MAX),
    since: read('since'),
  };
}

/** A copy: in V8 a slice keeps all of the text alive that it was taken from. */
function cut(text: string, lengthMax = TEXT_LENGTH_MAX): string {
  return text.length <= lengthMax ? text : Buffer.from(text.slice(0, lengthMax)).toString();
}

/** `before` with this process's words; what its predecessor said beyond them goes. */
function writeProfile(before: Readonly<Record<string, string>>, profile: MemberProfile): Record<string, string> {
  const annotations = { ...before };
  for (const [key, annotation] of Object.entries(PROFILE_ANNOTATIONS)) {
    const value = profile[key as keyof MemberProfile];
    if (value === null) delete annotations[annotation];
    else annotations[annotation] = value;
  }
  return annotations;
}
