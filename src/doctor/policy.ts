import type { Reading } from '../ports/doctor.ts';
import { type Finding, skipped, warning } from './finding.ts';
import type { Plan } from './plan.ts';

/** Of deploy/admission-policy: binds what keeps replicas from the Leases that are not theirs. */
export const LEASE_POLICY = 'leasegate-leases';

const REMEDY =
  'apply deploy/admission-policy, once in a cluster, and label the service account with leasegate.dev/election; or take delete out of the rule';

/** Heartbeats need rights to every Lease of the namespace: whether something takes back what they don't need. */
export function judgeLeasePolicy(bound: Reading<boolean>, { lease }: Pick<Plan, 'lease'>): Finding[] {
  const reach = `the rule that heartbeats need is for every Lease of namespace ${lease.namespace}, that of the election included`;
  if (!bound.ok) {
    const message = `${reach}; whether an admission policy takes that back may not be looked at: ${bound.failure.message}`;
    const remedy = `look as somebody who may: kubectl get validatingadmissionpolicybinding ${LEASE_POLICY}`;
    return [skipped('LEASE_POLICY_UNKNOWN', message, remedy)];
  }
  if (bound.value) return [];
  return [warning('LEASE_POLICY_MISSING', `${reach}, and no admission policy takes that back`, REMEDY)];
}
