import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { judgeDisruption } from '../../../src/doctor/disruption.ts';
import { judgeRollout } from '../../../src/doctor/rollout.ts';
import { expectStatus } from '../replica/scene.ts';
import { until } from '../replica/until.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { type ControllerManager, startControllerManager } from '../support/controller-manager.ts';
import { GatedPods, type WorkloadKind } from './gated-pods.ts';

const CONTROLLERS = [
  'deployment-controller',
  'replicaset-controller',
  'statefulset-controller',
  'disruption-controller',
];

let controlPlane: ControlPlane;
let controllers: ControllerManager;
let namespaces = 0;
beforeAll(async () => {
  // Without this feature the API server drops a StatefulSet's maxUnavailable.
  const featureGates = ['MaxUnavailableStatefulSet'];
  controlPlane = await startControlPlane({ featureGates: { MaxUnavailableStatefulSet: true } });
  controllers = await startControllerManager(controlPlane, { controllers: CONTROLLERS, featureGates });
});
afterAll(async () => {
  await controllers?.close();
  await controlPlane?.close();
});

const open = (kind: WorkloadKind, spec: object) => GatedPods.open(controlPlane, `gated-${++namespaces}`, kind, spec);
const rolling = (maxUnavailable: number | string, maxSurge: number | string = 1) => ({
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable, maxSurge } },
});
const unavailable = (maxUnavailable: number | string) => ({ updateStrategy: { rollingUpdate: { maxUnavailable } } });
const parallel = { podManagementPolicy: 'Parallel' };

describe.concurrent('what is said of rollouts is what the real controllers do where one pod at most is Ready', () => {
  test.each<[WorkloadKind, object, string]>([
    ['Deployment', { replicas: 3 }, 'ROLLOUT_STALLS'],
    ['Deployment', { replicas: 1 }, 'ROLLOUT_STALLS'],
    ['Deployment', { replicas: 3, ...rolling(2) }, 'ROLLOUT_STALLS'],
    ['Deployment', { replicas: 3, ...rolling(3) }, 'ROLLOUT_OK'],
    ['Deployment', { replicas: 3, ...rolling('100%', '25%') }, 'ROLLOUT_OK'],
    ['Deployment', { replicas: 1, ...rolling(1, 0) }, 'ROLLOUT_OK'],
    ['Deployment', { replicas: 1, ...rolling('25%', 0) }, 'ROLLOUT_OK'],
    ['Deployment', { replicas: 3, strategy: { type: 'Recreate' } }, 'ROLLOUT_OK'],
    ['StatefulSet', { replicas: 1 }, 'ROLLOUT_OK'],
    ['StatefulSet', { replicas: 2 }, 'ROLLOUT_STALLS'],
    ['StatefulSet', { replicas: 3, ...parallel }, 'ROLLOUT_STALLS'],
    ['StatefulSet', { replicas: 3, ...parallel, ...unavailable(2) }, 'ROLLOUT_STALLS'],
    ['StatefulSet', { replicas: 3, ...parallel, ...unavailable('100%') }, 'ROLLOUT_OK'],
    ['StatefulSet', { replicas: 2, ...unavailable(2) }, 'ROLLOUT_STALLS'],
  ])('%s %j: %s', async (kind, spec, code) => {
    const pods = await open(kind, spec);
    const ends = await pods.rollsOut();
    const [verdict] = judgeRollout({ kind, workload: await pods.workload() });
    expect(verdict?.code).toBe(code);
    expect(ends).toBe(code === 'ROLLOUT_OK');
  });

  test('a StatefulSet that starts one pod after another never has its third', async () => {
    const pods = await open('StatefulSet', { replicas: 3 });
    expect(await pods.settles('1')).toBe(false);
    expect(judgeRollout({ kind: 'StatefulSet', workload: await pods.workload() })).toMatchObject([
      { code: 'ROLLOUT_ORDERED' },
    ]);
  });

  test('a Deployment that rolls out well reports that it has not, after its deadline', async () => {
    const spec = { replicas: 2, strategy: { type: 'Recreate' }, progressDeadlineSeconds: 2 };
    const pods = await open('Deployment', spec);
    expect(await pods.rollsOut()).toBe(true);
    await until('it reports failure', 30_000, async () => {
      const { conditions = [] } = (await pods.workload()).status;
      return conditions.some(({ reason }: { reason: string }) => reason === 'ProgressDeadlineExceeded');
    });
    const codes = judgeRollout({ kind: 'Deployment', workload: await pods.workload() }).map(({ code }) => code);
    expect(codes).toEqual(['ROLLOUT_OK', 'ROLLOUT_DEADLINE']);
  });
});

describe('what is said of disruption budgets is what the API server does where one pod at most is Ready', () => {
  const namespace = 'evicted';
  const budgets = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
  let pods: GatedPods;
  beforeAll(async () => {
    pods = await GatedPods.open(controlPlane, namespace, 'Deployment', { replicas: 3 });
    expect(await pods.settles('1')).toBe(true);
  });

  async function withBudget<T>(name: string, spec: object, use: () => Promise<T>): Promise<T> {
    const { admin } = controlPlane;
    const selector = { matchLabels: { app: 'web' } };
    await expectStatus(admin.post(budgets, { metadata: { name }, spec: { selector, ...spec } }), 201);
    await until('the budget counts', 30_000, async () => {
      const { metadata, status } = (await admin.get(`${budgets}/${name}`)).body;
      return (
        status.observedGeneration === metadata.generation && status.currentHealthy === 1 && status.expectedPods === 3
      );
    });
    return use().finally(() => admin.delete(`${budgets}/${name}`));
  }

  /** The answer to an eviction that is only tried out. */
  async function evicting(name: string): Promise<number> {
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
    return (await controlPlane.admin.post(path, { metadata: { name }, deleteOptions: { dryRun: ['All'] } })).status;
  }

  async function verdict() {
    const { items } = (await controlPlane.admin.get(budgets)).body;
    return judgeDisruption(items, { app: 'web' }, 3)[0]!;
  }

  test.each([
    [{ minAvailable: 1 }, 'leader'],
    [{ minAvailable: 2 }, 'all'],
    [{ maxUnavailable: 1 }, 'all'],
    [{ maxUnavailable: 2 }, 'leader'],
    [{ minAvailable: '50%' }, 'all'],
    [{ maxUnavailable: '50%' }, 'leader'],
    [{ minAvailable: 2, unhealthyPodEvictionPolicy: 'AlwaysAllow' }, 'leader'],
    [{ maxUnavailable: '100%' }, 'nobody'],
    [{ minAvailable: 0 }, 'nobody'],
  ] as const)('%j keeps: %s', async (spec, kept) => {
    await withBudget('web', spec, async () => {
      expect(await evicting(pods.leader!)).toBe(kept === 'nobody' ? 201 : 429);
      expect(await evicting(await pods.standby())).toBe(kept === 'all' ? 429 : 201);
      const { code, message } = await verdict();
      expect(code).toBe(kept === 'nobody' ? 'DISRUPTION_OK' : 'DISRUPTION_BLOCKED');
      expect(message.includes('neither the leader nor a standby')).toBe(kept === 'all');
    });
  });

  test('two for one pod keep everybody', async () => {
    const all = { maxUnavailable: '100%' };
    await withBudget('one', all, () =>
      withBudget('two', all, async () => {
        expect(await evicting(pods.leader!)).toBe(500);
        expect((await verdict()).code).toBe('DISRUPTION_BLOCKED');
      }),
    );
  });
});
