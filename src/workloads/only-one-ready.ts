/**
 * What Kubernetes' controllers do with a workload of whose pods only one, the leader's, is ever Ready. `doctor` asks it of what
 * runs, `inject` of manifests.
 */

/** Spec of a workload, as far as it is looked at. Nothing of it need have been checked. */
export interface RolloutSpec {
  readonly podManagementPolicy?: unknown;
  readonly progressDeadlineSeconds?: unknown;
  readonly strategy?: UpdateStrategy | null;
  readonly updateStrategy?: UpdateStrategy | null;
}

interface UpdateStrategy {
  readonly type?: unknown;
  readonly rollingUpdate?: { readonly maxUnavailable?: unknown; readonly maxSurge?: unknown } | null;
}

export type RolloutFlaw =
  /** A rolling update never takes away the old leader: so many may be unavailable, which are too few. */
  | { readonly kind: 'old-leader-stays'; readonly unavailable: number }
  /** A rolling update waits for each pod to be Ready, which all but one never are. */
  | { readonly kind: 'waits-for-each' }
  /** Pods are started one after the other, and the third waits for the second for ever. */
  | { readonly kind: 'starts-in-order' }
  /** It comes to its end, never counts as complete, and is reported as failed after so many seconds. */
  | { readonly kind: 'never-complete'; readonly deadlineSeconds: number };

const DEPLOYMENT_SHARE_DEFAULT = '25%';
const DEADLINE_SECONDS_DEFAULT = 600;
/** Kubernetes' word for never (pkg/controller/deployment/util, HasProgressDeadline). */
export const DEADLINE_SECONDS_NEVER = 2_147_483_647;

/** What is wrong with the rollouts of a workload; nothing for kinds that have none. */
export function rolloutFlaws(kind: string, spec: RolloutSpec, replicas: number): RolloutFlaw[] {
  switch (kind) {
    case 'Deployment':
      return deploymentFlaws(spec, replicas);
    case 'StatefulSet':
      return statefulSetFlaws(spec, replicas);
    case 'DaemonSet':
      return daemonSetFlaws(spec);
    default:
      return [];
  }
}

/**
 * Old pods that are not available are taken away, and of the available ones as many as are more than replicas − maxUnavailable
 * (pkg/controller/deployment/rolling.go). The old leader is the only available one: it goes only where that is 0. And a rollout
 * counts as complete when all replicas are available (deployment_util.go, DeploymentComplete).
 */
function deploymentFlaws({ strategy, progressDeadlineSeconds }: RolloutSpec, replicas: number): RolloutFlaw[] {
  if ((strategy?.type ?? 'RollingUpdate') === 'RollingUpdate') {
    const { maxUnavailable, maxSurge } = strategy?.rollingUpdate ?? {};
    const surge = podsOf(maxSurge ?? DEPLOYMENT_SHARE_DEFAULT, replicas, Math.ceil);
    const given = podsOf(maxUnavailable ?? DEPLOYMENT_SHARE_DEFAULT, replicas, Math.floor);
    // Not both can be 0 (pkg/controller/deployment/util, ResolveFenceposts).
    const unavailable = given === 0 && surge === 0 ? 1 : given;
    if (unavailable < replicas) return [{ kind: 'old-leader-stays', unavailable }];
  }
  const given = progressDeadlineSeconds ?? DEADLINE_SECONDS_DEFAULT;
  const deadlineSeconds = typeof given === 'number' ? given : DEADLINE_SECONDS_DEFAULT;
  return replicas > 1 && deadlineSeconds < DEADLINE_SECONDS_NEVER ? [{ kind: 'never-complete', deadlineSeconds }] : [];
}

/** As pkg/controller/statefulset, stateful_set_control.go: both starting and updating wait for each pod to be Ready. */
function statefulSetFlaws({ podManagementPolicy, updateStrategy }: RolloutSpec, replicas: number): RolloutFlaw[] {
  const ordered = podManagementPolicy !== 'Parallel';
  const rolls = (updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
  // At least one, however small the share (stateful_set_utils.go, getStatefulSetMaxUnavailable).
  const unavailable = Math.max(1, podsOf(updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, replicas, Math.floor));
  const waits = rolls && (ordered ? replicas > 1 : unavailable < replicas);
  return [
    // The first leads and is Ready, the second is started and is not.
    ...(ordered && replicas > 2 ? [{ kind: 'starts-in-order' } as const] : []),
    ...(waits ? [{ kind: 'waits-for-each' } as const] : []),
  ];
}

/** As pkg/controller/daemon/update.go. How many pods there are depends on the nodes: only all of them are enough for any. */
function daemonSetFlaws({ updateStrategy }: RolloutSpec): RolloutFlaw[] {
  const rolls = (updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
  return rolls && updateStrategy?.rollingUpdate?.maxUnavailable !== '100%' ? [{ kind: 'waits-for-each' }] : [];
}

/** Spec of a PodDisruptionBudget, as far as it is looked at. */
export interface BudgetSpec {
  readonly minAvailable?: unknown;
  readonly maxUnavailable?: unknown;
}

/**
 * How many pods a PodDisruptionBudget wants to stay Ready. Where that is more than 0, the only Ready one may never be evicted.
 * Percentages are rounded up, be it of those that stay or of those that may go (pkg/controller/disruption).
 *
 * @returns null where it says neither: it then expects no pods, and lets no Ready one go (disruption.go, updatePdbStatus)
 */
export function podsThatMustStay({ minAvailable, maxUnavailable }: BudgetSpec, replicas: number): number | null {
  if (maxUnavailable !== undefined && maxUnavailable !== null) {
    return Math.max(0, replicas - podsOf(maxUnavailable, replicas, Math.ceil));
  }
  return minAvailable === undefined || minAvailable === null ? null : podsOf(minAvailable, replicas, Math.ceil);
}

/** A number of pods, or a part of them: `25%`. Whatever is neither a number nor a percentage counts as 0: the API server refuses it. */
function podsOf(value: unknown, replicas: number, round: (pods: number) => number): number {
  const percent = /^(\d+)%$/.exec(String(value))?.[1];
  return percent === undefined ? Number(value) || 0 : round((Number(percent) * replicas) / 100);
}
