import type { Reading } from '../ports/doctor.ts';
import { error, type Finding, ok } from './finding.ts';
import type { Plan } from './plan.ts';

export interface NamespaceSigns {
  /** Most service accounts may not look. */
  readonly exists: Reading<boolean>;
  /** Whose rights count. */
  readonly user: string | null;
  /** Whether anything at all may be done to the Lease there. */
  readonly anyRight: boolean;
}

/**
 * Whether the namespace is there, and the one that is meant. A missing one looks like one without rights to those who may not
 * read namespaces; what gives it away is that the service account is at home elsewhere.
 */
export function judgeNamespace(
  { lease: { namespace }, namespaceFrom }: Pick<Plan, 'lease' | 'namespaceFrom'>,
  { exists, user, anyRight }: NamespaceSigns,
): Finding {
  if (exists.ok && !exists.value) {
    return error(
      'NAMESPACE_MISSING',
      `there is no namespace ${namespace} (from ${namespaceFrom})`,
      'correct --namespace or LEASEGATE_NAMESPACE (in a pod: POD_NAMESPACE), or create the namespace',
    );
  }
  const home = user === null ? null : homeOf(user);
  if (home !== null && home !== namespace && !anyRight) {
    return error(
      'NAMESPACE_FOREIGN',
      `the Lease is looked for in namespace ${namespace} (from ${namespaceFrom}), where ${user} may do nothing to it`,
      `set LEASEGATE_NAMESPACE to ${home}; or, if ${namespace} is meant, grant the rights there`,
    );
  }
  return ok('NAMESPACE_OK', `namespace ${namespace} (from ${namespaceFrom})${exists.ok ? ' exists' : ''}`);
}

/** The namespace of a service account by its user name; null for other users. */
export function homeOf(user: string): string | null {
  return /^system:serviceaccount:([^:]+):[^:]+$/.exec(user)?.[1] ?? null;
}
