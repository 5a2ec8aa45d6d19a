import { accountOf, failed, found, podOf } from '../cluster.fixture.ts';
import { type Example, GATE, gated, having, nothing, slice, sliced, without } from './example.fixture.ts';

const LEASE_RULE =
  '- apiGroups: [coordination.k8s.io]\n  resources: [leases]\n  resourceNames: ["web"]\n  verbs: [get, list, watch, update]';

export const RIGHTS_EXAMPLES: Example[] = [
  {
    claim: 'all rights',
    arrange: nothing,
    plan: { publishers: ['label', 'endpointslice'], slice },
    code: 'RIGHTS_OK',
    level: 'ok',
    message:
      /has the rights to take part in the election, to create the Lease, to write Events, to publish by label, to publish by endpointslice$/,
  },
  {
    claim: 'rights that can not be asked for',
    arrange: having({ reviewFailure: failed('unexpected') }),
    code: 'RIGHTS_UNKNOWN',
    level: 'skipped',
    remedy: /auth can-i/,
  },
  {
    claim: 'a person, with nothing known of the replicas',
    arrange: having({ userReading: found('jane') }),
    plan: { pod: null },
    code: 'RIGHTS_OF_CALLER',
    level: 'skipped',
    message: /those of jane/,
    remedy: /--service-account/,
  },
  {
    claim: 'a service account that is not there',
    arrange: having({ userReading: found('jane'), serviceAccountReading: found(null) }),
    plan: { serviceAccount: 'nobody' },
    code: 'SERVICE_ACCOUNT_MISSING',
    level: 'error',
    message: /no service account nobody in namespace shop/,
    remedy: /^check --service-account and the namespace, .*create serviceaccount nobody --namespace shop$/,
  },
  {
    claim: 'a service account that is labelled for another Lease',
    arrange: having({
      userReading: found('jane'),
      serviceAccountReading: found(accountOf({ 'leasegate.dev/election': 'wine' })),
    }),
    code: 'SERVICE_ACCOUNT_FOREIGN',
    level: 'warning',
    message: /"wine", which does not stand for Lease shop\/web/,
    remedy: /kubectl label serviceaccount web --namespace shop --overwrite leasegate\.dev\/election=web$/,
  },
  {
    claim: 'a service account that is labelled, for a Lease that does without',
    arrange: having({
      userReading: found('jane'),
      serviceAccountReading: found(accountOf({ 'leasegate.dev/election': 'web' })),
    }),
    plan: { lease: { namespace: 'elections', name: 'web' }, election: 'web-0123456789' },
    code: 'SERVICE_ACCOUNT_FOREIGN',
    level: 'warning',
    remedy: /serviceaccount web --namespace shop leasegate\.dev\/election-$/,
  },
  ...([{ members: true }, { furtherLeases: ['b'] }] satisfies Example['plan'][]).map(
    (plan): Example => ({
      claim: `a service account without a label beside the policy, with ${Object.keys(plan).join()}`,
      arrange: having({ userReading: found('jane'), serviceAccountReading: found(accountOf({})) }),
      plan,
      code: 'SERVICE_ACCOUNT_UNLABELLED',
      level: 'warning',
      message: /in force, but not for service account web, which has no label leasegate\.dev\/election:/,
      remedy: /kubectl label serviceaccount web --namespace shop leasegate\.dev\/election=web$/,
    }),
  ),
  {
    claim: 'a service account without a label, for a Lease that no label can name',
    arrange: having({ userReading: found('jane'), serviceAccountReading: found(accountOf({})) }),
    plan: { members: true, lease: { namespace: 'elections', name: 'web' }, election: 'web-0123456789' },
    code: 'SERVICE_ACCOUNT_UNLABELLED',
    level: 'warning',
    remedy: /^the label can only name a Lease of its own namespace/,
  },
  {
    claim: 'a service account that names some of its elections only',
    arrange: having({
      userReading: found('jane'),
      serviceAccountReading: found(
        accountOf({ 'leasegate.dev/election': 'web' }, { 'leasegate.dev/further-elections': 'b, other' }),
      ),
    }),
    plan: { furtherLeases: ['b', 'c', 'd'] },
    code: 'SERVICE_ACCOUNT_ELECTIONS_MISSING',
    level: 'warning',
    message: /does not name c, d: where the admission policy is in force/,
    remedy: /annotate serviceaccount web --namespace shop --overwrite leasegate\.dev\/further-elections=b,c,d$/,
  },
  ...['get', 'update'].map(
    (verb): Example => ({
      claim: `no right to ${verb} the Lease`,
      arrange: without(`${verb} leases`),
      code: 'LEASE_RIGHTS_MISSING',
      level: 'error',
      message: new RegExp(`shop:web may not ${verb} leases "web" in namespace shop`),
      remedy: /Role in namespace shop .*gives to system:serviceaccount:shop:web:$/,
      rule: LEASE_RULE,
    }),
  ),
  ...['list', 'watch'].map(
    (verb): Example => ({
      claim: `no right to ${verb} the Lease`,
      arrange: without(`${verb} leases`),
      code: 'LEASE_RIGHTS_MISSING',
      level: 'warning',
      remedy: /Role/,
      rule: LEASE_RULE,
    }),
  ),
  {
    claim: 'no right to create a Lease that is there',
    arrange: without('create leases'),
    code: 'LEASE_CREATE_RIGHT_MISSING',
    level: 'warning',
    remedy: /Role/,
    rule: '- apiGroups: [coordination.k8s.io]\n  resources: [leases]\n  verbs: [create]',
  },
  {
    claim: 'no right to create a Lease that is not there',
    arrange: (cluster) => {
      without('create leases')(cluster);
      cluster.leases = [found(null)];
    },
    code: 'LEASE_CREATE_RIGHT_MISSING',
    level: 'error',
    message: /nobody ever leads/,
    remedy: /Role/,
    rule: '- apiGroups: [coordination.k8s.io]\n  resources: [leases]\n  verbs: [create]',
  },
  {
    claim: 'no right to one of several Leases',
    arrange: without('update leases shard-b'),
    plan: { furtherLeases: ['shard-a', 'shard-b'] },
    code: 'LEASE_RIGHTS_MISSING',
    level: 'error',
    message: /may not update leases "shard-b"/,
    remedy: /Role/,
    rule: '- apiGroups: [coordination.k8s.io]\n  resources: [leases]\n  resourceNames: ["shard-b"]\n  verbs: [get, list, watch, update]',
  },
  {
    claim: 'no right to write Events',
    arrange: without('create events'),
    code: 'EVENT_RIGHT_MISSING',
    level: 'warning',
    remedy: /Role/,
    rule: '- apiGroups: [""]\n  resources: [events]\n  verbs: [create]',
  },
  ...(
    [
      ['update', 'error'],
      ['delete', 'warning'],
    ] as const
  ).map(
    ([verb, level]): Example => ({
      claim: `no right to ${verb} heartbeats`,
      arrange: without(`${verb} leases`),
      plan: { members: true },
      code: 'MEMBERS_RIGHTS_MISSING',
      level,
      remedy: /Role/,
      rule: '- apiGroups: [coordination.k8s.io]\n  resources: [leases]\n  verbs: [get, list, watch, create, update, delete]',
    }),
  ),
  {
    claim: 'rights to all Leases, and no policy that takes them back',
    arrange: (cluster) => {
      cluster.policyReading = found(false);
    },
    plan: { members: true },
    code: 'LEASE_POLICY_MISSING',
    level: 'warning',
    message: /every Lease of namespace shop/,
    remedy: /deploy\/admission-policy/,
  },
  {
    claim: 'rights to all Leases, and no right to look for a policy',
    arrange: (cluster) => {
      cluster.policyReading = failed('forbidden');
    },
    plan: { members: true },
    code: 'LEASE_POLICY_UNKNOWN',
    level: 'skipped',
    remedy: /kubectl get validatingadmissionpolicybinding leasegate-leases/,
  },
  {
    claim: 'no right to watch candidates',
    arrange: without('watch leasecandidates'),
    plan: { coordinated: true },
    code: 'COORDINATED_RIGHTS_MISSING',
    level: 'error',
    remedy: /Role/,
    rule: '- apiGroups: [coordination.k8s.io]\n  resources: [leasecandidates]\n  verbs: [create, get, list, watch, update, delete]',
  },
  {
    claim: 'no right to label pods',
    arrange: without('patch pods'),
    plan: { publishers: ['label', 'readiness-gate'] },
    code: 'LABEL_RIGHTS_MISSING',
    level: 'error',
    remedy: /Role/,
    rule: '- apiGroups: [""]\n  resources: [pods]\n  verbs: [get, list, watch, patch]',
  },
  {
    claim: 'no right to patch the status of pods',
    arrange: without('patch pods/status'),
    plan: gated,
    code: 'GATE_RIGHTS_MISSING',
    level: 'error',
    remedy: /Role/,
    rule: '- apiGroups: [""]\n  resources: [pods/status]\n  verbs: [patch]',
  },
  {
    claim: 'no right to list pods that have the label of the election',
    arrange: (cluster) => {
      without('list pods')(cluster);
      cluster.podReading = found(podOf(GATE, { labels: { 'leasegate.dev/election': 'web' } }));
    },
    plan: gated,
    code: 'GATE_RIGHTS_MISSING',
    level: 'error',
    remedy: /Role/,
    rule: '- apiGroups: [""]\n  resources: [pods]\n  verbs: [get, list, watch]',
  },
  ...[
    ['get services', '- apiGroups: [""]\n  resources: [services]\n  resourceNames: ["web-leader"]\n  verbs: [get]'],
    [
      'patch endpointslices',
      '- apiGroups: [discovery.k8s.io]\n  resources: [endpointslices]\n  resourceNames: ["web-leader.web"]\n  verbs: [get, watch, patch]',
    ],
    ['create endpointslices', '- apiGroups: [discovery.k8s.io]\n  resources: [endpointslices]\n  verbs: [create]'],
  ].map(
    ([denied, rule]): Example => ({
      claim: `no right to ${denied}`,
      arrange: without(denied!),
      plan: sliced,
      code: 'ENDPOINTSLICE_RIGHTS_MISSING',
      level: 'error',
      remedy: /Role/,
      rule: rule!,
    }),
  ),
];
