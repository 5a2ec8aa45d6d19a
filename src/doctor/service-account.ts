import type { Reading, ServiceAccount, ServiceAccountReading } from '../ports/doctor.ts';
import { ELECTION_LABEL } from '../publish/names.ts';
import { error, type Finding, warning } from './finding.ts';
import type { Plan } from './plan.ts';

/**
 * Whether the replicas' service account is there, and may take part in this election where deploy/admission-policy is in force.
 * Nothing is said of one that may not be read: its rights are known all the same.
 */
export function judgeServiceAccount(
  { namespace, name }: ServiceAccount,
  reading: Reading<ServiceAccountReading | null>,
  { election, lease }: Pick<Plan, 'election' | 'lease'>,
): Finding[] {
  if (!reading.ok) return [];
  if (reading.value === null) {
    return [
      error(
        'SERVICE_ACCOUNT_MISSING',
        `there is no service account ${name} in namespace ${namespace}: no pod that names it starts`,
        `check --service-account and the namespace, or create it: kubectl create serviceaccount ${name} --namespace ${namespace}`,
      ),
    ];
  }
  const label = reading.value.metadata.labels?.[ELECTION_LABEL];
  // The policy holds what the label says against the Lease's name where they share a namespace, and against the pods' labels.
  const fits = label === election && (lease.namespace !== namespace || label === lease.name);
  if (label === undefined || fits) return [];
  const labelling = `kubectl label serviceaccount ${name} --namespace ${namespace}`;
  return [
    warning(
      'SERVICE_ACCOUNT_FOREIGN',
      `service account ${name} has the label ${ELECTION_LABEL}: ${JSON.stringify(label)}, which does not stand for Lease ${lease.namespace}/${lease.name}: where the admission policy is in force, it refuses what the replicas write`,
      election === lease.name
        ? `if the Lease's name is right, correct the label: ${labelling} --overwrite ${ELECTION_LABEL}=${election}`
        : `take the label away, for a Lease that is in another namespace or has so long a name does without: ${labelling} ${ELECTION_LABEL}-`,
    ),
  ];
}
