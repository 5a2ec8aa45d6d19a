import type { DisruptionBudget, LabelSelector } from '../ports/doctor.ts';
import { error, type Finding, ok } from './finding.ts';
import { podsOf } from './rollout.ts';

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

/** One Ready pod may go only where none has to stay (pkg/controller/disruption; pkg/registry/core/pod/storage/eviction.go). */
function judge({ metadata, spec }: DisruptionBudget, replicas: number): Finding[] {
  const { minAvailable, maxUnavailable, unhealthyPodEvictionPolicy: policy } = spec ?? {};
  // Rounded up, both of them: towards more that stay, and more that may go.
  const mayGo = podsOf(maxUnavailable, replicas, Math.ceil);
  const stay = mayGo === null ? podsOf(minAvailable, replicas, Math.ceil) : replicas - mayGo;
  if (stay === null) {
    // It expects no pods, and allows nothing then (disruption.go, updatePdbStatus).
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

/** As the API server matches; an absent selector matches nothing, an empty one (of policy/v1) all. */
function selects(selector: LabelSelector | undefined, labels: Readonly<Record<string, string>>): boolean {
  if (selector === undefined) return false;
  const byLabel = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return (
    byLabel &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = labels[key];
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value);
        case 'NotIn':
          return value === undefined || !values.includes(value);
        case 'Exists':
          return value !== undefined;
        default:
          return value === undefined;
      }
    })
  );
}
