import type { PublisherName } from '../ports/publish-metrics.ts';
import type { Patch, Pod } from '../ports/publisher.ts';

/**
 * One thing that the pods of an election say about who leads. Pure: what a pod says now, and what it should, give the patch
 * between them, or null where there is nothing to do.
 */
export interface PodFacet {
  readonly publisher: PublisherName;
  /** Whether patches go to the pod's status. */
  readonly ofStatus: boolean;
  /** This pod leads, in the term of that token. */
  lead(own: Pod, token: string, wallMs: number): Patch | null;
  /**
   * This pod does not lead. After an own term (its token) there is always a patch, for whatever version, that changes the pod in
   * any case: what was sent in that term and may still be on its way is for the version before, and fails.
   */
  standBy(own: Pod, afterTerm: string | null, wallMs: number): Patch | null;
  /**
   * Another pod does not lead, for this one does. To `fence` is to change the pod in any case, for the same reason: that it
   * does not say `leader` is not enough where its process was seen leading and may have been stopped in the middle of a write.
   */
  clear(other: Pod, token: string, fence: boolean, wallMs: number): Patch | null;
}

/** Only the pod as it was read, in any of its parts. */
export function ofThisVersion({ metadata: { uid, resourceVersion } }: Pod): Patch {
  return { uid, resourceVersion };
}

/** What an own pod that ceased to lead is patched as: at once whatever its version; else a term may have begun meanwhile. */
export function ownTarget(own: Pod, afterTerm: string | null): Patch {
  return afterTerm === null ? ofThisVersion(own) : { uid: own.metadata.uid };
}
