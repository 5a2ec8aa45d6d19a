import type { ObjectName, OwnedObject, OwnedObjectReadings } from '../ports/owned-objects.ts';
import type { PublishFailure } from '../ports/publisher.ts';
import type { Workload } from './workload-lease.ts';

/** What was read to find it, and so may be read by whoever is to find it again. */
export type ObjectKind = Pick<ObjectName, 'apiGroup' | 'resource'>;

/** The workload that keeps a pod running, or why there is none to be told. */
export type Owning =
  | { readonly kind: 'found'; readonly workload: Workload; readonly read: readonly ObjectKind[] }
  /** The pod has none, as long as it lives: only another pod, or another option, mends that. */
  | { readonly kind: 'none'; readonly code: OwningCode; readonly message: string; readonly remedy: string }
  /** What made it passes from hand to hand: it has nobody now, and may be taken up again at any time. */
  | { readonly kind: 'orphaned'; readonly message: string; readonly remedy: string }
  /** It could not be read; another try may end otherwise. */
  | { readonly kind: 'unread'; readonly failure: PublishFailure };

export type OwningCode = 'LEASE_NAME_NO_POD' | 'LEASE_NAME_NO_WORKLOAD';

/**
 * Owners that come and go with each rollout or run of what owns them in turn, and where they are read. A workload of any other kind
 * is taken as it is: who owns that is no matter of the pods.
 */
const PASSING: readonly Passing[] = [
  {
    ...{ apiGroup: 'apps', kind: 'ReplicaSet', resource: 'replicasets' },
    marks: { 'deployment.kubernetes.io/revision': 'Deployment', 'rollout.argoproj.io/revision': 'Rollout' },
  },
  {
    ...{ apiGroup: 'batch', kind: 'Job', resource: 'jobs' },
    marks: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': 'CronJob' },
  },
];

interface Passing extends ObjectKind {
  readonly kind: string;
  /** Annotations that outlive the owner who wrote them, with his kind. */
  readonly marks: Readonly<Record<string, string>>;
}

const rule = ({ apiGroup, resource }: ObjectKind) =>
  JSON.stringify({ apiGroups: [apiGroup], resources: [resource], verbs: ['get'] });

const POD = { apiGroup: '', resource: 'pods' };
const NAME_IT = 'name the Lease by LEASEGATE_LEASE_NAME instead';

/** Follows the controllers upwards: pod → ReplicaSet → Deployment, pod → Job → CronJob, pod → anything else. */
export async function owningWorkload(
  pod: { readonly namespace: string; readonly name: string },
  objects: OwnedObjectReadings,
): Promise<Owning> {
  const { namespace, name } = pod;
  const found = await objects.read({ ...POD, name });
  if (!found.ok) return unread(found.failure, [POD, ...PASSING]);
  if (found.value === null) {
    return {
      kind: 'none',
      code: 'LEASE_NAME_NO_POD',
      message: `there is no pod ${namespace}/${name}, so nothing says which workload the Lease is for`,
      remedy: `set POD_NAME and POD_NAMESPACE from the downward API (fieldPath: metadata.name, metadata.namespace); outside a pod ${NAME_IT}`,
    };
  }
  const owner = controllerOf(found.value, namespace);
  if (owner === null) {
    return {
      kind: 'none',
      code: 'LEASE_NAME_NO_WORKLOAD',
      message: `no workload controls pod ${namespace}/${name}, so there is none that the Lease could be named after`,
      remedy: `let a Deployment or another workload make the pod, or ${NAME_IT}`,
    };
  }
  const passing = PASSING.find(({ apiGroup, kind }) => apiGroup === owner.apiGroup && kind === owner.kind);
  if (passing === undefined) return { kind: 'found', workload: owner, read: [POD] };
  const { apiGroup, resource } = passing;
  const reply = await objects.read({ apiGroup, resource, name: owner.name });
  if (!reply.ok) return unread(reply.failure, [passing]);
  // Without it nobody knows whether it was one of a Deployment's: it is about to be collected, and this pod with it.
  if (reply.value === null) return unread(missing(owner, resource), []);
  const above = controllerOf(reply.value, namespace);
  const made = above === null ? makerOf(reply.value, passing) : null;
  if (made !== null) return orphaned(owner, made);
  return { kind: 'found', workload: above ?? owner, read: [POD, { apiGroup, resource }] };
}

/** The kind of what made it and controls it no more, as after `kubectl delete --cascade=orphan`; null where nothing did. */
function makerOf({ metadata }: OwnedObject, { marks }: Passing): string | null {
  return Object.entries(marks).find(([mark]) => metadata.annotations?.[mark] !== undefined)?.[1] ?? null;
}

/**
 * Named after the orphan itself, a restarted sidecar would have another Lease than the pods beside it, and lead beside their leader.
 * Nor does an orphan's own name tell: whatever selects its pods may have adopted it, under any name.
 */
function orphaned({ kind, namespace, name }: Workload, maker: string): Owning {
  return {
    kind: 'orphaned',
    message: `${kind} ${namespace}/${name}, which controls the pod, was made by a ${maker}, and none controls it now`,
    remedy: `apply the ${maker} again, which adopts it, or delete it with its pods; it is looked at again meanwhile. If it is to stay alone, ${NAME_IT}`,
  };
}

/** A static pod is controlled by its node, which is no workload. */
function controllerOf({ metadata }: OwnedObject, namespace: string): Workload | null {
  const reference = metadata.ownerReferences?.find(({ controller }) => controller);
  if (reference === undefined) return null;
  const { apiVersion, kind, name } = reference;
  const apiGroup = apiVersion.includes('/') ? apiVersion.split('/')[0]! : '';
  return apiGroup === '' && kind === 'Node' ? null : { apiGroup, kind, namespace, name };
}

/** All rules that may be missing are named at once: one after another each would take a start. */
function unread(failure: PublishFailure, readings: readonly ObjectKind[]): Owning {
  if (failure.code !== 'forbidden') return { kind: 'unread', failure };
  const [first, ...others] = readings.map(rule);
  const beside = others.length === 0 ? '' : `, and ${others.join(' (Deployments), or ')} (Jobs)`;
  const remedy = `add to the Role of the pod's service account: ${first}${beside}; or ${NAME_IT}`;
  return { kind: 'unread', failure: { ...failure, remedy } };
}

function missing({ kind, namespace, name }: Workload, resource: string): PublishFailure {
  return {
    code: 'not-found',
    request: `get ${resource}`,
    message: `there is no ${kind} ${namespace}/${name}, which controls the pod`,
    remedy: 'it was deleted, and Kubernetes will delete the pod; it is looked for again meanwhile',
    retryAfterMs: null,
    answered: true,
    again: 'later',
  };
}
