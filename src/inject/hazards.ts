import type { ObjectValue } from './manifests.ts';
import type { Code } from './report.ts';
import type { Workload } from './workload.ts';

/** What goes wrong, or may, with a workload once it is injected. */
export interface Hazard {
  readonly code: Code;
  readonly message: string;
  readonly remedy: string;
}

/**
 * Why a rollout would never end with a readiness gate that only the leader's pod passes.
 *
 * The Deployment controller takes away old pods that are not available, and of the available ones as many as are more than
 * `replicas − maxUnavailable` (pkg/controller/deployment/rolling.go, scaleDownOldReplicaSetsForRollingUpdate). Only one ever is:
 * the old leader goes only where that difference is 0. DaemonSets count likewise; a StatefulSet waits for each pod that it has
 * updated to become Ready before it goes on to the next.
 */
export function rolloutHazards({ kind, spec, replicas }: Workload): Hazard[] {
  const stall = (message: string, remedy: string): Hazard => ({ code: 'ROLLOUT_WOULD_STALL', message, remedy });
  if (kind === 'Deployment') {
    if (spec.strategy?.type === 'Recreate') return neverComplete(spec, replicas ?? 1);
    const unavailable = maxUnavailable(spec, replicas ?? 1);
    if (unavailable >= (replicas ?? 1)) return neverComplete(spec, replicas ?? 1);
    return [
      stall(
        `with the readiness gate only the leader is Ready, and a rolling update never ends it: ${replicas} replicas − maxUnavailable ${unavailable} must stay available`,
        'set spec.strategy.rollingUpdate.maxUnavailable: 100%, or spec.strategy.type: Recreate, or publish by label',
      ),
    ];
  }
  if (kind === 'DaemonSet') {
    const wanted = spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1;
    if (spec.updateStrategy?.type === 'OnDelete' || wanted === '100%') return [];
    const remedy = 'set spec.updateStrategy.rollingUpdate.maxUnavailable: 100%, or type: OnDelete, or publish by label';
    return [
      stall('with the readiness gate only the leader is Ready, and a rolling update waits for the others', remedy),
    ];
  }
  if (kind === 'StatefulSet' && (replicas ?? 1) > 1) {
    return [
      ...(spec.podManagementPolicy === 'Parallel'
        ? []
        : [
            stall(
              'with the readiness gate only the leader is Ready, and with podManagementPolicy OrderedReady the next pod waits for that for ever',
              'set spec.podManagementPolicy: Parallel (of a new StatefulSet: it can’t be changed later), or publish by label',
            ),
          ]),
      ...(spec.updateStrategy?.type === 'OnDelete'
        ? []
        : [
            stall(
              'with the readiness gate only the leader is Ready, and a rolling update waits for each pod to be so',
              'set spec.updateStrategy.type: OnDelete and delete the pods of an old revision yourself, or publish by label',
            ),
          ]),
    ];
  }
  return [];
}

/** A rollout that replaces all pods and still is never reported as complete: for that all replicas would have to be available. */
function neverComplete(spec: ObjectValue, replicas: number): Hazard[] {
  // What Kubernetes takes for "no deadline" (pkg/controller/deployment/util, HasProgressDeadline).
  if (replicas <= 1 || spec.progressDeadlineSeconds === 2_147_483_647) return [];
  return [
    {
      code: 'ROLLOUT_NEVER_COMPLETE',
      message:
        'with the readiness gate one replica is available at most: kubectl rollout status waits for all, and after progressDeadlineSeconds the Deployment reports failure although all pods were replaced',
      remedy:
        'set spec.progressDeadlineSeconds: 2147483647 (none), and look at updatedReplicas instead of the rollout status',
    },
  ];
}

/** As the controller resolves it: 25 % by default, percentages rounded down, and 1 where both it and maxSurge would be 0. */
function maxUnavailable({ strategy }: ObjectValue, replicas: number): number {
  const { maxUnavailable = '25%', maxSurge = '25%' } = strategy?.rollingUpdate ?? {};
  const unavailable = share(maxUnavailable, replicas, Math.floor);
  const resolved = unavailable === 0 && share(maxSurge, replicas, Math.ceil) === 0 ? 1 : unavailable;
  return Math.min(resolved, replicas);
}

/** A number, or a percentage of the replicas. Whatever else it may be counts as 0: the API server refuses it. */
function share(value: unknown, replicas: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(String(value));
  return percent === null ? Number.parseInt(String(value), 10) || 0 : round((Number(percent[1]) * replicas) / 100);
}

/**
 * Whether a PodDisruptionBudget forbids the eviction of the only Ready pod for ever. It may be evicted where none is needed:
 * `minAvailable` 0, or `maxUnavailable` of all replicas (both percentages are rounded up: pkg/controller/disruption).
 */
export function budgetHazard(budget: ObjectValue, { namespace, podLabels, replicas }: Workload): Hazard | null {
  const { metadata, spec } = budget;
  const elsewhere = metadata?.namespace !== undefined && namespace !== undefined && metadata.namespace !== namespace;
  if (elsewhere || !selectorMatches(spec?.selector, podLabels)) return null;
  const count = replicas ?? 1;
  const needed =
    spec.maxUnavailable === undefined || spec.maxUnavailable === null
      ? share(spec.minAvailable ?? 1, count, Math.ceil)
      : count - share(spec.maxUnavailable, count, Math.ceil);
  if (needed <= 0) return null;
  return {
    code: 'PDB_WOULD_BLOCK',
    message: `with the readiness gate only the leader is Ready, and PodDisruptionBudget ${metadata?.name} wants ${needed} of ${count}: its node can never be drained`,
    remedy: 'set spec.maxUnavailable: 100% in it instead, or take it out, or publish by label',
  };
}

function selectorMatches(selector: ObjectValue | null | undefined, labels: ObjectValue): boolean {
  if (selector === null || selector === undefined) return false;
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  const expressions: ObjectValue[] = Array.isArray(selector.matchExpressions) ? selector.matchExpressions : [];
  return equal && expressions.every((expression) => expressionMatches(expression, labels));
}

function expressionMatches({ key, operator, values }: ObjectValue, labels: ObjectValue): boolean {
  const has = Object.hasOwn(labels, key);
  const listed = has && Array.isArray(values) && values.includes(labels[key]);
  switch (operator) {
    case 'In':
      return listed;
    case 'NotIn':
      return !listed;
    case 'Exists':
      return has;
    case 'DoesNotExist':
      return !has;
    default:
      return true;
  }
}
