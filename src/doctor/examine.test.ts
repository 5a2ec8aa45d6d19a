import { describe, expect, test } from 'vitest';
import { ProcessTime, VirtualTime } from '../../test/scenarios/support/virtual-time.ts';
import { delay } from '../ports/delay.ts';
import { accountOf, failed, found, leaseOf, NOW_MS, ownerOf, plan, podOf, TestCluster } from './cluster.fixture.ts';
import { examine, examineUnnamed } from './examine.ts';
import { type Example, GATE, gated, holding, lost, nothing, offBy, slice } from './examples/example.fixture.ts';
import { LEASE_EXAMPLES } from './examples/lease.fixture.ts';
import { LEASE_NAME_EXAMPLES } from './examples/lease-name.fixture.ts';
import { POD_EXAMPLES } from './examples/pod.fixture.ts';
import { RIGHTS_EXAMPLES } from './examples/rights.fixture.ts';
import { ROLLOUT_EXAMPLES } from './examples/rollout.fixture.ts';
import { SERVER_EXAMPLES } from './examples/server.fixture.ts';
import { FINDING_CODES, type Finding, worstOf } from './finding.ts';
import { judgeUnnamed } from './lease-name.ts';
import type { Plan } from './plan.ts';

const EXAMPLES: readonly Example[] = [
  ...SERVER_EXAMPLES,
  ...RIGHTS_EXAMPLES,
  ...LEASE_EXAMPLES,
  ...LEASE_NAME_EXAMPLES,
  ...POD_EXAMPLES,
  ...ROLLOUT_EXAMPLES,
];

