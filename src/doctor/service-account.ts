import type { Reading, ServiceAccount, ServiceAccountReading } from '../ports/doctor.ts';
import { ELECTION_LABEL, FURTHER_ELECTIONS_ANNOTATION } from '../publish/names.ts';
import { error, type Finding, warning } from './finding.ts';
import type { Plan } from './plan.ts';

/**
 * Whether the replicas' service account is there, and may take part in this election where deploy/admission-policy is in force.
 * Nothing is said of one that may not be read: its rights are known all the same. `policyBound`: whether that policy is; null where
 * nobody looked.
 */
export function judgeServiceAccount(
  { namespace, name }: ServiceAccount,
  reading: Reading<ServiceAccountReading | null>,
  plan: Pick<Plan, 'election' | 'lease' | 'furtherLeases'>,
  policyBound: Reading<boolean> | null,
): Finding[] {
  const { election, lease } = plan;
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
  const { labels, annotations } = reading.value.metadata;
  const label = labels?.[ELECTION_LABEL];
  if (label === undefined) {
    return policyBound?.ok && policyBound.value ? [judgeUnlabelled({ namespace, name }, plan)] : [];
  }
  // The policy holds what the label says against the Lease's name where they share a namespace, and against the pods' labels.
  const fits = label === election && (lease.namespace !== namespace || label === lease.name);
  if (fits) return lease.namespace === namespace ? judgeFurther({ namespace, name }, annotations, plan) : [];
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

/** The policy looks at nobody else. */
function judgeUnlabelled(
  { namespace, name }: ServiceAccount,
  { election, lease }: Pick<Plan, 'election' | 'lease'>,
): Finding {
  const fitting = lease.namespace === namespace && election === lease.name;
  return warning(
    'SERVICE_ACCOUNT_UNLABELLED',
    `the admission policy is in force, but not for service account ${name}, which has no label ${ELECTION_LABEL}: only its Role limits what the replicas may write`,
    fitting
      ? `label it: kubectl label serviceaccount ${name} --namespace ${namespace} ${ELECTION_LABEL}=${election}`
      : 'the label can only name a Lease of its own namespace, with up to 63 characters: elect with such a one; or grant no rights that name no Lease',
  );
}

/** Each further election has to be named, or the policy refuses its writes. */
function judgeFurther(
  { namespace, name }: ServiceAccount,
  annotations: Readonly<Record<string, string>> | undefined,
  { furtherLeases }: Pick<Plan, 'furtherLeases'>,
): Finding[] {
  const named = (annotations?.[FURTHER_ELECTIONS_ANNOTATION] ?? '').split(',').map((each) => each.trim());
  const missing = furtherLeases.filter((each) => !named.includes(each));
  if (missing.length === 0) return [];
  return [
    warning(
      'SERVICE_ACCOUNT_ELECTIONS_MISSING',
      `the annotation ${FURTHER_ELECTIONS_ANNOTATION} of service account ${name} does not name ${missing.join(', ')}: where the admission policy is in force, nobody leads there`,
      `name all elections but the first: kubectl annotate serviceaccount ${name} --namespace ${namespace} --overwrite ${FURTHER_ELECTIONS_ANNOTATION}=${furtherLeases.join()}`,
    ),
  ];
}
