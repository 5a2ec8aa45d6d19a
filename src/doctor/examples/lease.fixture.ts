import { failed, found, leaseOf } from '../cluster.fixture.ts';
import { type Example, having, holding, nothing } from './example.fixture.ts';

export const LEASE_EXAMPLES: Example[] = [
  {
    claim: 'no Lease',
    arrange: having({ leases: [found(null)] }),
    code: 'LEASE_ABSENT',
    level: 'ok',
    remedy: /lease\.yaml/,
  },
  {
    claim: 'no Lease of a name that is derived, which no manifest has',
    arrange: having({ leases: [found(null)] }),
    plan: {
      derived: { workload: { apiGroup: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' }, read: [] },
    },
    code: 'LEASE_ABSENT',
    level: 'ok',
    remedy: /^leave it to the first replica; or apply one named web, without a spec/,
  },
  { claim: 'a Lease that was only applied', arrange: holding(null), code: 'LEASE_FREE', level: 'ok' },
  {
    claim: 'a Lease that was released',
    arrange: holding({ holderIdentity: '', leaseDurationSeconds: 1 }),
    code: 'LEASE_FREE',
    level: 'ok',
  },
  {
    claim: 'a Lease that is held',
    arrange: nothing,
    code: 'LEASE_HELD',
    level: 'ok',
    message: /held by pod web-1, since 2025-12-31T23:00.*renewed 1\.0 s ago/,
  },
  {
    claim: 'a Lease that nobody renews',
    arrange: holding({ renewTime: '2025-12-31T23:00:00.000000Z' }),
    code: 'LEASE_EXPIRED',
    level: 'warning',
    remedy: /NO_CANDIDATE/,
  },
  {
    claim: 'a Lease that looks expired, and is renewed by an honest clock meanwhile',
    arrange: (cluster) => {
      const old = found(leaseOf({ renewTime: '2025-12-31T23:00:00.000000Z' }));
      cluster.leases = [old, old, found(leaseOf({ renewTime: '2026-01-01T00:00:02.000000Z' }))];
    },
    code: 'LEASE_HELD',
    level: 'ok',
  },
  {
    claim: 'a Lease that is renewed by a clock an hour behind',
    arrange: (cluster) => {
      cluster.leases = ['23:00:00', '23:00:02'].map((time) =>
        found(leaseOf({ renewTime: `2025-12-31T${time}.000000Z` })),
      );
    },
    code: 'LEASE_HOLDER_CLOCK_OFF',
    level: 'warning',
    message: /60 min behind/,
    remedy: /chrony/,
  },
  {
    claim: 'a Lease that is renewed by a clock of the future',
    arrange: (cluster) => {
      cluster.leases = ['01:00:00', '01:00:02'].map((time) =>
        found(leaseOf({ renewTime: `2026-01-01T${time}.000000Z` })),
      );
    },
    code: 'LEASE_HOLDER_CLOCK_OFF',
    level: 'warning',
    message: /60 min ahead of/,
    remedy: /chrony/,
  },
  {
    claim: 'a Lease that can not be read, for whatever reason',
    arrange: having({ leases: [failed('unexpected', '404 page not found')] }),
    code: 'LEASE_UNREADABLE',
    level: 'error',
    remedy: /coordination\.k8s\.io/,
  },
  {
    claim: 'a Lease that may not be read',
    arrange: having({ leases: [failed('forbidden')] }),
    code: 'LEASE_UNREADABLE',
    level: 'skipped',
    remedy: /somebody who may/,
  },
  ...(
    [
      ['no time of renewal', { renewTime: '' }],
      ['no sensible time of renewal', { renewTime: 'yesterday' }],
      ['no duration', { leaseDurationSeconds: 0 }],
    ] as const
  ).map(
    ([claim, spec]): Example => ({
      claim: `a holder with ${claim}`,
      arrange: holding(spec),
      code: 'LEASE_MALFORMED',
      level: 'warning',
      remedy: /managed-fields/,
    }),
  ),
  {
    claim: 'the heartbeat of a node',
    arrange: holding(
      { holderIdentity: 'node-a' },
      { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'node-a' }] },
    ),
    code: 'LEASE_RESERVED',
    level: 'error',
    remedy: /LEASEGATE_LEASE_NAME/,
  },
  {
    claim: 'the heartbeat of an API server',
    arrange: holding({}, { labels: { 'apiserver.kubernetes.io/identity': 'kube-apiserver' } }),
    code: 'LEASE_RESERVED',
    level: 'error',
    message: /an API server/,
    remedy: /LEASEGATE_LEASE_NAME/,
  },
  {
    claim: 'a holder of another make',
    arrange: holding(
      { holderIdentity: 'web-1_9c2e' },
      { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } },
    ),
    code: 'LEASE_HOLDER_FOREIGN',
    level: 'warning',
    message: /annotations control-plane/,
    remedy: /LEASEGATE_LEASE_NAME/,
  },
  {
    claim: 'a strategy',
    arrange: holding({ strategy: 'OldestEmulationVersion' }),
    code: 'LEASE_COORDINATED',
    level: 'warning',
    remedy: /spec\.strategy/,
  },
  {
    claim: 'a control plane that chooses',
    arrange: nothing,
    plan: { coordinated: true },
    code: 'COORDINATED_OK',
    level: 'ok',
    message: /LeaseCandidate v1beta1, and has a controller/,
  },
  {
    claim: 'a control plane that chooses, as far as may be seen',
    arrange: having({ controllerReading: failed('forbidden') }),
    plan: { coordinated: true },
    code: 'COORDINATED_OK',
    level: 'ok',
    message: /v1beta1$/,
  },
  {
    claim: 'a control plane without candidates',
    arrange: having({ candidateVersion: found(null) }),
    plan: { coordinated: true },
    code: 'COORDINATED_UNAVAILABLE',
    level: 'error',
    remedy: /CoordinatedLeaderElection=true and --runtime-config/,
  },
  {
    claim: 'a control plane with candidates, and without the gate',
    arrange: having({ controllerReading: found(false) }),
    plan: { coordinated: true },
    code: 'COORDINATED_IDLE',
    level: 'warning',
    remedy: /CoordinatedLeaderElection=true/,
  },
  {
    claim: 'a control plane that does not tell what it serves',
    arrange: having({ candidateVersion: failed('forbidden') }),
    plan: { coordinated: true },
    code: 'COORDINATED_UNKNOWN',
    level: 'skipped',
    remedy: /api-resources/,
  },
  {
    claim: 'a spec that kubectl applied',
    arrange: holding(
      {},
      { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"spec":{"holderIdentity":""}}' } },
    ),
    code: 'LEASE_SPEC_APPLIED',
    level: 'warning',
    remedy: /remove the spec/,
  },
  {
    claim: 'a spec that was applied on the server',
    arrange: holding(
      {},
      { managedFields: [{ operation: 'Apply', fieldsV1: { 'f:spec': { 'f:holderIdentity': {} } } }] },
    ),
    code: 'LEASE_SPEC_APPLIED',
    level: 'warning',
    remedy: /remove the spec/,
  },
  {
    claim: 'annotations of others, a few of them named',
    arrange: holding({}, { annotations: Object.fromEntries([...'abcdefg'].map((name) => [`${name}.example/x`, ''])) }),
    code: 'LEASE_ANNOTATIONS_FOREIGN',
    level: 'ok',
    message: /e\.example\/x, 2 more$/,
  },
  {
    claim: 'timings',
    arrange: nothing,
    code: 'TIMINGS_OK',
    level: 'ok',
    message: /lasts 15 s, and is renewed every 2\.0 s, up to 10 s/,
  },
  {
    claim: 'timings for a Lease that is not there',
    arrange: having({ leases: [found(null)] }),
    code: 'TIMINGS_OK',
    level: 'ok',
  },
  {
    claim: 'a holder with another lease duration',
    arrange: holding({ leaseDurationSeconds: 30 }),
    code: 'TIMINGS_DIFFER',
    level: 'warning',
    message: /30 s, these options say 15 s/,
    remedy: /LEASEGATE_LEASE_DURATION/,
  },
];
