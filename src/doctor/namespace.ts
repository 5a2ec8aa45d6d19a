import type { Reading } from '../ports/doctor.ts';
import { error, type Finding, ok } from './finding.ts';
import type { Plan } from './plan.ts';

export interface NamespaceSigns {
  /** Most service accounts may not look. */
  readonly exists: Reading<boolean>;
  readonly user: string | null;
  /** Whether anything at all may be done to the Lease there. */
  readonly anyRight: boolean;
}

/**
 * Whether the namespace is there, and the one that is meant. A missing one looks like one without rights to those who may not
 * read namespaces; what gives it away is that the service account is at home elsewhere.
 */
export function judgeNamespace({ lease }: Pick<Plan, 'lease'>, { exists, user, anyRight }: NamespaceSigns): Finding {
  const { namespace } = lease;
  if (exists.ok && !exists.value) {
    return error(
      'NAMESPACE_MISSING',
      `there is no namespace ${namespace}`,
      'correct LEASEGATE_NAMESPACE (in a pod: POD_NAMESPACE), or create the namespace',
    );
  }
  const home = user === null ? null : homeOf(user);
  if (home !== null && home !== namespace && !anyRight) {
    return error(
      'NAMESPACE_FOREIGN',
      `the Lease is looked for in namespace ${namespace}, where ${user} may do nothing to it`,
      `set LEASEGATE_NAMESPACE to ${home}, or leave it out; or grant the rights in ${namespace}`,
    );
  }
  return ok('NAMESPACE_OK', `namespace ${namespace}${exists.ok ? ' exists' : ''}`);
}

/** The namespace of a service account by its user name. */
function homeOf(user: string): string | null {
  return /^system:serviceaccount:([^:]+):[^:]+$/.exec(user)?.[1] ?? null;
}
