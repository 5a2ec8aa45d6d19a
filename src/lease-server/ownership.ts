import type { Metadata } from './object.ts';
import { type Cause, invalidValue, notAllowed } from './validation.ts';

/** What a deletion may ask of the object that it deletes. */
export interface Preconditions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/** Clients can't change these; where they leave them out or send them back, that is no change. */
export function immutableProblems(next: Metadata, current: Metadata): Cause[] {
  const changed = (['uid', 'deletionTimestamp'] as const)
    .filter((field) => (next[field] ?? '') !== '' && next[field] !== current[field])
    .map((field) => invalidValue(`metadata.${field}`, next[field], 'field is immutable'));
  return [...changed, ...finalizerProblems(next, current)];
}

/** Once an object is being deleted its finalizers only go. */
function finalizerProblems(next: Metadata, current: Metadata): Cause[] {
  if (typeof current.deletionTimestamp !== 'string') return [];
  const added = (next.finalizers ?? []).filter((finalizer) => !current.finalizers?.includes(finalizer));
  if (added.length === 0) return [];
  const found = `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`;
  const why = `no new finalizers can be added if the object is being deleted, found new finalizers ${found}`;
  return [notAllowed('metadata.finalizers', why)];
}

const OWNED = [
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;

/** The client's metadata with what the server owns put back. */
export function ownedMetadata(next: Metadata, current: Metadata): Metadata {
  const result: Record<string, unknown> = { ...next };
  for (const field of OWNED) if (current[field] !== undefined) result[field] = current[field];
  return result;
}

/** Why a deletion is refused, or null. */
export function deletionConflict(current: Metadata, preconditions: Preconditions): string | null {
  const { uid, resourceVersion } = preconditions;
  if (uid !== undefined && uid !== current.uid) {
    return `the UID in the precondition (${uid}) does not match the UID in record (${current.uid}). The object might have been deleted and then recreated`;
  }
  if (resourceVersion !== undefined && resourceVersion !== current.resourceVersion) {
    return `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${current.resourceVersion}). The object might have been modified`;
  }
  return null;
}
