import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../replica/until.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { type ControllerManager, startControllerManager } from '../support/controller-manager.ts';
import { deploy, examples, type Manifest, restrictedNamespace, sidecarOf, withOverlay } from './shipped.ts';

const REPLICAS = 3;
const PATIENCE_MS = 30_000;
const CONTROLLERS = ['deployment-controller', 'replicaset-controller', 'disruption-controller'];

let controlPlane: ControlPlane;
let manager: ControllerManager;
beforeAll(async () => {
  controlPlane = await startControlPlane();
  manager = await startControllerManager(controlPlane, { controllers: CONTROLLERS });
});
afterAll(async () => {
  await manager?.close();
  await controlPlane?.close();
});

const kubectl = (namespace: string, ...args: string[]) => controlPlane.kubectl('--namespace', namespace, ...args);

const GROUPS: Readonly<Record<string, string>> = {
  deployments: 'apis/apps/v1',
  replicasets: 'apis/apps/v1',
  poddisruptionbudgets: 'apis/policy/v1',
  networkpolicies: 'apis/networking.k8s.io/v1',
};

async function list(namespace: string, resource: string): Promise<Manifest[]> {
  const path = `/${GROUPS[resource] ?? 'api/v1'}/namespaces/${namespace}/${resource}`;
  return (await controlPlane.admin.get(path)).body.items;
}

