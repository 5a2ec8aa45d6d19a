import { topLevel } from '../metadata-schema.ts';
import { type ApiObject, isObject } from '../object.ts';
import { any, list, type ObjectSchema, orElse, string, struct, time } from '../schema.ts';
import { type Cause, invalidValue, qualifiedNameProblems, required } from '../validation.ts';
import { ALL_VERBS, resourceType } from './resource-type.ts';

const condition = struct('PodCondition', {
  type: string,
  observedGeneration: any,
  status: orElse(string, ''),
  lastProbeTime: orElse(time, null),
  lastTransitionTime: orElse(time, null),
  reason: string,
  message: string,
});

/** Conditions are typed, since they are merged by `type`; the rest is kept as sent. */
const podStatus: ObjectSchema = {
  ...struct('PodStatus', { phase: string, conditions: list(condition, 'type') }),
  open: true,
  whenUnset: {},
};

const text = (parent: unknown, field: string): string => {
  const value = isObject(parent) ? parent[field] : undefined;
  return typeof value === 'string' ? value : '';
};

function podProblems(object: ApiObject): Cause[] {
  const containers = isObject(object.spec) ? object.spec.containers : undefined;
  const conditions = isObject(object.status) ? object.status.conditions : undefined;
  return [
    ...(Array.isArray(containers) && containers.length > 0 ? [] : [required('spec.containers')]),
    ...(Array.isArray(conditions) ? conditions : []).flatMap((item: unknown, index) => {
      const type = text(item, 'type');
      return qualifiedNameProblems(type).map((why) => invalidValue(`status.conditions[${index}].Type`, type, why));
    }),
  ];
}

/** `pods/status` writes status, labels and annotations; `pods` writes all but the status. */
function admitUpdate(next: ApiObject, current: ApiObject, subresource: string): ApiObject {
  return subresource === 'status' ? { ...next, spec: current.spec } : { ...next, status: current.status };
}

/** Pods as objects to label and to set conditions on: the spec is not defaulted, and no kubelet runs them. */
export const pod = resourceType(
  {
    group: '',
    version: 'v1',
    plural: 'pods',
    singular: 'pod',
    kind: 'Pod',
    verbs: ALL_VERBS,
    schema: topLevel('Pod', { spec: orElse(any, {}), status: podStatus }),
  },
  {
    subresources: ['status'],
    deleteAnswersObject: true,
    problems: podProblems,
    selectableFields: {
      'spec.nodeName': (object) => text(object.spec, 'nodeName'),
      'status.phase': (object) => text(object.status, 'phase'),
      'status.podIP': (object) => text(object.status, 'podIP'),
    },
    initialise: (object) => ({
      ...object,
      metadata: { ...object.metadata, generation: 1 },
      status: { phase: 'Pending', qosClass: 'BestEffort' },
    }),
    admitUpdate,
  },
);
