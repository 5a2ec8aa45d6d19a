import type { DisruptionBudget } from '../ports/doctor.ts';
import { selects } from '../workloads/label-selector.ts';
import { podsThatMustStay } from '../workloads/only-one-ready.ts';
import { error, type Finding, ok } from './finding.ts';

/**
 * Whether drains of nodes come to their end where only the leader is ever Ready: to a budget all standbys count as disrupted
 * already. `replicas`: how many pods it expects.
 */
export function judgeDisruption(
  budgets: readonly DisruptionBudget[],
  labels: Readonly<Record<string, string>>,
  replicas: number,
): Finding[] {
  const concerned = budgets.filter(({ spec }) => selects(spec?.selector, labels));
  if (concerned.length > 1) {
    const names = concerned.map(({ metadata }) => metadata.name).join(', ');
    return [
      error(
        'DISRUPTION_BLOCKED',
        `PodDisruptionBudgets ${names} all select this pod: the API server evicts no pod that has more than one`,
        'delete all of them but one',
      ),
    ];
  }
  const findings = concerned.flatMap((budget) => judge(budget, replicas));
  if (findings.length > 0) return findings;
  const none = concerned.length === 0 ? 'no PodDisruptionBudget is' : 'the PodDisruptionBudget is not';
  return [ok('DISRUPTION_OK', `${none} in the way of drains`)];
}

const REMEDY =
  'set spec.maxUnavailable to 100% in it, without minAvailable, or delete it; or publish by label or endpointslice instead';

/** One Ready pod may go only where none has to stay (pkg/registry/core/pod/storage/eviction.go). */
function judge({ metadata, spec }: DisruptionBudget, replicas: number): Finding[] {
  const { unhealthyPodEvictionPolicy: policy } = spec ?? {};
  const stay = podsThatMustStay(spec ?? {}, replicas);
  if (stay === null) {
    return [
      error(
        'DISRUPTION_BLOCKED',
        `PodDisruptionBudget ${metadata.name} has neither minAvailable nor maxUnavailable: it lets no Ready pod go, and the drain of the leader's node waits for ever`,
        REMEDY,
      ),
    ];
  }
  if (stay <= 0) return [];
  // Standbys are not Ready: those may go where the budget is met without them, or does not count them.
  const standbysToo = stay > 1 && policy !== 'AlwaysAllow';
  const who = standbysToo ? 'no pod, neither the leader nor a standby,' : "the leader's pod never";
  return [
    error(
      'DISRUPTION_BLOCKED',
      `PodDisruptionBudget ${metadata.name} wants ${stay} Ready, and with the readiness gate one is at most: ${who} may be evicted, and the drain of its node waits for ever`,
      REMEDY,
    ),
  ];
}
