import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { checkHistory } from './replica/history.ts';
import { BRISK, type Replica } from './replica/replica.ts';
import { shippedRules } from './replica/role.ts';
import { expectStatus, Scene, type StartOptions } from './replica/scene.ts';
import { until } from './replica/until.ts';
import { type ControlPlane, startControlPlane } from './support/control-plane.ts';
import { freePorts } from './support/free-ports.ts';

const PREFIX = 'worker';
const START_MS_MAX = 30_000;

let controlPlane: ControlPlane;
let scene: Scene;
let scenes = 0;
beforeAll(async () => {
  controlPlane = await startControlPlane();
});
afterAll(() => controlPlane?.close());

const read = (apiGroup: string, resource: string) => ({ apiGroups: [apiGroup], resources: [resource], verbs: ['get'] });
const READ_PODS = read('', 'pods');
const READ_OWNERS = [read('apps', 'replicasets'), read('batch', 'jobs')];

/** The rules that ship, but for the name of the Lease, which nobody knows beforehand. */
async function rules() {
  return (await shippedRules('any')).map(({ resourceNames: _, ...rule }) => rule);
}

/** A claim about replicas that share a namespace and a prefix; ends them. */
function play(claim: string, act: () => Promise<void>): void {
  test(claim, async () => {
    scenes += 1;
    const namespace = `prefix-${scenes}`;
    scene = await Scene.open({
      controlPlane,
      leasegate: inject('leasegate'),
      namespace,
      timings: BRISK,
      askEveryMs: 25,
    });
    try {
      await scene.setRules([...(await rules()), READ_PODS, ...READ_OWNERS]);
      await act();
    } catch (error) {
      console.error(scene.replicas.map(({ name, log, stderr }) => JSON.stringify({ name, log, stderr })).join('\n'));
      throw error;
    } finally {
      await scene.close();
    }
  });
}

interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
}

/** Makes the object by hand: no controller runs. */
async function make(path: string, metadata: object, body: object, namespace = scene.namespace): Promise<void> {
  await expectStatus(
    controlPlane.admin.post(path.replace('{}', `namespaces/${namespace}`), { metadata, ...body }),
    201,
  );
}

const ownedBy = (owner: Owner) => ({ ownerReferences: [{ ...owner, uid: crypto.randomUUID(), controller: true }] });
const selected = (app: string) => ({
  selector: { matchLabels: { app } },
  template: { metadata: { labels: { app } }, spec: { containers: [{ name: 'app', image: 'none' }] } },
});

async function makeReplicaSet(name: string, deployment: string, namespace?: string): Promise<Owner> {
  const metadata = {
    name,
    annotations: { 'deployment.kubernetes.io/revision': '1' },
    ...ownedBy(deploymentOf(deployment)),
  };
  await make('/apis/apps/v1/{}/replicasets', metadata, { spec: selected(deployment) }, namespace);
  return { apiVersion: 'apps/v1', kind: 'ReplicaSet', name };
}

const deploymentOf = (name: string): Owner => ({ apiVersion: 'apps/v1', kind: 'Deployment', name });

