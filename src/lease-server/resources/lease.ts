import { topLevel } from '../metadata-schema.ts';
import { isObject } from '../object.ts';
import { dropped, int32, microTime, orElse, stringPointer, struct } from '../schema.ts';
import { type Cause, invalidValue } from '../validation.ts';
import { ALL_VERBS, resourceType } from './resource-type.ts';

const spec = orElse(
  struct('LeaseSpec', {
    holderIdentity: stringPointer,
    leaseDurationSeconds: int32,
    acquireTime: microTime,
    renewTime: microTime,
    leaseTransitions: int32,
    // Behind the gate CoordinatedLeaderElection, which is off by default.
    strategy: dropped,
    preferredHolder: dropped,
  }),
  {},
);

function specProblems(value: unknown): Cause[] {
  if (!isObject(value)) return [];
  const { leaseDurationSeconds: duration, leaseTransitions: transitions } = value;
  return [
    ...(typeof duration === 'number' && duration <= 0
      ? [invalidValue('spec.leaseDurationSeconds', duration, 'must be greater than 0')]
      : []),
    ...(typeof transitions === 'number' && transitions < 0
      ? [invalidValue('spec.leaseTransitions', transitions, 'must be greater than or equal to 0')]
      : []),
  ];
}

export const lease = resourceType(
  {
    group: 'coordination.k8s.io',
    version: 'v1',
    plural: 'leases',
    singular: 'lease',
    kind: 'Lease',
    verbs: ALL_VERBS,
    schema: topLevel('Lease', { spec }),
  },
  {
    createOnUpdate: true,
    unconditionalUpdate: false,
    problems: (object) => specProblems(object.spec),
    unknownSelector: (field) => `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`,
  },
);
