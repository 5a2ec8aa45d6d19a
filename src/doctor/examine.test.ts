import { describe, expect, test } from 'vitest';
import { budgetOf, failed, found, leaseOf, NOW_MS, plan, podOf, serviceOf, TestCluster } from './cluster.fixture.ts';
import { examine } from './examine.ts';
import { FINDING_CODES, type Finding, type FindingCode, type Level, worstOf } from './finding.ts';
import type { Plan } from './plan.ts';

const GATE = { readinessGates: [{ conditionType: 'leasegate.dev/leader' }] };
const gated: Partial<Plan> = { publishers: ['readiness-gate'] };
const sliced: Partial<Plan> = {
  publishers: ['endpointslice'],
  slice: { name: 'web-leader.web', service: 'web-leader' },
};

async function examined(arrange: (cluster: TestCluster) => void, changes: Partial<Plan> = {}): Promise<Finding[]> {
  const cluster = new TestCluster();
  arrange(cluster);
  return examine({ ...plan, ...changes }, portsOf(cluster));
}

/** Waiting takes no time, but for the clock. */
function portsOf(cluster: TestCluster) {
  let passedMs = 0;
  return {
    cluster,
    clock: { now: () => ({ monoMs: passedMs, wallMs: NOW_MS + passedMs }) },
    timers: {
      after: (delayMs: number, callback: () => void) => {
        passedMs += delayMs;
        queueMicrotask(callback);
        return { cancel() {} };
      },
    },
  };
}

interface Example {
  readonly claim: string;
  readonly arrange: (cluster: TestCluster) => void;
  readonly plan?: Partial<Plan>;
  readonly code: FindingCode;
  readonly level: Level;
  /** A part of the remedy; left out where there is none. */
  readonly remedy?: RegExp;
  readonly message?: RegExp;
  readonly rule?: string;
}

const having = (changes: Partial<TestCluster>) => (cluster: TestCluster) => {
  Object.assign(cluster, changes);
};
const serving = (changes: Partial<TestCluster['serverReading']>) => (cluster: TestCluster) => {
  cluster.serverReading = { ...cluster.serverReading, ...changes };
};
const lost = (code: string, message?: string) => serving({ version: failed(code, message), dateWallMs: null });
const offBy = (ms: number) => serving({ dateWallMs: NOW_MS - ms });
const without = (...denied: string[]) => {
  return (cluster: TestCluster) => void cluster.denied.push(...denied);
};
const holding = (spec: Parameters<typeof leaseOf>[0], metadata: Parameters<typeof leaseOf>[1] = {}) => {
  return having({ leases: [found(leaseOf(spec, metadata))] });
};
const nothing = () => {};
const LEASE_RULE =
  '- apiGroups: [coordination.k8s.io]\n  resources: [leases]\n  resourceNames: ["web"]\n  verbs: [get, list, watch, update]';

