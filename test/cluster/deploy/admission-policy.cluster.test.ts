import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../replica/until.ts';
import type { ApiAnswer, ApiClient } from '../support/api-client.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { startControllerManager } from '../support/controller-manager.ts';
import { ELECTION, GATE, isRefusal, type MadePod, PolicyScene, ROLE, STRATEGIC, TOKEN } from './policy-scene.ts';

let controlPlane: ControlPlane;
let scene: PolicyScene;
let own: MadePod;
let peer: MadePod;
let stranger: MadePod;
let replica: ApiClient;

beforeAll(async () => {
  controlPlane = await startControlPlane();
  scene = await PolicyScene.open(controlPlane, 'policy');
  own = await scene.makePod('own');
  peer = await scene.makePod('peer', { [ELECTION]: 'leasegate', [ROLE]: 'leader' });
  stranger = await scene.makePod('stranger', { [ELECTION]: 'other' });
  replica = await scene.clientIn(own);
});
afterAll(() => controlPlane?.close());

/** A refusal by the policy; what it says. */
async function refused(answer: Promise<ApiAnswer>): Promise<string> {
  const got = await answer;
  const { metadata, message } = got.body;
  expect(isRefusal(got), `${got.status} ${message ?? JSON.stringify(metadata)}`).toBe(true);
  return message;
}

async function allowed(answer: Promise<ApiAnswer>): Promise<void> {
  const { status, body } = await answer;
  expect(status, JSON.stringify(body)).toBeOneOf([200, 201]);
}

const label = (pod: MadePod, labels: object, annotations: object = {}) =>
  replica.patch(pod.path, { metadata: { labels, annotations } });
const condition = (pod: MadePod, ...conditions: object[]) =>
  replica.patch(`${pod.path}/status`, { status: { conditions } }, STRATEGIC);

describe('its own pod', () => {
  test('joins the election of its service account, and no other', async () => {
    expect(await refused(label(own, { [ELECTION]: 'other' }))).toContain('only to leasegate');
    await allowed(label(own, { [ELECTION]: 'leasegate' }));
    await refused(label(own, { [ELECTION]: null }));
  });

  test('gets role, token and conditions', async () => {
    await allowed(label(own, { [ROLE]: 'leader' }, { [TOKEN]: '7' }));
    await allowed(label(own, { [ROLE]: 'standby' }));
    await allowed(condition(own, { type: GATE, status: 'True', reason: 'Leading', message: 'x' }));
    await allowed(condition(own, { type: GATE, status: 'False' }, { type: 'Ready', status: 'False' }));
  });

  test('gets nothing else', async () => {
    await refused(label(own, { app: 'bank' }));
    await refused(label(own, { app: null }));
    await refused(label(own, { [ROLE]: 'king' }));
    await refused(label(own, {}, { 'example.com/x': 'y' }));
    await refused(label(own, {}, { note: null }));
    await refused(replica.patch(own.path, { metadata: { finalizers: ['example.com/x'] } }));
    const owner = { apiVersion: 'v1', kind: 'Pod', name: peer.name, uid: peer.uid };
    await refused(replica.patch(own.path, { metadata: { ownerReferences: [owner] } }));
    const container = { name: 'app', image: 'example.com/evil' };
    await refused(replica.patch(own.path, { spec: { containers: [container] } }, STRATEGIC));
    expect(await refused(condition(own, { type: 'Ready', status: 'True' }))).toContain('for the kubelet to say');
    await refused(condition(own, { type: 'ContainersReady', status: 'False' }));
    await refused(condition(own, { type: 'ContainersReady', $patch: 'delete' }));
    await refused(replica.patch(`${own.path}/status`, { status: { podIP: '10.6.6.6', podIPs: [{ ip: '10.6.6.6' }] } }));
    await refused(replica.patch(`${own.path}/status`, { status: { message: 'x' } }));
  });

  test('gets no label by way of its status', async () => {
    // What the API server does not ignore by itself, the policy refuses.
    await replica.patch(`${own.path}/status`, { metadata: { labels: { app: 'bank' } } });
    expect((await replica.get(own.path)).body.metadata.labels.app).toBe('web');
  });
});

