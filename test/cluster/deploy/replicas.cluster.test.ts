import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { BRISK, Replica } from '../replica/replica.ts';
import { until } from '../replica/until.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { type ControllerManager, startControllerManager } from '../support/controller-manager.ts';
import { applyPolicy, boundToken, GATE, ROLE } from './policy-scene.ts';
import { deploy, examples, type Manifest, restrictedNamespace, sidecarOf } from './shipped.ts';

const LEASE = 'leasegate';
const REPLICAS = 3;
const PATIENCE_MS = 30_000;

let controlPlane: ControlPlane;
let manager: ControllerManager;
/** The application of all of them; that it is well is all that is asked of it. */
let application: Server;
beforeAll(async () => {
  controlPlane = await startControlPlane();
  manager = await startControllerManager(controlPlane, {
    controllers: ['deployment-controller', 'replicaset-controller'],
  });
  await applyPolicy(controlPlane);
  application = createServer((_request, response) => response.end('well')).listen(0, '127.0.0.1');
});
afterAll(async () => {
  application?.close();
  await manager?.close();
  await controlPlane?.close();
});

const get = async (path: string): Promise<Manifest> => (await controlPlane.admin.get(path)).body;

/** The pods of which the cluster is told that they lead, in the way of an example. */
async function saidToLead(example: string, namespace: string): Promise<string[]> {
  const names = (pods: Manifest[]) => pods.map(({ metadata }) => metadata.name);
  const pods: Manifest[] = (await get(`/api/v1/namespaces/${namespace}/pods`)).items;
  if (example === 'label') return names(pods.filter(({ metadata }) => metadata.labels[ROLE] === 'leader'));
  if (example === 'readiness-gate') {
    const open = ({ type, status }: Manifest) => type === GATE && status === 'True';
    return names(pods.filter(({ status }) => status.conditions?.some(open)));
  }
  if (example === 'endpointslice') {
    const slice = await get(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices/web.${LEASE}`);
    return (slice.endpoints ?? []).map(({ targetRef }: Manifest) => targetRef.name);
  }
  const lease = await get(`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${LEASE}`);
  const holder = lease.spec.holderIdentity ?? '';
  const told = example !== 'gateway' || lease.metadata.annotations?.['leasegate.dev/holder-address-of'] === holder;
  return holder !== '' && told ? [holder.split('_')[0]] : [];
}

/** A real process in the place of a pod's sidecar: with the environment that the manifests give it, and the pod's own token. */
async function startSidecar(namespace: string, workload: Manifest, pod: Manifest, index: number): Promise<Replica> {
  const { name, uid } = pod.metadata;
  const { serviceAccountName } = pod.spec;
  const stem = join(controlPlane.directory, `${namespace}-${name}`);
  await writeFile(`${stem}.token`, await boundToken(controlPlane, namespace, serviceAccountName, { name, uid }));
  const kubeconfig = { path: `${stem}.kubeconfig`, tokenFile: `${stem}.token`, namespace };
  const { env } = sidecarOf(workload);
  const address = `127.0.0.1:${(application.address() as AddressInfo).port}`;
  // Three pods share this machine's ports, and one application.
  const here = {
    LEASEGATE_APP_HEALTH_URL: `http://${address}/`,
    LEASEGATE_GATEWAY_LISTEN: '127.0.0.1:0',
    LEASEGATE_GATEWAY_TARGET: address,
  };
  return new Replica({
    command: inject('leasegate'),
    ...{ name, podName: name, podUid: uid, namespace, leaseNames: [LEASE] },
    kubeconfig: await controlPlane.kubeconfigFor(kubeconfig),
    ...{ timings: BRISK, askEveryMs: 50, args: [], ownWallClock: false },
    env: {
      ...env,
      ...Object.fromEntries(Object.entries(here).filter(([option]) => option in env)),
      ...('LEASEGATE_GATEWAY_LISTEN' in env && { LEASEGATE_GATEWAY_PEER_LISTEN: '0.0.0.0:0' }),
      POD_NAMESPACE: namespace,
      POD_IP: `10.0.0.${index + 1}`,
    },
  });
}

test.each(examples)('%s works with the rights that it ships, and under the admission policy', async (example) => {
  const namespace = await restrictedNamespace(controlPlane, `live-${example}`);
  await controlPlane.kubectl('-n', namespace, 'apply', '--kustomize', join(deploy, 'examples', example));
  const pods = await until('the pods are made', PATIENCE_MS, async () => {
    const { items } = await get(`/api/v1/namespaces/${namespace}/pods`);
    return items.length === REPLICAS && (items as Manifest[]);
  });
  const workload = await get(`/apis/apps/v1/namespaces/${namespace}/deployments/web`);
  const replicas: Replica[] = [];
  try {
    for (const [index, pod] of pods.entries()) replicas.push(await startSidecar(namespace, workload, pod, index));
    await Promise.all(replicas.map((replica) => replica.untilWatching(PATIENCE_MS)));
    const leaders: string[] = [];
    for (const end of ['crash', 'leave', null] as const) {
      const leader = await until('one leads', PATIENCE_MS, () => replicas.find(({ leading }) => leading));
      await until(`the cluster is told of ${leader.podName}, and of nobody else`, PATIENCE_MS, async () => {
        return (await saidToLead(example, namespace)).join() === leader.podName;
      });
      leaders.push(leader.podName);
      if (end === 'crash') leader.kill();
      if (end === 'leave') leader.terminate();
      if (end !== null) await leader.closed();
    }
    expect(new Set(leaders).size).toBe(REPLICAS);
    const refused = replicas.flatMap((replica) => [
      ...replica.logged('API_FORBIDDEN'),
      ...replica.logged('PUBLISH_FAILED'),
    ]);
    expect(refused).toEqual([]);
  } finally {
    for (const replica of replicas) replica.kill();
    await Promise.all(replicas.map((replica) => replica.closed()));
  }
});