const EXAMPLES: Example[] = [
  {
    claim: 'a server that answers',
    arrange: nothing,
    code: 'API_REACHABLE',
    level: 'ok',
    message: /v1\.36\.2 at https/,
  },
  {
    claim: 'a server that keeps its version to itself',
    arrange: serving({ version: found(null) }),
    code: 'API_REACHABLE',
    level: 'ok',
    message: /keeps its version to itself/,
  },
  {
    claim: 'an answer that takes a good part of the renew deadline',
    arrange: serving({ receivedWallMs: NOW_MS + 2_600 }),
    code: 'API_SLOW',
    level: 'warning',
    remedy: /LEASEGATE_LEASE_DURATION/,
  },
  {
    claim: 'a version without native sidecars',
    arrange: serving({ version: found('v1.28.9-gke.1') }),
    code: 'API_VERSION_OLD',
    level: 'warning',
    remedy: /1\.29 or later/,
  },
  {
    claim: 'nobody at the address',
    arrange: lost('unreachable', 'connect ECONNREFUSED 10.0.0.1:443'),
    code: 'API_UNREACHABLE',
    level: 'error',
    message: /10\.0\.0\.1:443: connect ECONNREFUSED/,
    remedy: /KUBERNETES_SERVICE_HOST/,
  },
  {
    claim: 'a name that no resolver knows, whatever it sounds like',
    arrange: lost('unreachable', 'getaddrinfo ENOTFOUND tls.certificate.example'),
    code: 'API_UNREACHABLE',
    level: 'error',
    remedy: /DNS/,
  },
  {
    claim: 'a certificate of somebody else',
    arrange: lost('unreachable', 'self-signed certificate in certificate chain'),
    code: 'API_CERTIFICATE',
    level: 'error',
    remedy: /certificate-authority/,
  },
  {
    claim: 'no answer in time',
    arrange: lost('timeout'),
    code: 'API_TIMEOUT',
    level: 'error',
    remedy: /network policies/,
  },
  {
    claim: 'a connection that is cut',
    arrange: lost('reset'),
    code: 'API_RESET',
    level: 'error',
    remedy: /stands between/,
  },
  {
    claim: 'no credentials',
    arrange: lost('no-credentials'),
    code: 'API_NO_CREDENTIALS',
    level: 'error',
    remedy: /token/,
  },
  {
    claim: 'credentials that are refused',
    arrange: lost('unauthorized'),
    code: 'API_UNAUTHORIZED',
    level: 'error',
    remedy: /another cluster/,
  },
  {
    claim: 'a token that has expired',
    arrange: (cluster) => {
      lost('unauthorized')(cluster);
      cluster.tokenExpires = NOW_MS - 3_600_000;
    },
    code: 'API_TOKEN_EXPIRED',
    level: 'error',
    message: /expired 60 min ago/,
    remedy: /fresh token/,
  },
  {
    claim: 'a server with too much to do',
    arrange: lost('throttled'),
    code: 'API_THROTTLED',
    level: 'error',
    remedy: /again/,
  },
  {
    claim: 'a server with trouble',
    arrange: lost('server-error'),
    code: 'API_SERVER_ERROR',
    level: 'error',
    remedy: /etcd/,
  },
  {
    claim: 'something else there',
    arrange: lost('unexpected'),
    code: 'API_UNEXPECTED',
    level: 'error',
    remedy: /really/,
  },

  { claim: 'clocks that agree', arrange: nothing, code: 'CLOCK_OK', level: 'ok', message: /agrees with/ },
  { claim: 'clocks that are 1.5 s apart', arrange: offBy(-1_500), code: 'CLOCK_OK', level: 'ok', message: /behind/ },
  {
    claim: 'a clock 5 s ahead',
    arrange: offBy(6_000),
    code: 'CLOCK_OFF',
    level: 'warning',
    message: /5\.0 s ahead of/,
    remedy: /chrony/,
  },
  {
    claim: 'a clock a minute behind',
    arrange: offBy(-60_020),
    code: 'CLOCK_OFF',
    level: 'error',
    message: /60 s behind/,
    remedy: /chrony/,
  },
  {
    claim: 'a clock a minute ahead, and leases of two minutes',
    arrange: offBy(61_000),
    plan: { timings: { ...plan.timings, leaseDurationMs: 120_000 } },
    code: 'CLOCK_OFF',
    level: 'warning',
    remedy: /chrony/,
  },
  {
    claim: 'a server that does not tell the time',
    arrange: serving({ dateWallMs: null }),
    code: 'CLOCK_UNKNOWN',
    level: 'skipped',
    remedy: /date/,
  },

  {
    claim: 'a namespace, and where its name is from',
    arrange: nothing,
    code: 'NAMESPACE_OK',
    level: 'ok',
    message: /shop \(from POD_NAMESPACE\)/,
  },
  {
    claim: 'a namespace that is not there',
    arrange: having({ namespaceReading: found(false) }),
    code: 'NAMESPACE_MISSING',
    level: 'error',
    remedy: /LEASEGATE_NAMESPACE/,
  },
  {
    claim: 'a namespace that the service account is a stranger in',
    arrange: without('*'),
    plan: { lease: { namespace: 'shopp', name: 'web' }, namespaceFrom: 'LEASEGATE_NAMESPACE or --namespace' },
    code: 'NAMESPACE_FOREIGN',
    level: 'error',
    remedy: /set LEASEGATE_NAMESPACE to shop;/,
  },

  {
    claim: 'all rights',
    arrange: nothing,
    plan: { publishers: ['label', 'endpointslice'], slice: sliced.slice! },
    code: 'RIGHTS_OK',
    level: 'ok',
    message: /the election.*Events.*publishing by label.*publishing by endpointslice/,
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
    claim: 'no right to write Events',
    arrange: without('create events'),
    code: 'EVENT_RIGHT_MISSING',
    level: 'warning',
    remedy: /Role/,
    rule: '- apiGroups: [""]\n  resources: [events]\n  verbs: [create]',
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

  {
    claim: 'no Lease',
    arrange: having({ leases: [found(null)] }),
    code: 'LEASE_ABSENT',
    level: 'ok',
    remedy: /lease\.yaml/,
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
    arrange: holding({ holderIdentity: 'node-a' }, { ownerReferences: [{ kind: 'Node', name: 'node-a' }] }),
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
    claim: 'a holder with another lease duration',
    arrange: holding({ leaseDurationSeconds: 30 }),
    code: 'TIMINGS_DIFFER',
    level: 'warning',
    message: /30 s, these options say 15 s/,
    remedy: /LEASEGATE_LEASE_DURATION/,
  },

  { claim: 'the pod', arrange: nothing, code: 'POD_OK', level: 'ok' },
  {
    claim: 'no such pod',
    arrange: having({ podReading: found(null) }),
    code: 'POD_MISSING',
    level: 'warning',
    remedy: /metadata\.name/,
  },
  {
    claim: 'no such pod, where it is to be written to',
    arrange: having({ podReading: found(null) }),
    plan: gated,
    code: 'POD_MISSING',
    level: 'error',
    remedy: /metadata\.name/,
  },
  {
    claim: 'another uid',
    arrange: nothing,
    plan: { pod: { name: 'web-0', uid: 'uid-of-before' } },
    code: 'POD_UID_DIFFERS',
    level: 'error',
    remedy: /metadata\.uid/,
  },
  {
    claim: 'a pod that may not be read',
    arrange: having({ podReading: failed('forbidden') }),
    code: 'POD_UNREADABLE',
    level: 'skipped',
    remedy: /kubeconfig/,
  },
  {
    claim: 'a pod that was not told who it is',
    arrange: nothing,
    plan: { envMissing: ['POD_UID'] },
    code: 'POD_ENV_MISSING',
    level: 'warning',
    remedy: /set POD_UID from the downward API/,
  },
  {
    claim: 'less grace than draining and waiting may take',
    arrange: nothing,
    plan: { graceMsMin: 40_500 },
    code: 'GRACE_SHORT',
    level: 'warning',
    message: /30 s/,
    remedy: /to 41 or more/,
  },
  {
    claim: 'no gate, and one to be opened',
    arrange: nothing,
    plan: gated,
    code: 'GATE_MISSING',
    level: 'error',
    remedy: /readinessGates/,
  },
  {
    claim: 'a gate that nobody opens',
    arrange: having({ podReading: found(podOf(GATE)) }),
    code: 'GATE_UNPUBLISHED',
    level: 'error',
    remedy: /LEASEGATE_PUBLISH/,
  },

  { claim: 'a Service of its own', arrange: nothing, plan: sliced, code: 'SERVICE_OK', level: 'ok' },
  {
    claim: 'no Service',
    arrange: having({ serviceReading: found(null) }),
    plan: sliced,
    code: 'SERVICE_MISSING',
    level: 'error',
    remedy: /without a selector/,
  },
  ...(
    [
      ['a selector', { selector: { app: 'web' }, ports: [{ port: 80 }] }, /selector/],
      ['no ports', {}, /one/],
      ['a named targetPort', { ports: [{ port: 80, targetPort: 'http' }] }, /number/],
      ['another host', { type: 'ExternalName' }, /type/],
    ] as const
  ).map(
    ([claim, spec, remedy]): Example => ({
      claim: `a Service with ${claim}`,
      arrange: having({ serviceReading: found(serviceOf(spec)) }),
      plan: sliced,
      code: 'SERVICE_UNSUITABLE',
      level: 'error',
      remedy,
    }),
  ),
  {
    claim: 'a Service that may not be read',
    arrange: having({ serviceReading: failed('forbidden') }),
    plan: sliced,
    code: 'SERVICE_UNREADABLE',
    level: 'skipped',
    remedy: /somebody who may/,
  },
  {
    claim: 'a Service that can not be read',
    arrange: having({ serviceReading: failed('timeout') }),
    plan: sliced,
    code: 'SERVICE_UNREADABLE',
    level: 'error',
    remedy: /./,
  },

  {
    claim: 'a Deployment that recreates its pods',
    arrange: (cluster) => cluster.deploy({ replicas: 3, strategy: { type: 'Recreate' } }),
    plan: gated,
    code: 'ROLLOUT_OK',
    level: 'ok',
  },
  {
    claim: 'a Deployment with the usual rolling update',
    arrange: (cluster) => cluster.deploy({ replicas: 3 }),
    plan: gated,
    code: 'ROLLOUT_STALLS',
    level: 'error',
    remedy: /Recreate/,
  },
  {
    claim: 'a Deployment that reports failure of each rollout',
    arrange: (cluster) => cluster.deploy({ replicas: 3, strategy: { type: 'Recreate' } }),
    plan: gated,
    code: 'ROLLOUT_DEADLINE',
    level: 'warning',
    remedy: /2147483647/,
  },
  {
    claim: 'a StatefulSet that starts one pod after another',
    arrange: (cluster) => cluster.deploy({ replicas: 3 }, 'StatefulSet'),
    plan: gated,
    code: 'ROLLOUT_ORDERED',
    level: 'error',
    remedy: /Parallel/,
  },
  {
    claim: 'a Deployment that may not be read',
    arrange: (cluster) => {
      cluster.deploy({ replicas: 3 });
      cluster.workloads['Deployment/web'] = failed('forbidden');
    },
    plan: gated,
    code: 'ROLLOUT_UNKNOWN',
    level: 'skipped',
    remedy: /kubeconfig/,
  },
  {
    claim: 'no disruption budget',
    arrange: (cluster) => cluster.deploy({ replicas: 3 }),
    plan: gated,
    code: 'DISRUPTION_OK',
    level: 'ok',
  },
  {
    claim: 'a disruption budget that keeps two',
    arrange: (cluster) => {
      cluster.deploy({ replicas: 3 });
      cluster.budgets = found([budgetOf('web', { minAvailable: 2 })]);
    },
    plan: gated,
    code: 'DISRUPTION_BLOCKED',
    level: 'error',
    remedy: /maxUnavailable to 100%/,
  },
  {
    claim: 'disruption budgets that may not be read',
    arrange: (cluster) => {
      cluster.deploy({ replicas: 3 });
      cluster.budgets = failed('forbidden');
    },
    plan: gated,
    code: 'DISRUPTION_UNKNOWN',
    level: 'skipped',
    remedy: /kubeconfig/,
  },
];

describe('found and told, with what to do', () => {
  test.each(EXAMPLES)(
    '$code ($level): $claim',
    async ({ arrange, plan: changes, code, level, remedy, message, rule }) => {
      const findings = await examined(arrange, changes);
      const finding = findings.find((each) => each.code === code);
      expect(finding, JSON.stringify(findings, null, 1)).toMatchObject({ level, rule: rule ?? null });
      expect(finding!.remedy ?? '').toMatch(remedy ?? /^$/);
      if (message !== undefined) expect(finding!.message).toMatch(message);
    },
  );

  test('every code has an example, and every level but ok a remedy', () => {
    expect([...new Set(EXAMPLES.map(({ code }) => code))].sort()).toEqual([...FINDING_CODES].sort());
    expect(EXAMPLES.filter(({ level, remedy }) => level !== 'ok' && remedy === undefined)).toEqual([]);
  });
});

describe('an examination', () => {
  test('of a replica that lacks nothing finds nothing', async () => {
    const findings = await examined(nothing);
    expect(worstOf(findings)).toBe('ok');
    expect(findings.map(({ level }) => level)).not.toContain('skipped');
  });

  test('without an API server says that, and no more', async () => {
    expect((await examined(lost('timeout'))).map(({ code }) => code)).toEqual(['API_TIMEOUT']);
  });

  test('of a refused token says what the clock may have to do with it', async () => {
    const findings = await examined((cluster) => {
      offBy(3_600_000)(cluster);
      cluster.serverReading = { ...cluster.serverReading, version: failed('unauthorized') };
    });
    expect(findings.map(({ code }) => code)).toEqual(['API_UNAUTHORIZED', 'CLOCK_OFF']);
  });

  test('of a namespace that is not there asks for no rights in it', async () => {
    const findings = await examined((cluster) => {
      cluster.namespaceReading = found(false);
      cluster.denied = ['*'];
    });
    expect(findings.map(({ code }) => code)).toEqual(['API_REACHABLE', 'CLOCK_OK', 'NAMESPACE_MISSING']);
  });

  test('judges a heartbeat of Kubernetes by nothing else', async () => {
    const codes = (
      await examined(holding({ leaseDurationSeconds: 40 }, { ownerReferences: [{ kind: 'Node', name: 'a' }] }))
    ).map(({ code }) => code);
    expect(codes.filter((code) => /^LEASE|^TIMINGS/.test(code))).toEqual(['LEASE_RESERVED']);
  });

  test('does not look for pods by the name of a machine, nor at rollouts without a gate', async () => {
    const cluster = new TestCluster();
    cluster.pod = async () => expect.fail('asked for a pod');
    cluster.disruptionBudgets = async () => expect.fail('asked for budgets');
    await examine({ ...plan, pod: null }, portsOf(cluster));
  });

  test('follows a Lease that looks expired for twelve seconds at most', async () => {
    const cluster = new TestCluster();
    cluster.leases = [found(leaseOf({ leaseDurationSeconds: 3_600, renewTime: '2025-12-31T00:00:00.000000Z' }))];
    const ports = portsOf(cluster);
    await examine(plan, ports);
    expect(ports.clock.now().monoMs).toBe(12_000);
  });
});

describe('rights are asked for', () => {
  test('the caller, when he is the service account of the pod', async () => {
    const cluster = new TestCluster();
    await examine(plan, portsOf(cluster));
    expect(new Set(cluster.asked.map(({ serviceAccount }) => serviceAccount))).toEqual(new Set([null]));
  });

  test('the service account of the pod, when the caller is somebody else', async () => {
    const cluster = new TestCluster();
    cluster.userReading = found('jane');
    const findings = await examine(plan, portsOf(cluster));
    expect(cluster.asked[0]?.serviceAccount).toEqual({ namespace: 'shop', name: 'web' });
    expect(findings.find(({ code }) => code === 'RIGHTS_OK')?.message).toMatch(/^system:serviceaccount:shop:web has/);
  });

  test('the service account that was named, before all others', async () => {
    const cluster = new TestCluster();
    await examine({ ...plan, serviceAccount: 'other' }, portsOf(cluster));
    expect(cluster.asked[0]?.serviceAccount).toEqual({ namespace: 'shop', name: 'other' });
  });

  test('only as the options need them', async () => {
    const cluster = new TestCluster();
    await examine(plan, portsOf(cluster));
    const asked = cluster.asked.map(({ access: { verb, resource, name } }) => `${verb} ${resource} ${name ?? '*'}`);
    expect(asked).toEqual([
      'get leases web',
      'list leases web',
      'watch leases web',
      'update leases web',
      'create leases *',
      'create events *',
    ]);
  });
});
