import type { KubeReply } from '../../src/kube/transport.ts';

/** The parts of a Lease that the oracle reads, by itself: it shares no code with what it judges. */
export interface Spec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

/** The Lease of an answer, or of a listing. */
export function leaseIn(reply: KubeReply): unknown {
  const body = reply.body as { items?: unknown[] } | null;
  return body !== null && Array.isArray(body.items) ? body.items[0] : body;
}

export function specOf(lease: unknown): Spec {
  return ((lease as { spec?: Spec } | null | undefined)?.spec ?? {}) as Spec;
}

const sightingKeys = new WeakMap<object, string>();

/** All by which two renewals differ; kept, since watchers share what they see. */
export function sightingKey(lease: unknown): string {
  if (typeof lease !== 'object' || lease === null) return '';
  const known = sightingKeys.get(lease) ?? keyOf(lease);
  sightingKeys.set(lease, known);
  return known;
}

function keyOf(lease: object): string {
  const { holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions = 0 } = specOf(lease);
  const uid = (lease as { metadata?: { uid?: string } }).metadata?.uid;
  return `${uid}|${holderIdentity}|${leaseDurationSeconds}|${acquireTime}|${renewTime}|${leaseTransitions}`;
}

export function versionOf(lease: unknown): string {
  return (lease as { metadata?: { resourceVersion?: string } } | null | undefined)?.metadata?.resourceVersion ?? '0';
}
