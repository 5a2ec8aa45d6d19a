import type { Challenger, LeaseContent, LeaseRecord } from '../election/index.ts';
import { annotateChallenger, readAnnotations, writeAnnotations } from './lease-annotations.ts';

/** A Lease as JSON. Fields that are not named here are kept as they come. */
export interface LeaseObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields?: unknown;
    readonly [field: string]: unknown;
  };
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
    readonly preferredHolder?: string;
    readonly [field: string]: unknown;
  };
}

/** Reads a Lease from an API answer, or returns null when it is none. */
export function decodeLease(body: unknown): LeaseRecord | null {
  if (typeof body !== 'object' || body === null) return null;
  const { metadata, spec } = body as Partial<LeaseObject>;
  if (!metadata || typeof metadata.uid !== 'string' || typeof metadata.resourceVersion !== 'string') return null;
  const holder = spec?.holderIdentity ?? '';
  const renewTime = spec?.renewTime ?? null;
  const { managedFields: _, ...keptMetadata } = metadata;
  return {
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    holder,
    ...(typeof spec?.holderIdentity !== 'string' && { holderUnset: true as const }),
    leaseDurationMs: (spec?.leaseDurationSeconds ?? 0) * 1_000,
    renewTime,
    acquireTime: spec?.acquireTime ?? null,
    transitions: spec?.leaseTransitions ?? 0,
    preferredHolder: spec?.preferredHolder ?? '',
    ...readAnnotations(metadata.annotations ?? {}, { holder, renewTime }),
    // The API server keeps managedFields that an update leaves out; they would be most of every renewal's bytes.
    raw: { ...body, metadata: keptMetadata },
  };
}

/** The body that creates the Lease. `nameOf`: what the hash in its name stands for; null where it has none. */
export function encodeNewLease(
  namespace: string,
  name: string,
  content: LeaseContent,
  nameOf: string | null = null,
): LeaseObject {
  return encode(
    { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace, name } },
    content,
    nameOf,
  );
}

/** The body that replaces `base`: its uid, resourceVersion and all that is not ours are kept. `nameOf` as above. */
export function encodeLease(base: LeaseRecord, content: LeaseContent, nameOf: string | null = null): LeaseObject {
  const object = base.raw as LeaseObject;
  if (content.holder === base.holder) return encode(object, content, nameOf);
  // A wish for another holder was addressed to the former one; it is met by a release, and a new term begins without.
  const { preferredHolder: _, ...spec } = object.spec ?? {};
  return encode({ ...object, spec }, content, nameOf);
}

/** The body that replaces `base` by the same with one who asks its holder to give way; the spec goes back as it came. */
export function encodeChallenge(base: LeaseRecord, challenger: Challenger): LeaseObject {
  const object = base.raw as LeaseObject;
  const annotations = annotateChallenger(object.metadata.annotations ?? {}, challenger);
  return { ...object, metadata: { ...object.metadata, annotations } };
}

function encode(object: LeaseObject, content: LeaseContent, nameOf: string | null): LeaseObject {
  const annotations = writeAnnotations(object.metadata.annotations ?? {}, content, nameOf);
  return {
    ...object,
    metadata: { ...object.metadata, annotations },
    spec: {
      ...object.spec,
      holderIdentity: content.holder,
      leaseDurationSeconds: content.leaseDurationSeconds,
      acquireTime: content.acquireTime,
      renewTime: content.renewTime,
      leaseTransitions: content.transitions,
    },
  };
}