describe('another pod of its election', () => {
  test('is never said to lead', async () => {
    await allowed(label(peer, { [ROLE]: 'standby' }));
    expect(await refused(label(peer, { [ROLE]: 'leader' }))).toContain('of nobody else that it leads');
    await refused(condition(peer, { type: GATE, status: 'True' }));
    await refused(condition(peer, { type: 'Ready', status: 'True', message: 'x' }));
  });

  test('has leadership taken away, as a new leader does after a crash', async () => {
    await allowed(label(peer, { [ROLE]: 'standby', [ELECTION]: 'leasegate' }, { [TOKEN]: '8' }));
    await allowed(condition(peer, { type: GATE, status: 'False' }, { type: 'Ready', status: 'False' }));
  });

  test('gets no token while it leads', async () => {
    await scene.controlPlane.admin.patch(peer.path, { metadata: { labels: { [ROLE]: 'leader' } } });
    expect(await refused(label(peer, {}, { [TOKEN]: '99' }))).toContain('only where it is a standby');
    await allowed(label(peer, { [ROLE]: 'standby' }, { [TOKEN]: '8' }));
  });

  test('gets nothing else', async () => {
    await refused(label(peer, { [ELECTION]: null }));
    await refused(label(peer, { [ELECTION]: 'other' }));
    await refused(label(peer, { app: 'bank' }));
    await refused(label(peer, {}, { 'example.com/x': 'y' }));
    await refused(condition(peer, { type: 'ContainersReady', status: 'False' }));
    await refused(replica.patch(`${peer.path}/status`, { status: { phase: 'Failed' } }));
  });

  test('is not made unready where its readiness does not depend on who leads', async () => {
    const plain = await scene.makePod('plain', { [ELECTION]: 'leasegate' }, false);
    expect(await refused(condition(plain, { type: 'Ready', status: 'False' }))).toContain('has the readiness gate');
    await allowed(condition(plain, { type: GATE, status: 'False' }));
  });
});

describe('a pod of another election, or of none', () => {
  test('is not touched at all', async () => {
    const bystander = await scene.makePod('bystander');
    for (const pod of [stranger, bystander]) {
      expect(await refused(label(pod, { [ROLE]: 'standby' }))).toContain('nor one of election leasegate');
      await refused(label(pod, { [ELECTION]: 'leasegate', [ROLE]: 'standby' }));
      await refused(label(pod, {}, { [TOKEN]: '9' }));
      await refused(condition(pod, { type: GATE, status: 'False' }));
      await refused(condition(pod, { type: 'Ready', status: 'False' }));
    }
  });
});

describe('Leases', () => {
  test('of its election are created and updated, not deleted', async () => {
    const { body } = await replica.get(scene.leases('leasegate'));
    await allowed(replica.put(scene.leases('leasegate'), { ...body, spec: { holderIdentity: 'own_1_2' } }));
    expect(await refused(replica.delete(scene.leases('leasegate')))).toContain('may delete');
    await refused(replica.delete(scene.leases()));
    await controlPlane.admin.delete(scene.leases('leasegate'));
    await allowed(replica.post(scene.leases(), { metadata: { name: 'leasegate' } }));
  });

  test('of further elections are created and updated where its service account names them', async () => {
    const further = (name: string) => replica.post(scene.leases(), { metadata: { name } });
    expect(await refused(further('shard-b'))).toContain('leasegate.dev/further-elections');
    const metadata = { annotations: { 'leasegate.dev/further-elections': 'shard-a, shard-b' } };
    await controlPlane.admin.patch(scene.core('serviceaccounts/leasegate'), { metadata });
    await until('the annotation is known', 10_000, async () => (await further('shard-b')).status === 201);
    const { body } = await replica.get(scene.leases('shard-b'));
    await allowed(replica.put(scene.leases('shard-b'), { ...body, spec: { holderIdentity: 'own_1_2' } }));
    await refused(replica.delete(scene.leases('shard-b')));
    await refused(further('shard-c'));
    await refused(further('shard-a-x'));
  });

  test('of its election are not given owners or finalizers: the garbage collector would delete them in its place', async () => {
    const { body } = await replica.get(scene.leases('leasegate'));
    const owner = { apiVersion: 'v1', kind: 'Pod', name: own.name, uid: own.uid };
    const lease = (more: object) => ({ ...body, metadata: { ...body.metadata, ...more } });
    for (const more of [{ ownerReferences: [owner] }, { finalizers: ['example.com/x'] }]) {
      const put = replica.put(scene.leases('leasegate'), lease(more));
      expect(await refused(put)).toContain('no owners or finalizers');
    }
    await controlPlane.admin.delete(scene.leases('leasegate'));
    const fresh = { name: 'leasegate' };
    await refused(replica.post(scene.leases(), { metadata: { ...fresh, ownerReferences: [owner] } }));
    await allowed(replica.post(scene.leases(), { metadata: fresh }));
    // Those of others are kept.
    await controlPlane.admin.patch(scene.leases('leasegate'), { metadata: { ownerReferences: [owner] } });
    const owned = (await replica.get(scene.leases('leasegate'))).body;
    await allowed(replica.put(scene.leases('leasegate'), { ...owned, spec: { holderIdentity: 'own_1_2' } }));
    await refused(replica.patch(scene.leases('leasegate'), { metadata: { ownerReferences: null } }));
    await controlPlane.admin.patch(scene.leases('leasegate'), { metadata: { ownerReferences: null } });
  });

  test('of others are refused, with the remedy', async () => {
    await controlPlane.admin.post(scene.leases(), { metadata: { name: 'other' } });
    const message = await refused(replica.patch(scene.leases('other'), { spec: { holderIdentity: 'own_1_2' } }));
    expect(message).toContain('correct the label leasegate.dev/election of service account leasegate');
    await refused(replica.post(scene.leases(), { metadata: { name: 'another' } }));
    await refused(replica.delete(scene.leases('other')));
  });

  test('of its own belong to its own pod', async () => {
    const of = ({ name, uid }: MadePod) => ({ apiVersion: 'v1', kind: 'Pod', name, uid });
    const lease = (name: string, ...ownerReferences: object[]) => ({ metadata: { name, ownerReferences } });
    await allowed(replica.post(scene.leases(), lease('leasegate-1', of(own))));
    await allowed(replica.patch(scene.leases('leasegate-1'), { spec: { holderIdentity: 'own_1_2' } }));
    await refused(replica.patch(scene.leases('leasegate-1'), { metadata: { ownerReferences: [of(peer)] } }));
    await refused(replica.post(scene.leases(), lease('leasegate-2', of(peer))));
    await refused(replica.post(scene.leases(), lease('leasegate-2')));
    await refused(replica.post(scene.leases(), lease('other-2', of(own))));
    await controlPlane.admin.post(scene.leases(), lease('leasegate-3', of(peer)));
    await refused(replica.patch(scene.leases('leasegate-3'), { metadata: { ownerReferences: [of(own)] } }));
    await refused(replica.delete(scene.leases('leasegate-3')));
    await allowed(replica.delete(scene.leases('leasegate-1')));
  });
});