/** As a kubelet says that all containers run and nothing keeps the pod from being Ready. */
async function makeReady(pod: Manifest): Promise<void> {
  const { namespace, name } = pod.metadata;
  const conditions = ['ContainersReady', 'Ready', 'leasegate.dev/leader'].map((type) => ({ type, status: 'True' }));
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`;
  const { status } = await controlPlane.admin.patch(path, { status: { phase: 'Running', conditions } });
  expect(status).toBe(200);
}

function untilPods(namespace: string, count: number): Promise<Manifest[]> {
  return until(`${count} pods in ${namespace}`, PATIENCE_MS, async () => {
    const pods = await list(namespace, 'pods');
    return pods.length === count && pods;
  });
}

describe.each(examples)('the example %s', (example) => {
  const namespace = example;
  let pods: Manifest[];

  test('is applied, and its pods are made where "restricted" Pod Security is enforced', async () => {
    await restrictedNamespace(controlPlane, namespace);
    await kubectl(namespace, 'apply', '--kustomize', join(deploy, 'examples', example));
    pods = await untilPods(namespace, REPLICAS);
    for (const { metadata, spec } of pods) {
      expect(metadata.labels).toMatchObject({ 'leasegate.dev/election': 'leasegate' });
      expect(spec.initContainers.map(({ name }: Manifest) => name)).toEqual(['leasegate']);
      expect(spec.containers.map(({ name }: Manifest) => name)).toEqual(['app']);
      expect(spec.containers[0].volumeMounts, 'the application has no token').toEqual([
        { name: 'www', mountPath: '/www' },
      ]);
    }
  });

  test('is applied again without a rollout', async () => {
    const generation = async () => (await list(namespace, 'deployments'))[0].metadata.generation;
    const before = await generation();
    await kubectl(namespace, 'apply', '--kustomize', join(deploy, 'examples', example));
    expect(await generation()).toBe(before);
    expect(await list(namespace, 'replicasets')).toHaveLength(1);
  });

  test('lets a drain take its leader away', async () => {
    const ready = example === 'readiness-gate' ? pods.slice(0, 1) : pods;
    for (const pod of ready) await makeReady(pod);
    const leader = ready[0].metadata.name;
    await until('the budget allows it', PATIENCE_MS, async () => {
      const [budget] = await list(namespace, 'poddisruptionbudgets');
      return budget.status?.currentHealthy === ready.length && budget.status.disruptionsAllowed > 0;
    });
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: leader, namespace } };
    const path = `/api/v1/namespaces/${namespace}/pods/${leader}/eviction`;
    expect(await controlPlane.admin.post(path, eviction)).toMatchObject({ status: 201 });
    await until('it is replaced', PATIENCE_MS, async () => {
      const now = await list(namespace, 'pods');
      return now.length === REPLICAS && now.every(({ metadata }) => metadata.name !== leader);
    });
  });
});

describe('with the readiness gate', () => {
  test('standbys are evicted, too, though they are never Ready', async () => {
    const namespace = 'readiness-gate';
    const pods = await untilPods(namespace, REPLICAS);
    const [standby] = pods.filter(({ status }) => status.phase !== 'Running');
    const { name } = standby.metadata;
    const running = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] } };
    await controlPlane.admin.patch(`/api/v1/namespaces/${namespace}/pods/${name}/status`, running);
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
    expect(await controlPlane.admin.post(path, eviction)).toMatchObject({ status: 201 });
    await untilPods(namespace, REPLICAS);
  });

  test('a rollout does not wait for pods that are never Ready', async () => {
    const namespace = 'readiness-gate';
    const [leader, ...standbys] = await untilPods(namespace, REPLICAS);
    await makeReady(leader);
    await kubectl(namespace, 'rollout', 'restart', 'deployment/web');
    const before = new Set([leader, ...standbys].map(({ metadata }) => metadata.uid));
    await until('all pods are new', PATIENCE_MS, async () => {
      const pods = await list(namespace, 'pods');
      return pods.length === REPLICAS && pods.every(({ metadata }) => !before.has(metadata.uid));
    });
    // As its README says.
    for (const field of ['updatedReplicas', 'replicas']) {
      await kubectl(
        namespace,
        'wait',
        'deployment/web',
        `--for=jsonpath={.status.${field}}=${REPLICAS}`,
        '--timeout=20s',
      );
    }
  });
});

describe('with the readiness gate and a rollout like everybody’s', () => {
  test('the old leader would stay for good: therefore maxUnavailable is 100%', async () => {
    const namespace = await restrictedNamespace(controlPlane, 'stalled');
    const strategy = { rollingUpdate: { maxUnavailable: REPLICAS - 1, maxSurge: 1 } };
    const overlay = {
      resources: ['examples/readiness-gate'],
      patches: [{ target: { kind: 'Deployment' }, patch: JSON.stringify(deploymentPatch({ strategy })) }],
    };
    await withOverlay(overlay, (folder) => kubectl(namespace, 'apply', '--kustomize', folder));
    const [leader] = await untilPods(namespace, REPLICAS);
    await makeReady(leader);
    await until('it counts as available', PATIENCE_MS, async () => {
      return (await list(namespace, 'deployments'))[0].status.availableReplicas === 1;
    });
    await kubectl(namespace, 'rollout', 'restart', 'deployment/web');
    const others = async () => (await list(namespace, 'deployments'))[0].status.updatedReplicas === REPLICAS;
    await until('all others are new', PATIENCE_MS, others);
    // Makes the controller look at it once more.
    await controlPlane.admin.patch(`/apis/apps/v1/namespaces/${namespace}/deployments/web`, {
      spec: { minReadySeconds: 1 },
    });
    await until('it has looked', PATIENCE_MS, async () => {
      const [{ metadata, status }] = await list(namespace, 'deployments');
      return status.observedGeneration === metadata.generation;
    });
    const names = (await list(namespace, 'pods')).map(({ metadata }) => metadata.name);
    expect(names).toHaveLength(REPLICAS + 1);
    expect(names).toContain(leader.metadata.name);
  });
});

describe('all examples in one namespace, told apart by a namePrefix', () => {
  const namespace = 'together';
  const prefixOf = (example: string) => `${example}-`;

  beforeAll(async () => {
    await restrictedNamespace(controlPlane, namespace);
    for (const example of examples) {
      const slice = [
        { op: 'replace', path: '/rules/4/resourceNames/0', value: 'endpointslice-web.endpointslice-leasegate' },
      ];
      const overlay = {
        namePrefix: prefixOf(example),
        resources: [`examples/${example}`],
        // As docs/deploying.md has it.
        ...(example === 'endpointslice' && { patches: [{ target: { kind: 'Role' }, patch: JSON.stringify(slice) }] }),
      };
      await withOverlay(overlay, (folder) => kubectl(namespace, 'apply', '--kustomize', folder));
    }
    await untilPods(namespace, REPLICAS * examples.length);
  });

  test.each(examples)('%s has its own Lease, and nothing speaks of another', async (example) => {
    const lease = `${prefixOf(example)}leasegate`;
    const workload = (await list(namespace, 'deployments')).find(
      ({ metadata }) => metadata.name === `${prefixOf(example)}web`,
    );
    const { template } = workload.spec;
    expect(template.metadata.labels['leasegate.dev/election']).toBe(lease);
    expect(template.spec.serviceAccountName).toBe(lease);
    expect(sidecarOf(workload).env).toMatchObject({
      LEASEGATE_LEASE_NAME: lease,
      ...(example === 'endpointslice' && { LEASEGATE_ENDPOINTSLICE_SERVICE: `${prefixOf(example)}web` }),
    });
    const { body: role } = await controlPlane.admin.get(
      `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles/${lease}`,
    );
    const named = role.rules.flatMap(({ resourceNames = [] }: Manifest) => resourceNames);
    const ofSlice = [`${prefixOf(example)}web`, `${prefixOf(example)}web.${lease}`];
    expect(named).toEqual(example === 'endpointslice' ? [lease, ...ofSlice] : [lease]);
    const { body: account } = await controlPlane.admin.get(`/api/v1/namespaces/${namespace}/serviceaccounts/${lease}`);
    expect(account.metadata.labels['leasegate.dev/election']).toBe(lease);
  });

  test('Services, budgets and network policies select the pods of their own example', async () => {
    const pods = await list(namespace, 'pods');
    const selected = (labels: Record<string, string>) =>
      pods.filter(({ metadata }) => Object.entries(labels).every(([key, value]) => metadata.labels[key] === value));
    const ofOne = (labels: Record<string, string>, name: string) => {
      // The role is set when it runs.
      const { 'leasegate.dev/role': _, ...written } = labels;
      const found = selected(written).map(({ metadata }) => metadata.labels['leasegate.dev/election']);
      expect(found, name).toEqual(Array(REPLICAS).fill(name.replace(/(web|leasegate)$/, 'leasegate')));
    };
    const services = (await list(namespace, 'services')).filter(({ spec }) => spec.selector !== undefined);
    expect(services).toHaveLength(examples.length - 1);
    for (const { metadata, spec } of services) ofOne(spec.selector, metadata.name);
    const budgets = await list(namespace, 'poddisruptionbudgets');
    expect(budgets).toHaveLength(examples.length);
    for (const { metadata, spec } of budgets) ofOne(spec.selector.matchLabels, metadata.name);
    const [policy, ...others] = await list(namespace, 'networkpolicies');
    expect(others).toEqual([]);
    ofOne(policy.spec.podSelector.matchLabels, policy.metadata.name);
    const peers = policy.spec.ingress.flatMap(({ from = [] }: Manifest) => from);
    expect(peers).toEqual([{ podSelector: policy.spec.podSelector }]);
  });
});

function deploymentPatch(spec: object): Manifest {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'any' }, spec };
}
