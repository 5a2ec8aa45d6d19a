import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { until } from './replica/until.ts';
import { type ControlPlane, startControlPlane } from './support/control-plane.ts';

interface Row {
  readonly namespace: string;
  readonly name: string;
  readonly kind: string;
  readonly holder: string | null;
  readonly durationMs: number;
  readonly standing: string;
}

let controlPlane: ControlPlane;
beforeAll(async () => {
  controlPlane = await startControlPlane();
});
afterAll(() => controlPlane?.close());

const path = (namespace: string) => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;

async function rows(): Promise<Row[]> {
  const [command = '', ...args] = [...inject('leasegate'), 'leases', '-A', '--output=json'];
  const options = ['--kubeconfig', controlPlane.adminKubeconfig];
  const { stdout } = await promisify(execFile)(command, [...args, ...options]);
  return JSON.parse(stdout).leases;
}

test('the running API server’s own identity, a kubelet’s heartbeat and elections are told apart', async () => {
  const { admin } = controlPlane;
  const { body: node } = await admin.post('/api/v1/nodes', { metadata: { name: 'node-1' } });
  await admin.post('/api/v1/namespaces', { metadata: { name: 'kube-node-lease' } });
  const nowMs = Date.now();
  const at = (agoMs: number) => new Date(nowMs - agoMs).toISOString().replace('Z', '000Z');
  const owner = { apiVersion: 'v1', kind: 'Node', name: 'node-1', uid: node.metadata.uid };
  await admin.post(path('kube-node-lease'), {
    metadata: { name: 'node-1', ownerReferences: [owner] },
    spec: { holderIdentity: 'node-1', leaseDurationSeconds: 40, renewTime: at(300_000) },
  });
  await admin.post(path('default'), {
    metadata: { name: 'web' },
    spec: { holderIdentity: 'a', leaseDurationSeconds: 15, renewTime: at(0), acquireTime: at(0), leaseTransitions: 2 },
  });
  await admin.post(path('default'), { metadata: { name: 'mine' }, spec: { holderIdentity: 'a' } });

  // The API server writes its own when it has been up for a moment.
  const identity = await until('the identity of the API server', 60_000, async () =>
    (await rows()).find(({ kind }) => kind === 'api-server-identity'),
  );
  expect(identity).toMatchObject({ namespace: 'kube-system', standing: 'held', durationMs: 3_600_000 });
  expect(identity.holder).toContain(`${identity.name}_`);
  const told = (await rows()).map(({ namespace, name, kind, standing }) => `${namespace}/${name} ${kind} ${standing}`);
  expect(told).toContain('kube-node-lease/node-1 node-heartbeat late');
  expect(told).toContain('default/web leader-election held');
  expect(told).toContain('default/mine other unknown');
});
