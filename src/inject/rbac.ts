import { LEASE_NAME_OF } from '../naming/workload-lease.ts';
import {
  ELECTION_LABEL,
  electionKey,
  FURTHER_ELECTIONS_ANNOTATION,
  LABEL_VALUE_LENGTH_MAX,
  sliceName,
} from '../publish/names.ts';
import type { Value } from './emit.ts';
import type { InjectOptions } from './options.ts';

export const MANAGED_BY = 'leasegate-inject';
export const FOR_ANNOTATION = 'leasegate.dev/injected-for';

export interface Election {
  /** `Deployment/web` */
  readonly subject: string;
  readonly namespace: string | undefined;
  readonly leaseName: string;
  /** What the hash in the name stands for, as the Lease shall say it; null where there is none. */
  readonly leaseNameOf: string | null;
  /** Of Role, RoleBinding, and the service account that is made. */
  readonly roleName: string;
  readonly serviceAccount: string;
  /** Whether the service account is ours to make. */
  readonly ownServiceAccount: boolean;
}

export type Rights = Pick<InjectOptions, 'members' | 'publish' | 'service' | 'furtherLeases'>;
type Document = { readonly kind: string; readonly metadata: { readonly name: string } } & {
  readonly [key: string]: Value;
};

/** The documents that a workload needs beside it, in the order in which they can be applied. */
export function documentsOf(election: Election, rights: Rights): readonly Document[] {
  const { leaseName, leaseNameOf, roleName, serviceAccount, ownServiceAccount } = election;
  const { furtherLeases } = rights;
  const metadata = (name: string, annotations: Readonly<Record<string, string>> = {}) => ({
    name,
    ...(election.namespace === undefined ? {} : { namespace: election.namespace }),
    labels: {
      'app.kubernetes.io/name': 'leasegate',
      'app.kubernetes.io/managed-by': MANAGED_BY,
      ...electionLabel(leaseName),
    },
    annotations: { [FOR_ANNOTATION]: election.subject, ...annotations },
  });
  const rbac = 'rbac.authorization.k8s.io';
  return [
    // The token is mounted into the sidecar alone: the application gets none of these rights.
    ...(ownServiceAccount
      ? [
          {
            apiVersion: 'v1',
            kind: 'ServiceAccount',
            metadata: metadata(
              serviceAccount,
              furtherLeases.length > 0 ? { [FURTHER_ELECTIONS_ANNOTATION]: furtherLeases.join() } : {},
            ),
            automountServiceAccountToken: false,
          },
        ]
      : []),
    { apiVersion: `${rbac}/v1`, kind: 'Role', metadata: metadata(roleName), rules: rulesOf(leaseName, rights) },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata: metadata(roleName),
      roleRef: { apiGroup: rbac, kind: 'Role', name: roleName },
      // Without a namespace it is that of the binding.
      subjects: [{ kind: 'ServiceAccount', name: serviceAccount, ...namespaced(election) }],
    },
    // Empty, so that the first replica takes it at once, and that applying it again takes nothing away from a leader.
    {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: metadata(leaseName, leaseNameOf === null ? {} : { [LEASE_NAME_OF]: leaseNameOf }),
    },
    ...furtherLeases.map((name) => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: metadata(name),
    })),
  ];
}

/**
 * By it deploy/admission-policy knows whose token it is, and the user which objects to delete one day. A Lease with a longer name
 * can't be told so.
 */
function electionLabel(leaseName: string): Readonly<Record<string, string>> {
  return leaseName.length <= LABEL_VALUE_LENGTH_MAX ? { [ELECTION_LABEL]: leaseName } : {};
}

function namespaced({ namespace }: Election): { readonly namespace?: string } {
  return namespace === undefined ? {} : { namespace };
}

/** As in deploy/components/members: the names of heartbeats hold a hash, so that a rule can't name them. */
const MEMBER_VERBS = ['get', 'list', 'watch', 'create', 'update', 'delete'];

/** deploy/base/role.yaml, and what docs/publishing.md adds to it (a test compares both). */
function rulesOf(leaseName: string, { members, publish, service, furtherLeases }: Rights): Value[] {
  const rule = (group: string, resources: string[], verbs: string[], resourceNames?: string[]): Value => ({
    apiGroups: [group],
    resources,
    ...(resourceNames === undefined ? {} : { resourceNames }),
    verbs,
  });
  const onPods = publish.includes('label') || publish.includes('readiness-gate');
  const slices = 'discovery.k8s.io';
  // The Lease is in the namespace of its pods, whichever that is.
  const election = electionKey({ lease: { namespace: '', name: leaseName }, namespace: '' });
  return [
    rule('coordination.k8s.io', ['leases'], ['get', 'list', 'watch', 'update'], [leaseName, ...furtherLeases]),
    rule('coordination.k8s.io', ['leases'], ['create']),
    rule('', ['events'], ['create']),
    ...(members ? [rule('coordination.k8s.io', ['leases'], MEMBER_VERBS)] : []),
    ...(onPods ? [rule('', ['pods'], ['get', 'list', 'watch', 'patch'])] : []),
    ...(publish.includes('readiness-gate') ? [rule('', ['pods/status'], ['patch'])] : []),
    ...(publish.includes('endpointslice') && service !== null
      ? [
          rule('', ['services'], ['get'], [service]),
          rule(slices, ['endpointslices'], ['get', 'watch', 'patch'], [sliceName(service, election)]),
          rule(slices, ['endpointslices'], ['create']),
        ]
      : []),
  ];
}
