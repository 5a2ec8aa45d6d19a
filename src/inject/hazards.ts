import { selects } from '../workloads/label-selector.ts';
import {
  DEADLINE_SECONDS_NEVER,
  podsThatMustStay,
  type RolloutFlaw,
  rolloutFlaws,
} from '../workloads/only-one-ready.ts';
import type { ObjectValue } from './manifests.ts';
import type { Code } from './report.ts';
import type { Kind, Workload } from './workload.ts';

/** What goes wrong, or may, with a workload once it is injected. */
export interface Hazard {
  readonly code: Code;
  readonly message: string;
  readonly remedy: string;
}

const FIRST = 'with the readiness gate only the leader is Ready, and';

/** Why a rollout would never end, or not be seen to, with a readiness gate that only the leader's pod passes. */
export function rolloutHazards({ kind, spec, replicas }: Workload): Hazard[] {
  // Of a StatefulSet it counts only where a feature gate of the cluster is open, of which the manifest says nothing.
  const counted = kind === 'StatefulSet' ? { ...spec, updateStrategy: { type: spec.updateStrategy?.type } } : spec;
  return rolloutFlaws(kind, counted, replicas ?? 1).map((flaw) => hazardOf(flaw, kind, replicas ?? 1));
}

function hazardOf(flaw: RolloutFlaw, kind: Kind, replicas: number): Hazard {
  const stall = (message: string, remedy: string): Hazard => ({
    code: 'ROLLOUT_WOULD_STALL',
    message: `${FIRST} ${message}`,
    remedy: `${remedy}, or publish by label`,
  });
  switch (flaw.kind) {
    case 'old-leader-stays':
      return stall(
        `a rolling update never ends it: ${replicas} replicas − maxUnavailable ${flaw.unavailable} must stay available`,
        'set spec.strategy.rollingUpdate.maxUnavailable: 100%, or spec.strategy.type: Recreate',
      );
    case 'starts-in-order':
      return stall(
        'with podManagementPolicy OrderedReady the third pod waits for the second for ever',
        'set spec.podManagementPolicy: Parallel (of a new StatefulSet: it can’t be changed later)',
      );
    case 'waits-for-each':
      return kind === 'DaemonSet'
        ? stall(
            'a rolling update waits for the others',
            'set spec.updateStrategy.rollingUpdate.maxUnavailable: 100%, or type: OnDelete',
          )
        : stall(
            'a rolling update waits for each pod to be so',
            'set spec.updateStrategy.type: OnDelete and delete the pods of an old revision yourself',
          );
    case 'never-complete':
      return {
        code: 'ROLLOUT_NEVER_COMPLETE',
        message:
          'with the readiness gate one replica is available at most: kubectl rollout status waits for all, and after progressDeadlineSeconds the Deployment reports failure although all pods were replaced',
        remedy: `set spec.progressDeadlineSeconds: ${DEADLINE_SECONDS_NEVER} (none), and look at updatedReplicas instead of the rollout status`,
      };
  }
}

/** Whether a PodDisruptionBudget forbids the eviction of the only Ready pod for ever. */
export function budgetHazard(budget: ObjectValue, { namespace, podLabels, replicas }: Workload): Hazard | null {
  const { metadata, spec } = budget;
  const elsewhere = metadata?.namespace !== undefined && namespace !== undefined && metadata.namespace !== namespace;
  if (elsewhere || !selects(spec?.selector, podLabels)) return null;
  const count = replicas ?? 1;
  const needed = podsThatMustStay(spec ?? {}, count);
  if (needed !== null && needed <= 0) return null;
  const wants = needed === null ? 'says neither how many must stay nor how many may go' : `wants ${needed} of ${count}`;
  return {
    code: 'PDB_WOULD_BLOCK',
    message: `with the readiness gate only the leader is Ready, and PodDisruptionBudget ${metadata?.name} ${wants}: its node can never be drained`,
    remedy: 'set spec.maxUnavailable: 100% in it instead, or take it out, or publish by label',
  };
}
