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

/**
 * Whether a change of the pod template comes to its end where only the leader is ever Ready. The old leader is Ready, all new
 * pods are not; so it goes only if every pod may be missing at a time (pkg/controller/deployment, rolling.go).
 */
export function judgeRollout(owner: Owner): Finding {
  const { kind, workload } = owner;
  const { metadata, spec } = workload;
  const replicas = replicasOf(owner);
  const subject = `${kind} ${metadata.name}`;
  if (replicas <= 1)
    return ok('ROLLOUT_OK', `${subject} has ${replicas} replica: its rollouts do not wait for standbys`);
  switch (kind) {
    case 'ReplicaSet':
      return ok('ROLLOUT_OK', `${subject} has no rollouts`);
    case 'Deployment': {
      const { type = 'RollingUpdate', rollingUpdate } = spec?.strategy ?? {};
      const unavailable = podsOf(rollingUpdate?.maxUnavailable ?? '25%', replicas, Math.floor) ?? 0;
      if (type === 'RollingUpdate' && unavailable < replicas) {
        return warning(
          'ROLLOUT_STALLS',
          `${subject}: with the readiness gate only one pod is ever Ready, so its rolling update (maxUnavailable ${unavailable} of ${replicas}) waits for ever for new pods, while an old one leads`,
          'set spec.strategy.type to Recreate (or maxUnavailable to 100%), or publish by label or endpointslice instead',
        );
      }
      return ok(
        'ROLLOUT_OK',
        `${subject}: its rollouts go through; kubectl rollout status still waits for standbys to be Ready, and progressDeadlineSeconds reports failure`,
      );
    }
    case 'StatefulSet': {
      // The first leads and is Ready, the second is not, and the third waits for it.
      if (spec?.podManagementPolicy !== 'Parallel' && replicas > 2) {
        return error(
          'ROLLOUT_ORDERED',
          `${subject} starts a pod when the one before is Ready: with the readiness gate no more than one standby is ever started`,
          'make it anew with spec.podManagementPolicy: Parallel (it can’t be changed), or publish by label or endpointslice',
        );
      }
      const { type = 'RollingUpdate', rollingUpdate } = spec?.updateStrategy ?? {};
      const unavailable = podsOf(rollingUpdate?.maxUnavailable, replicas, Math.floor) ?? 1;
      if (type === 'RollingUpdate' && unavailable < replicas) {
        return warning(
          'ROLLOUT_STALLS',
          `${subject}: with the readiness gate only one pod is ever Ready, and its rolling update waits for each`,
          'set spec.updateStrategy.type to OnDelete and delete the pods yourself, or publish by label or endpointslice',
        );
      }
      return ok('ROLLOUT_OK', `${subject}: its rollouts do not wait for standbys`);
    }
  }
}