describe('EndpointSlices', () => {
  const slice = (service: string, pod: MadePod, changes: object = {}) => ({
    metadata: {
      name: `${service}.leasegate`,
      labels: {
        'kubernetes.io/service-name': service,
        'endpointslice.kubernetes.io/managed-by': 'leasegate.dev',
        [ELECTION]: 'leasegate',
      },
    },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'], targetRef: { kind: 'Pod', name: pod.name, uid: pod.uid } }],
    ...changes,
  });

  test('hold its own pod, for a Service that it may read', async () => {
    await refused(replica.post(scene.slices(), slice('web', peer)));
    await refused(replica.post(scene.slices(), slice('web', own, { metadata: { name: 'web.leasegate' } })));
    expect(await refused(replica.post(scene.slices(), slice('bank', own)))).toContain('may not get Service bank');
    await allowed(replica.post(scene.slices(), slice('web', own)));
    await refused(replica.patch(scene.slices('web.leasegate'), { endpoints: slice('web', peer).endpoints }));
    await refused(replica.patch(scene.slices('web.leasegate'), { endpoints: [{ addresses: ['10.6.6.6'] }] }));
    await allowed(replica.patch(scene.slices('web.leasegate'), { endpoints: [] }));
  });

  test('lose the address of the leader before, and keep one that was there', async () => {
    await controlPlane.admin.patch(scene.slices('web.leasegate'), { endpoints: slice('web', peer).endpoints });
    const both = [...slice('web', own).endpoints, ...slice('web', peer).endpoints];
    await allowed(replica.patch(scene.slices('web.leasegate'), { endpoints: both }));
    await allowed(replica.patch(scene.slices('web.leasegate'), { endpoints: slice('web', own).endpoints }));
  });

  test('of other Services are refused', async () => {
    const foreign = { ...slice('web', peer), metadata: { name: 'web-abc12' } };
    await controlPlane.admin.post(scene.slices(), foreign);
    await refused(replica.patch(scene.slices('web-abc12'), { endpoints: [] }));
  });
});

describe('who is concerned', () => {
  test('a token that no pod is bound to writes nothing', async () => {
    const outside = await scene.clientOutside();
    expect(await refused(outside.patch(own.path, { metadata: { labels: { [ROLE]: 'standby' } } }))).toContain(
      'projected volume',
    );
    await refused(outside.patch(scene.leases('leasegate'), { spec: { holderIdentity: 'x' } }));
  });

  test('service accounts that are for no election, and people, are not', async () => {
    await allowed(controlPlane.admin.patch(own.path, { metadata: { labels: { app: 'web', x: 'y' } } }));
    await allowed(controlPlane.admin.patch(own.path, { metadata: { labels: { x: null } } }));
    await controlPlane.kubectl('-n', 'policy', 'label', 'serviceaccount', 'leasegate', `${ELECTION}-`);
    await expect.poll(async () => (await label(peer, { x: 'y' })).status, { timeout: 20_000, interval: 200 }).toBe(200);
  });
});

test('the types of all validations are right, also in branches that are seldom taken', async () => {
  const manager = await startControllerManager(controlPlane, {
    controllers: ['validatingadmissionpolicy-status-controller'],
  });
  try {
    for (const name of ['leases', 'pods', 'endpointslices']) {
      const path = `/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/leasegate-${name}`;
      const checked = async () => (await controlPlane.admin.get(path)).body.status?.typeChecking;
      await expect.poll(checked, { timeout: 30_000 }).toBeDefined();
      expect((await checked()).expressionWarnings ?? [], name).toEqual([]);
    }
  } finally {
    await manager.close();
  }
});
