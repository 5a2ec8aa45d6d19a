import { LEASE_NAME_OF, type Workload, workloadLeaseName } from '../../naming/workload-lease.ts';
import { found, leaseOf } from '../cluster.fixture.ts';
import type { Plan } from '../plan.ts';
import { type Example, having, holding, nothing, without } from './example.fixture.ts';

const web: Workload = { apiGroup: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' };
const lease = { namespace: 'shop', name: workloadLeaseName('worker', web, 'shop') };
const read = [
  { apiGroup: '', resource: 'pods' },
  { apiGroup: 'apps', resource: 'replicasets' },
];
const named: Partial<Plan> = { lease };
const derived: Partial<Plan> = { lease, derived: { workload: web, read } };
const saying = (text: string) => holding({}, { annotations: { [LEASE_NAME_OF]: text } });
const failure = { code: 'forbidden', request: 'get pods', message: 'it is forbidden', remedy: 'add to the Role …' };

export const LEASE_NAME_EXAMPLES: Example[] = [
  {
    claim: 'a Lease that is named after the workload of the pod',
    arrange: nothing,
    plan: derived,
    code: 'LEASE_NAME_OF',
    level: 'ok',
    message: /of Lease shop\/worker-[a-z2-7]{26} stands for Deployment\.apps\/web$/,
  },
  {
    claim: 'a Lease that does not exist yet, and is named so all the same',
    arrange: having({ leases: [found(null)] }),
    plan: derived,
    code: 'LEASE_NAME_OF',
    level: 'ok',
  },
  {
    claim: 'a Lease that says it by itself',
    arrange: saying('Deployment.apps/web'),
    plan: named,
    code: 'LEASE_NAME_OF',
    level: 'ok',
  },
  {
    claim: 'a Lease that says what its name does not',
    arrange: saying('Deployment.apps/api'),
    plan: named,
    code: 'LEASE_NAME_UNVERIFIED',
    level: 'warning',
    message: /stands for "Deployment\.apps\/api", and it does not$/,
    remedy: /managed-fields/,
  },
  {
    claim: 'a Lease that says something else than the pod',
    arrange: having({ leases: [found(leaseOf({}, { annotations: { [LEASE_NAME_OF]: 'nonsense' } }))] }),
    plan: derived,
    code: 'LEASE_NAME_UNVERIFIED',
    level: 'warning',
    message: /but for Deployment\.apps\/web$/,
    remedy: /managed-fields/,
  },
  {
    claim: 'replicas that may not read what their Lease is named after',
    arrange: without('get replicasets'),
    plan: derived,
    code: 'LEASE_NAME_RIGHTS_MISSING',
    level: 'error',
    remedy: /add this rule to a Role in namespace shop/,
    rule: '- apiGroups: [apps]\n  resources: [replicasets]\n  verbs: [get]',
  },
  {
    claim: 'no pod to name the Lease after',
    arrange: nothing,
    unnamed: null,
    code: 'LEASE_NAME_UNKNOWN',
    level: 'error',
    remedy: /--pod NAME/,
  },
  {
    claim: 'a pod without a workload',
    arrange: nothing,
    unnamed: { kind: 'none', code: 'LEASE_NAME_NO_WORKLOAD', message: 'no workload controls it', remedy: 'name it' },
    code: 'LEASE_NAME_UNKNOWN',
    level: 'error',
    message: /no workload controls it/,
    remedy: /^name it$/,
  },
  {
    claim: 'a ReplicaSet that has lost its Deployment',
    arrange: nothing,
    unnamed: { kind: 'orphaned', message: 'none controls it now', remedy: 'apply it again' },
    code: 'LEASE_NAME_UNKNOWN',
    level: 'error',
    message: /none controls it now/,
    remedy: /^apply it again$/,
  },
  {
    claim: 'a pod that may not be read',
    arrange: nothing,
    unnamed: { kind: 'unread', failure: { ...failure, retryAfterMs: null, answered: true, again: 'later' } },
    code: 'LEASE_NAME_UNKNOWN',
    level: 'error',
    remedy: /^add to the Role …; or run the doctor with your own kubeconfig/,
  },
];
