import type { JsonObject } from './object.ts';
import { RESOURCE_TYPES } from './resources/index.ts';
import { ALL_VERBS, apiVersion } from './resources/resource-type.ts';

/** The release whose behaviour this server copies. */
const VERSION: JsonObject = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.3+leasegate',
  gitCommit: '',
  gitTreeState: '',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: '',
};

const GROUPS = ['authorization.k8s.io', 'coordination.k8s.io', 'events.k8s.io'];

function groupOf(name: string): JsonObject {
  const preferred = { groupVersion: `${name}/v1`, version: 'v1' };
  return { name, versions: [preferred], preferredVersion: preferred };
}

function resourceList(groupVersion: string): JsonObject {
  const stored = RESOURCE_TYPES.filter((type) => apiVersion(type) === groupVersion).flatMap((type) => [
    {
      name: type.plural,
      singularName: type.singular,
      namespaced: type.namespaced,
      kind: type.kind,
      verbs: ALL_VERBS.filter((verb) => type.verbs.includes(verb)),
    },
    ...type.subresources.map((subresource) => ({
      name: `${type.plural}/${subresource}`,
      singularName: '',
      namespaced: type.namespaced,
      kind: type.kind,
      verbs: ['get', 'patch', 'update'],
    })),
  ]);
  const review = {
    name: 'selfsubjectaccessreviews',
    singularName: 'selfsubjectaccessreview',
    namespaced: false,
    kind: 'SelfSubjectAccessReview',
    verbs: ['create'],
  };
  const resources = groupVersion === 'authorization.k8s.io/v1' ? [review] : stored;
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources };
}

/** One of `DOCUMENT_PATHS`: text for health, JSON for version and discovery. */
export function readDocument(path: string): string | JsonObject {
  const [, root, group, version] = path.split('/');
  if (root === 'version') return VERSION;
  if (root === 'api') {
    return group === undefined
      ? { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }
      : resourceList('v1');
  }
  if (root !== 'apis') return 'ok';
  if (group === undefined) return { kind: 'APIGroupList', apiVersion: 'v1', groups: GROUPS.map(groupOf) };
  if (version === undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(group) };
  return resourceList(`${group}/${version}`);
}
