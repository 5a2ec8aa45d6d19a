import { coreEvent, event } from './event.ts';
import { lease } from './lease.ts';
import { namespace } from './namespace.ts';
import { pod } from './pod.ts';
import type { ResourceType } from './resource-type.ts';

/** Everything that is stored. Access reviews are answered by `api.ts` without being kept. */
export const RESOURCE_TYPES: readonly ResourceType[] = [coreEvent, namespace, pod, lease, event];

export function findResourceType(group: string, version: string, plural: string): ResourceType | undefined {
  return RESOURCE_TYPES.find((type) => type.group === group && type.version === version && type.plural === plural);
}

export { coreEvent, event, lease, namespace, pod };