/** Null: its owner is deleted with `--cascade=orphan`. */
async function setOwner(replicaSet: string, owner: Owner | null): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${scene.namespace}/replicasets/${replicaSet}`;
  const { body } = await expectStatus(controlPlane.admin.get(path), 200);
  const metadata = { ...body.metadata, ...(owner === null ? { ownerReferences: [] } : ownedBy(owner)) };
  await expectStatus(controlPlane.admin.put(path, { ...body, metadata }), 200);
}

async function makeJob(name: string, cronJob: string): Promise<Owner> {
  const { template } = selected(name);
  const spec = { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } };
  await make(
    '/apis/batch/v1/{}/jobs',
    { name, ...ownedBy({ apiVersion: 'batch/v1', kind: 'CronJob', name: cronJob }) },
    { spec },
  );
  return { apiVersion: 'batch/v1', kind: 'Job', name };
}

interface Pod extends StartOptions {
  /** Default: that of the scene, as the Lease's. */
  readonly namespace?: string;
}

/** A pod of that owner, and the sidecar in it. */
async function startPod(podName: string, owner: Owner | null, { namespace = scene.namespace, ...options }: Pod = {}) {
  const metadata = { name: podName, ...(owner === null ? {} : ownedBy(owner)) };
  const spec = { automountServiceAccountToken: false, containers: [{ name: 'app', image: 'none' }] };
  await expectStatus(
    controlPlane.admin.post(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: podName } }),
    201,
  );
  await make('/api/v1/{}/pods', metadata, { spec: { ...spec, serviceAccountName: podName } }, namespace);
  const env = { LEASEGATE_LEASE_NAME_PREFIX: PREFIX, POD_NAMESPACE: namespace, ...options.env };
  return scene.startReplica({ ...options, podName, leaseName: null, env });
}

const leaseOf = async (replica: Replica): Promise<string> => {
  const started = await replica.untilLogged('STARTED', START_MS_MAX);
  return (started.lease as { name: string }).name;
};

/** One of the group leads, none at the same time as another, and all on one Lease, whose name is returned. */
async function electOne(...group: Replica[]): Promise<string> {
  const names = new Set(await Promise.all(group.map(leaseOf)));
  expect(names.size, group.map(({ name }) => name).join()).toBe(1);
  await until('one of them leads', START_MS_MAX, () => group.some(({ leading }) => leading));
  return [...names][0]!;
}

async function run(...args: string[]): Promise<string> {
  const [command = '', ...first] = inject('leasegate');
  const kubeconfig = ['--kubeconfig', controlPlane.adminKubeconfig];
  return (await promisify(execFile)(command, [...first, ...args, ...kubeconfig])).stdout;
}

play(
  'workloads with one prefix in one namespace each elect a leader of their own, and say which Lease is whose',
  async () => {
    const [webA, webB] = [await makeReplicaSet('web-5d4', 'web'), await makeReplicaSet('web-8f2', 'web')];
    const api = await makeReplicaSet('api-5d4', 'api');
    const set: Owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' };
    const [runA, runB] = [await makeJob('backup-1', 'backup'), await makeJob('backup-2', 'backup')];
    const groups = {
      // Of two revisions, as in a rollout.
      'Deployment.apps/web': [await startPod('web-5d4-a', webA), await startPod('web-8f2-a', webB)],
      'Deployment.apps/api': [await startPod('api-5d4-a', api), await startPod('api-5d4-b', api)],
      'StatefulSet.apps/web': [await startPod('web-0', set)],
      'CronJob.batch/backup': [await startPod('backup-1-a', runA), await startPod('backup-2-a', runB)],
    };
    const leases = new Map<string, string>();
    for (const [workload, group] of Object.entries(groups)) leases.set(workload, await electOne(...group));
    expect(new Set(leases.values()).size).toBe(4);
    const [started] = groups['CronJob.batch/backup'][0]!.logged('STARTED');
    expect(started?.workload).toEqual({
      apiGroup: 'batch',
      kind: 'CronJob',
      namespace: scene.namespace,
      name: 'backup',
    });

    const { leases: listed } = JSON.parse(await run('leases', '-n', scene.namespace, '--output=json'));
    const told = Object.fromEntries(listed.map(({ name, nameOf }: { name: string; nameOf: object }) => [name, nameOf]));
    for (const [workload, name] of leases) expect(told[name]).toEqual({ workload, verified: true });
    const asPod = ['--namespace', scene.namespace, '--lease-name-prefix', PREFIX, '--pod', 'web-8f2-a'];
    const diagnosis = await run('doctor', ...asPod);
    expect(diagnosis).toContain(
      `LEASE_NAME_OF  the hash in the name of Lease ${scene.namespace}/${leases.get('Deployment.apps/web')} stands for Deployment.apps/web\n`,
    );
    expect(diagnosis).not.toContain('LEASE_NAME_RIGHTS_MISSING');

    // Made anew it has another uid, and meets those that are left of the one before.
    const again = await startPod('web-9c1-a', await makeReplicaSet('web-9c1', 'web'));
    expect(await electOne(...groups['Deployment.apps/web'], again)).toBe(leases.get('Deployment.apps/web'));

    for (const group of Object.values(groups)) {
      expect(checkHistory(group.map((replica) => replica.claimant()))).toEqual([]);
      expect(group.filter(({ leading }) => leading)).toHaveLength(1);
    }
  },
);

play('workloads of one name in two namespaces, with their Leases in one, do not meet', async () => {
  const elsewhere = `${scene.namespace}-other`;
  await make('/api/v1/namespaces', { name: elsewhere }, {});
  const rbac = '/apis/rbac.authorization.k8s.io/v1/{}';
  await make(`${rbac}/roles`, { name: 'names' }, { rules: [READ_PODS, ...READ_OWNERS] }, elsewhere);
  const subject = {
    kind: 'Group',
    apiGroup: 'rbac.authorization.k8s.io',
    name: `system:serviceaccounts:${scene.namespace}`,
  };
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'names' };
  await make(`${rbac}/rolebindings`, { name: 'names' }, { roleRef, subjects: [subject] }, elsewhere);
  const here = await startPod('web-1', await makeReplicaSet('web-5d4', 'web'));
  const there = await startPod('web-2', await makeReplicaSet('web-5d4', 'web', elsewhere), { namespace: elsewhere });
  expect(await electOne(here)).not.toBe(await electOne(there));
  const { leases } = JSON.parse(await run('leases', '-n', scene.namespace, '--output=json'));
  const claims = leases.map(({ nameOf }: { nameOf: object }) => nameOf);
  expect(claims).toContainEqual({ workload: 'Deployment.apps/web', verified: true });
  expect(claims).toContainEqual({ workload: `Deployment.apps/${elsewhere}/web`, verified: true });
});

play('a pod that no workload controls ends at once, and says what to do', async () => {
  const bare = await startPod('bare', null);
  await bare.closed();
  expect(bare.exitCode).toBe(2);
  expect(bare.stderr).toMatch(/^leasegate: LEASE_NAME_NO_WORKLOAD .*; .*LEASEGATE_LEASE_NAME instead\n$/);
});

play('who may not read its owners lives on, says which rule to add, and campaigns once it is there', async () => {
  await scene.setRules([...(await rules()), READ_PODS]);
  const [port] = await freePorts(1);
  const pod = await startPod('web-1', await makeReplicaSet('web-5d4', 'web'), { probeListen: `127.0.0.1:${port}` });
  const unknown = await pod.untilLogged('LEASE_NAME_UNKNOWN', START_MS_MAX);
  const rule = JSON.stringify(READ_OWNERS[0]);
  expect(unknown).toMatchObject({ failure: 'forbidden', remedy: expect.stringContaining(rule) });
  const probe = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  expect((await probe('/healthz')).status).toBe(200);
  const ready = await probe('/readyz');
  expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('replicasets')]);
  await scene.setRules([...(await rules()), READ_PODS, JSON.parse(rule)]);
  await electOne(pod);
  expect(pod.logged('LEASE_NAME_UNKNOWN')).toHaveLength(1);
});

play(
  'whoever starts while the ReplicaSet is orphaned waits until it is adopted, and meets the pods beside it',
  async () => {
    const replicaSet = await makeReplicaSet('web-5d4', 'web');
    const before = await startPod('web-5d4-a', replicaSet);
    const lease = await electOne(before);
    await setOwner('web-5d4', null);
    const late = await startPod('web-5d4-b', replicaSet);
    expect(await late.untilLogged('LEASE_NAME_UNKNOWN', START_MS_MAX)).toMatchObject({ failure: 'orphaned' });
    await setOwner('web-5d4', deploymentOf('web'));
    expect(await electOne(before, late)).toBe(lease);
    expect(checkHistory([before, late].map((replica) => replica.claimant()))).toEqual([]);
  },
);

play('without an API server it waits, and ends at once when it is told to', async () => {
  const [port] = await freePorts(1);
  const pod = await startPod('web-1', null, { server: `https://127.0.0.1:${port}` });
  expect(await pod.untilLogged('LEASE_NAME_UNKNOWN', START_MS_MAX)).toMatchObject({ failure: 'unreachable' });
  const leftMs = await pod.leave();
  expect(pod.exitCode).toBe(0);
  expect(pod.endedAtMs! - leftMs).toBeLessThan(5_000);
});
