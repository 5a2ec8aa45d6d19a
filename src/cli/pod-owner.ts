import type { Config } from '../config/load.ts';

/**
 * The pod, as the owner of an object in the Lease's namespace: Kubernetes deletes the object with it. Null where the pod is not known
 * for certain, or in another namespace: an owner there counts as gone, and the object would be deleted at once.
 */
export function podOwner(
  { lease, pod }: Pick<Config, 'lease' | 'pod'>,
  podGiven: boolean,
): { readonly name: string; readonly uid: string } | null {
  return podGiven && pod.namespace === lease.namespace ? { name: pod.name, uid: pod.uid } : null;
}
