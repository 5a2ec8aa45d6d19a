import type { Workload, WorkloadKind } from '../ports/doctor.ts';
import { DEADLINE_SECONDS_NEVER, type RolloutFlaw, rolloutFlaws } from '../workloads/only-one-ready.ts';
import { error, type Finding, ok, warning } from './finding.ts';

/** What owns the pod in the end. */
export interface Owner {
  readonly kind: WorkloadKind;
  readonly workload: Workload;
}

export function replicasOf({ workload }: Owner): number {
  return workload.spec?.replicas ?? 1;
}

const OTHERWISE = 'publish by label or endpointslice instead';

/** Whether a change of the pod template comes to its end where only the leader is ever Ready. */
export function judgeRollout(owner: Owner): Finding[] {
  const { kind, workload } = owner;
  const subject = `${kind} ${workload.metadata.name}`;
  if (kind === 'ReplicaSet') return [ok('ROLLOUT_OK', `${subject} has no rollouts`)];
  const replicas = replicasOf(owner);
  const [flaw] = rolloutFlaws(kind, workload.spec ?? {}, replicas);
  const ends = ok('ROLLOUT_OK', `${subject}: its rollouts do not wait for standbys`);
  if (flaw === undefined) return [ends];
  const finding = findingOf(flaw, subject, replicas);
  return finding.level === 'warning' ? [ends, finding] : [finding];
}

function findingOf(flaw: RolloutFlaw, subject: string, replicas: number): Finding {
  switch (flaw.kind) {
    case 'old-leader-stays':
      return error(
        'ROLLOUT_STALLS',
        `${subject}: with the readiness gate only one pod is ever Ready, so its rolling update (maxUnavailable ${flaw.unavailable} of ${replicas}) never takes away the old leader, and waits for ever`,
        `set spec.strategy to {type: Recreate} (or spec.strategy.rollingUpdate.maxUnavailable to 100%), or ${OTHERWISE}`,
      );
    case 'never-complete':
      return warning(
        'ROLLOUT_DEADLINE',
        `${subject} counts standbys as not available: ${flaw.deadlineSeconds} s after each rollout it reports ProgressDeadlineExceeded, though all is well, and kubectl rollout status, Helm and others wait for that long`,
        `set spec.progressDeadlineSeconds to ${DEADLINE_SECONDS_NEVER} (never) and don't wait for rollouts, or ${OTHERWISE}`,
      );
    case 'starts-in-order':
      return error(
        'ROLLOUT_ORDERED',
        `${subject} starts a pod when the one before is Ready: with the readiness gate no more than one standby is ever started`,
        `make it anew with spec.podManagementPolicy: Parallel (it can't be changed), or ${OTHERWISE}`,
      );
    case 'waits-for-each':
      return error(
        'ROLLOUT_STALLS',
        `${subject}: with the readiness gate only one pod is ever Ready, and its rolling update waits for each`,
        `set spec.updateStrategy to {type: OnDelete} and delete the pods yourself, or ${OTHERWISE}`,
      );
  }
}