async function examined(
  arrange: (cluster: TestCluster) => void,
  changes: Partial<Plan> = {},
  unnamed?: Example['unnamed'],
): Promise<Finding[]> {
  const cluster = new TestCluster();
  arrange(cluster);
  if (unnamed !== undefined) return examineUnnamed(plan, judgeUnnamed(unnamed, null), portsOf(cluster));
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

describe('found and told, with what to do', () => {
  test.each(EXAMPLES)(
    '$code ($level): $claim',
    async ({ arrange, plan: changes, unnamed, code, level, remedy, message, rule }) => {
      const findings = await examined(arrange, changes, unnamed);
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

  test('of a Lease without a name asks nothing that depends on it, and without an API server says only that', async () => {
    expect((await examined(nothing, {}, null)).map(({ code }) => code)).toEqual([
      'API_REACHABLE',
      'CLOCK_OK',
      'LEASE_NAME_UNKNOWN',
    ]);
    expect((await examined(lost('timeout'), {}, null)).map(({ code }) => code)).toEqual(['API_TIMEOUT']);
  });

  test.each([
    ['has its label, and names its elections', { policyReading: found(true) }, 'web', 'b,c'],
    ['has no label, where no policy is in force', { policyReading: found(false) }, null, ''],
    ['has no label, where the policy may not be looked at', { policyReading: failed('forbidden') }, null, ''],
  ])('of a service account that %s says nothing of it', async (_, reading, label, further) => {
    const labels: Record<string, string> = label === null ? {} : { 'leasegate.dev/election': label };
    const account = accountOf(labels, { 'leasegate.dev/further-elections': further });
    const findings = await examined(
      (cluster) =>
        void Object.assign(cluster, { ...reading, userReading: found('jane'), serviceAccountReading: found(account) }),
      { furtherLeases: ['b', 'c'] },
    );
    expect(findings.map(({ code }) => code).filter((code) => /SERVICE_ACCOUNT|POLICY/.test(code))).toEqual([]);
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

  test('of pods whose owner it does not know says so', async () => {
    const cluster = new TestCluster();
    cluster.deploy({ replicas: 3 });
    cluster.workloads = {
      'ReplicaSet/web': found({
        metadata: { name: 'web', uid: 'uid', ownerReferences: [ownerOf('Rollout', 'argoproj.io/v1alpha1')] },
      }),
    };
    const ofRollout = await examine({ ...plan, ...gated }, portsOf(cluster));
    expect(ofRollout).toContainEqual(
      expect.objectContaining({
        code: 'ROLLOUT_UNKNOWN',
        level: 'skipped',
        message: expect.stringContaining('Rollout'),
      }),
    );
    expect(ofRollout.map(({ code }) => code)).not.toContain('ROLLOUT_OK');
    cluster.podReading = found(podOf(GATE, { ownerReferences: [ownerOf('CloneSet', 'apps.kruise.io/v1alpha1')] }));
    const ofCloneSet = (await examine({ ...plan, ...gated }, portsOf(cluster))).map(({ code }) => code);
    expect(ofCloneSet).toContain('ROLLOUT_UNKNOWN');
  });

  test('takes no StatefulSet of another API group for that of Kubernetes', async () => {
    const cluster = new TestCluster();
    cluster.deploy({ replicas: 3 }, 'StatefulSet');
    cluster.podReading = found(podOf(GATE, { ownerReferences: [ownerOf('StatefulSet', 'apps.kruise.io/v1beta1')] }));
    const findings = await examine({ ...plan, ...gated }, portsOf(cluster));
    expect(findings.find(({ code }) => code === 'ROLLOUT_UNKNOWN')?.message).toContain('apps.kruise.io/v1beta1');
    expect(findings.map(({ code }) => code)).not.toContain('ROLLOUT_ORDERED');
  });

  test('judges a heartbeat of Kubernetes by nothing else', async () => {
    const codes = (
      await examined(
        holding({ leaseDurationSeconds: 40 }, { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'a' }] }),
      )
    ).map(({ code }) => code);
    expect(codes.filter((code) => /^LEASE|^TIMINGS/.test(code))).toEqual(['LEASE_RESERVED']);
  });

  test('does not look for pods by the name of a machine, nor at rollouts without a gate', async () => {
    const cluster = new TestCluster();
    cluster.pod = async () => expect.fail('asked for a pod');
    cluster.disruptionBudgets = async () => expect.fail('asked for budgets');
    await examine({ ...plan, pod: null }, portsOf(cluster));
  });

  test('of several elections looks at the Lease of each, and names it', async () => {
    const cluster = new TestCluster();
    const stranger = { ...leaseOf({ holderIdentity: 'master-1' }).metadata, name: 'b' };
    cluster.furtherLeases = {
      b: found({ ...leaseOf({ holderIdentity: 'master-1', leaseDurationSeconds: 30 }), metadata: stranger }),
      c: found(null),
      d: found(leaseOf(null, { name: 'd', annotations: { 'leasegate.dev/lease-name-of': 'Deployment.apps/web' } })),
    };
    cluster.denied = ['create leases'];
    const findings = await examine({ ...plan, furtherLeases: ['b', 'c', 'd'] }, portsOf(cluster));
    const told = findings.filter(({ code }) => /^LEASE_(?!RIGHTS)|TIMINGS/.test(code));
    expect(told.map(({ code, message }) => `${code} ${/Lease shop\/\w+/.exec(message)?.[0] ?? ''}`)).toEqual([
      'LEASE_CREATE_RIGHT_MISSING ',
      'LEASE_HELD Lease shop/web',
      'LEASE_HOLDER_FOREIGN Lease shop/b',
      'LEASE_ABSENT Lease shop/c',
      'LEASE_FREE Lease shop/d',
      'LEASE_NAME_UNVERIFIED Lease shop/d',
      'TIMINGS_DIFFER Lease shop/b',
    ]);
    expect(told[0]).toMatchObject({ level: 'error', message: expect.stringContaining('not every Lease is there') });
  });

  test('of several elections tells their common timings once', async () => {
    const cluster = new TestCluster();
    cluster.furtherLeases = { b: found(leaseOf({}, { name: 'b' })) };
    const codes = (await examine({ ...plan, furtherLeases: ['b'] }, portsOf(cluster))).map(({ code }) => code);
    expect(codes.filter((code) => /^LEASE|TIMINGS/.test(code))).toEqual(['LEASE_HELD', 'LEASE_HELD', 'TIMINGS_OK']);
  });

  test('follows a Lease that looks expired for twelve seconds at most', async () => {
    const cluster = new TestCluster();
    cluster.leases = [found(leaseOf({ leaseDurationSeconds: 3_600, renewTime: '2025-12-31T00:00:00.000000Z' }))];
    const ports = portsOf(cluster);
    await examine(plan, ports);
    expect(ports.clock.now().monoMs).toBe(12_000);
  });
});

test('ends within 30 s, though each answer takes the four that it may', async () => {
  const time = new VirtualTime();
  const clock = new ProcessTime(time);
  const cluster = new TestCluster();
  cluster.deploy({ replicas: 3 });
  cluster.leases = [found(leaseOf({ leaseDurationSeconds: 3_600, renewTime: '1960-01-01T00:00:00.000000Z' }))];
  const slow = new Proxy(cluster, {
    get:
      (target, name: keyof TestCluster) =>
      async (...asked: never[]) => {
        await delay(4_000, clock);
        return (target[name] as (...args: never[]) => unknown)(...asked);
      },
  });
  let findings: readonly Finding[] | null = null;
  const options = { ...plan, ...gated, slice, publishers: ['readiness-gate', 'endpointslice'] as const };
  void examine(options, { cluster: slow, clock, timers: clock }).then((all) => {
    findings = all;
  });
  await time.pass(30_000, () => findings !== null);
  expect(findings).not.toBeNull();
  expect(time.nowMs).toBeGreaterThan(20_000);
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

  test.each([
    ['may not be read', failed('forbidden')],
    ['is labelled for this Lease', found(accountOf({ 'leasegate.dev/election': 'web' }))],
    ['has no label', found(accountOf({}))],
  ])('and of a service account that %s no more is said', async (_, serviceAccountReading) => {
    const cluster = new TestCluster();
    Object.assign(cluster, { userReading: found('jane'), serviceAccountReading });
    const codes = (await examine({ ...plan, serviceAccount: 'web' }, portsOf(cluster))).map(({ code }) => code);
    expect(codes.filter((code) => code.startsWith('SERVICE_ACCOUNT'))).toEqual([]);
  });

  test('and where nobody answers, a Lease that the caller may not read is no green', async () => {
    const cluster = new TestCluster();
    cluster.userReading = failed('forbidden');
    cluster.reviewFailure = failed('forbidden');
    cluster.leases = [failed('forbidden')];
    const findings = await examine({ ...plan, pod: null }, portsOf(cluster));
    expect(findings.find(({ code }) => code === 'LEASE_UNREADABLE')?.level).toBe('error');
    expect(worstOf(findings)).toBe('error');
    // Whoever asks for somebody else proves nothing.
    const other = await examine({ ...plan, pod: null, serviceAccount: 'web' }, portsOf(cluster));
    expect(other.find(({ code }) => code === 'LEASE_UNREADABLE')?.level).toBe('skipped');
  });

  test('to label pods only as a warning, where the pod is not known that may have its label from the template', async () => {
    const cluster = new TestCluster();
    cluster.denied = ['patch pods'];
    const options = { ...plan, ...gated, pod: null, serviceAccount: 'web' };
    const unknown = (await examine(options, portsOf(cluster))).find(({ code }) => code === 'GATE_RIGHTS_MISSING');
    expect(unknown).toMatchObject({ level: 'warning', message: expect.stringContaining('pod template') });
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
