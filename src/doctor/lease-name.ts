import type { Owning } from '../naming/owning-workload.ts';
import { formatWorkload, nameClaimOf } from '../naming/workload-lease.ts';
import type { StoredLease } from '../ports/doctor.ts';
import { error, type Finding, ok, warning } from './finding.ts';
import type { Plan } from './plan.ts';
import { POD_REMEDY } from './pod.ts';

/** Why the name can't be made of its prefix. `owning`: null where nobody said which pod to look at; `from`: who said it. */
export function judgeUnnamed(
  owning: Exclude<Owning, { kind: 'found' }> | null,
  from: NonNullable<Plan['pod']>['from'] | null,
): Finding {
  if (owning === null) {
    return error(
      'LEASE_NAME_UNKNOWN',
      'the Lease is named after the workload of a pod, and nobody said which: what depends on its name was not looked at',
      'name any pod of that workload: --pod NAME; or the Lease itself: LEASEGATE_LEASE_NAME',
    );
  }
  const { message, remedy } =
    owning.kind === 'unread' ? told(owning.failure) : owning.kind === 'none' ? toldTo(owning, from) : owning;
  return error('LEASE_NAME_UNKNOWN', `the Lease can't be named after its workload: ${message}`, remedy);
}

/** Whoever named the pod by hand has no pod template to mend. */
function toldTo(none: Extract<Owning, { kind: 'none' }>, from: NonNullable<Plan['pod']>['from'] | null) {
  const { code, message, remedy } = none;
  return code === 'LEASE_NAME_NO_POD' && from === '--pod' ? { message, remedy: POD_REMEDY } : { message, remedy };
}

function told({ code, message, remedy }: Extract<Owning, { kind: 'unread' }>['failure']) {
  const byOthers = code === 'forbidden' ? '; or run the doctor with your own kubeconfig and --pod' : '';
  return { message, remedy: `${remedy}${byOthers}` };
}

/** What the hash in the Lease's name stands for: by the pod's workload, and by what stands on the Lease. */
export function judgeName(lease: StoredLease | null, { lease: { namespace, name }, derived }: Plan): Finding[] {
  const subject = `Lease ${namespace}/${name}`;
  const claim = nameClaimOf({ namespace, name, annotations: lease?.metadata.annotations });
  const own = derived && formatWorkload(derived.workload, namespace);
  if (claim !== null && (!claim.verified || (own !== null && own !== claim.workload))) {
    return [
      warning(
        'LEASE_NAME_UNVERIFIED',
        `${subject} says that the hash in its name stands for ${JSON.stringify(claim.workload.slice(0, SHOWN_LENGTH_MAX))}, and it does not${own === null ? '' : `, but for ${own}`}`,
        'somebody else wrote that, or gave the Lease another name: find out who (kubectl get lease --show-managed-fields); the leader puts it right where it derives the name',
      ),
    ];
  }
  const stands = own ?? claim?.workload ?? null;
  return stands === null ? [] : [ok('LEASE_NAME_OF', `the hash in the name of ${subject} stands for ${stands}`)];
}

const SHOWN_LENGTH_MAX = 100;
