import type { Workload, WorkloadKind } from '../ports/doctor.ts';
import { error, type Finding, ok, warning } from './finding.ts';

/** What owns the pod in the end. */
export interface Owner {
  readonly kind: WorkloadKind;
  readonly workload: Workload;
}

export function replicasOf({ workload }: Owner): number {
  return workload.spec?.replicas ?? 1;
}

/** A number of pods, or a part of them: `25%`. Null: not given. */
export function podsOf(
  value: number | string | undefined,
  replicas: number,
  round: (pods: number) => number,
): number | null {
  if (value === undefined) return null;
  const percent = /^(\d+)%$/.exec(String(value))?.[1];
  return percent === undefined ? Number(value) : round((Number(percent) * replicas) / 100);
}

const OTHERWISE = 'publish by label or endpointslice instead';

/** Whether a change of the pod template comes to its end where only the leader is ever Ready. */
export function judgeRollout(owner: Owner): Finding[] {
  switch (owner.kind) {
    case 'Deployment':
      return judgeDeployment(owner);
    case 'StatefulSet':
      return judgeStatefulSet(owner);
    case 'ReplicaSet':
      return [ok('ROLLOUT_OK', `ReplicaSet ${owner.workload.metadata.name} has no rollouts`)];
  }
}

/** 10 minutes is Kubernetes' default; the largest number is its word for never. */
const PROGRESS_SECONDS_DEFAULT = 600;
const PROGRESS_SECONDS_NEVER = 2_147_483_647;

/**
 * The old leader is Ready, and all other pods, old and new, are not. It is taken away only where no pod needs to be available
 * (pkg/controller/deployment, rolling.go): with one replica, too. The rollout never counts as complete as long as one pod is not
 * Ready (deployment_util.go, DeploymentComplete).
 */
function judgeDeployment(owner: Owner): Finding[] {
  const { metadata, spec } = owner.workload;
  const replicas = replicasOf(owner);
  const subject = `Deployment ${metadata.name}`;
  const { type = 'RollingUpdate', rollingUpdate } = spec?.strategy ?? {};
  // Where maxSurge comes to 0 as well, Kubernetes takes 1; that changes nothing but with one replica.
  const surge = podsOf(rollingUpdate?.maxSurge ?? '25%', replicas, Math.ceil) ?? 0;
  const given = podsOf(rollingUpdate?.maxUnavailable ?? '25%', replicas, Math.floor) ?? 0;
  const unavailable = given === 0 && surge === 0 ? 1 : given;
  if (type === 'RollingUpdate' && unavailable < replicas) {
    return [
      error(
        'ROLLOUT_STALLS',
        `${subject}: with the readiness gate only one pod is ever Ready, so its rolling update (maxUnavailable ${unavailable} of ${replicas}) never takes away the old leader, and waits for ever`,
        `set spec.strategy to {type: Recreate} (or spec.strategy.rollingUpdate.maxUnavailable to 100%), or ${OTHERWISE}`,
      ),
    ];
  }
  const findings = [ok('ROLLOUT_OK', `${subject}: its rollouts do not wait for standbys`)];
  const { progressDeadlineSeconds = PROGRESS_SECONDS_DEFAULT } = spec ?? {};
  if (replicas > 1 && progressDeadlineSeconds < PROGRESS_SECONDS_NEVER) {
    findings.push(
      warning(
        'ROLLOUT_DEADLINE',
        `${subject} counts standbys as not available: ${progressDeadlineSeconds} s after each rollout it reports ProgressDeadlineExceeded, though all is well, and kubectl rollout status, Helm and others wait for that long`,
        `set spec.progressDeadlineSeconds to ${PROGRESS_SECONDS_NEVER} (never) and don't wait for rollouts, or ${OTHERWISE}`,
      ),
    );
  }
  return findings;
}

/** As pkg/controller/statefulset, stateful_set_control.go: both starting and updating wait for each pod to be Ready. */
function judgeStatefulSet(owner: Owner): Finding[] {
  const { metadata, spec } = owner.workload;
  const replicas = replicasOf(owner);
  const subject = `StatefulSet ${metadata.name}`;
  const ordered = spec?.podManagementPolicy !== 'Parallel';
  // The first leads and is Ready, the second is not, and the third waits for it.
  if (ordered && replicas > 2) {
    return [
      error(
        'ROLLOUT_ORDERED',
        `${subject} starts a pod when the one before is Ready: with the readiness gate no more than one standby is ever started`,
        `make it anew with spec.podManagementPolicy: Parallel (it can't be changed), or ${OTHERWISE}`,
      ),
    ];
  }
  const { type = 'RollingUpdate', rollingUpdate } = spec?.updateStrategy ?? {};
  // At least one, however small the share (stateful_set_utils.go, getStatefulSetMaxUnavailable).
  const unavailable = Math.max(1, podsOf(rollingUpdate?.maxUnavailable, replicas, Math.floor) ?? 1);
  if (type === 'RollingUpdate' && (ordered ? replicas > 1 : unavailable < replicas)) {
    return [
      error(
        'ROLLOUT_STALLS',
        `${subject}: with the readiness gate only one pod is ever Ready, and its rolling update waits for each`,
        `set spec.updateStrategy to {type: OnDelete} and delete the pods yourself, or ${OTHERWISE}`,
      ),
    ];
  }
  return [ok('ROLLOUT_OK', `${subject}: its rollouts do not wait for standbys`)];
}
