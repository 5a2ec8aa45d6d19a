import { topLevel } from '../metadata-schema.ts';
import { any, orElse } from '../schema.ts';
import { labelProblems } from '../validation.ts';
import { resourceType } from './resource-type.ts';

/** Namespaces can be made and read. They are not deleted: the real server leaves that to a controller. */
export const namespace = resourceType(
  {
    group: '',
    version: 'v1',
    plural: 'namespaces',
    singular: 'namespace',
    kind: 'Namespace',
    verbs: ['create', 'get', 'list', 'watch'],
    schema: topLevel('Namespace', { spec: orElse(any, {}), status: orElse(any, {}) }),
  },
  {
    namespaced: false,
    nameProblems: labelProblems,
    initialise: (object) => ({
      ...object,
      metadata: {
        ...object.metadata,
        labels: { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name ?? '' },
      },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    }),
  },
);
