import { valueAt } from './change.ts';
import type { Manifest, ObjectValue } from './manifests.ts';

/** A workload, with what is asked of it. Nothing of it has been checked. */
export interface Workload {
  readonly manifest: Manifest;
  /** `''` is the core group. */
  readonly apiGroup: string;
  readonly kind: Kind;
  readonly name: string | undefined;
  readonly namespace: string | undefined;
  readonly spec: ObjectValue;
  readonly podSpecPath: readonly string[];
  readonly podSpec: ObjectValue;
  readonly podLabels: ObjectValue;
  /** As written; 1 where nothing is. Null where the number is not in the manifest. */
  readonly replicas: number | null;
}

const TEMPLATE = ['spec', 'template'];

/** Where the pod template is, by the kinds of Kubernetes; other groups have kinds of these names, too. */
const KINDS = {
  Deployment: { group: 'apps', template: TEMPLATE },
  StatefulSet: { group: 'apps', template: TEMPLATE },
  ReplicaSet: { group: 'apps', template: TEMPLATE },
  DaemonSet: { group: 'apps', template: TEMPLATE },
  Job: { group: 'batch', template: TEMPLATE },
  CronJob: { group: 'batch', template: ['spec', 'jobTemplate', 'spec', 'template'] },
  Pod: { group: '', template: [] },
} as const;

export type Kind = keyof typeof KINDS;

/** What an object is as a workload; null when it is none, or has no pod. */
export function workloadOf(manifest: Manifest): Workload | null {
  const { value } = manifest;
  const apiVersion = String(value.apiVersion ?? '');
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
  if (!Object.hasOwn(KINDS, value.kind) || KINDS[value.kind as Kind].group !== group) return null;
  const kind = value.kind as Kind;
  const path: readonly string[] = KINDS[kind].template;
  const template = valueAt(value, path) ?? {};
  const spec = value.spec ?? {};
  const scaled = kind === 'Deployment' || kind === 'StatefulSet' || kind === 'ReplicaSet';
  return {
    manifest,
    apiGroup: KINDS[kind].group,
    kind,
    name: text(value.metadata?.name),
    namespace: text(value.metadata?.namespace),
    spec,
    podSpecPath: [...path, 'spec'],
    podSpec: template.spec ?? {},
    podLabels: template.metadata?.labels ?? {},
    replicas: scaled ? (typeof spec.replicas === 'number' ? spec.replicas : 1) : null,
  };
}

/** A name may have been written as a number. */
function text(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : String(value);
}

/** All containers of a pod, init containers included. */
export function containersOf({ podSpec }: Workload): readonly ObjectValue[] {
  const list = (value: unknown) =>
    Array.isArray(value) ? value.filter((each) => each !== null && typeof each === 'object') : [];
  return [...list(podSpec.initContainers), ...list(podSpec.containers)];
}
