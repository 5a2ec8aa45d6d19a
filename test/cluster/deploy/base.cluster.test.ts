import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiClient } from '../support/api-client.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { deploy, restrictedNamespace } from './shipped.ts';

const namespace = 'shipped';
const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
const lease = `${leases}/leasegate`;

let controlPlane: ControlPlane;
beforeAll(async () => {
  controlPlane = await startControlPlane();
  await restrictedNamespace(controlPlane, namespace);
});
afterAll(() => controlPlane?.close());

const kubectl = (...args: string[]): Promise<string> => controlPlane.kubectl('--namespace', namespace, ...args);

describe('a replica with the shipped Role', () => {
  let replica: ApiClient;
  beforeAll(async () => {
    await kubectl('apply', '--kustomize', join(deploy, 'base'));
    replica = controlPlane.clientFor(await controlPlane.serviceAccountToken(namespace, 'leasegate'));
  });

  test('reads, lists, watches and updates its Lease, and writes Events', async () => {
    const read = await replica.get(lease);
    expect(read.status).toBe(200);
    const selector = `fieldSelector=${encodeURIComponent('metadata.name=leasegate')}`;
    expect(await replica.get(`${leases}?${selector}`)).toMatchObject({ status: 200, body: { items: [{}] } });
    expect(await replica.get(`${leases}?${selector}&watch=true&timeoutSeconds=1`)).toMatchObject({ status: 200 });
    expect(await replica.put(lease, { ...read.body, spec: { holderIdentity: 'me' } })).toMatchObject({ status: 200 });
    const event = {
      metadata: { name: 'leasegate.1', namespace },
      involvedObject: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', name: 'leasegate', namespace },
      reason: 'LeaderElection',
      message: 'me became leader',
    };
    expect(await replica.post(`/api/v1/namespaces/${namespace}/events`, event)).toMatchObject({ status: 201 });
  });

  test('neither deletes it, nor touches or sees another', async () => {
    expect(await replica.delete(lease)).toMatchObject({ status: 403 });
    expect(await replica.delete(leases)).toMatchObject({ status: 403 });
    expect(await replica.get(leases)).toMatchObject({ status: 403 });
    expect(await replica.get(`${leases}/another`)).toMatchObject({ status: 403 });
    expect(await replica.put(`${leases}/another`, { metadata: { name: 'another' } })).toMatchObject({ status: 403 });
    expect(await replica.patch(lease, { spec: { holderIdentity: '' } })).toMatchObject({ status: 403 });
    expect(await replica.get(`/api/v1/namespaces/${namespace}/pods`)).toMatchObject({ status: 403 });
  });

  test('keeps the Lease when the manifests are applied again', async () => {
    const { body } = await controlPlane.admin.get(lease);
    await replica.put(lease, { ...body, spec: { ...body.spec, holderIdentity: 'holder', leaseDurationSeconds: 15 } });
    await kubectl('apply', '--kustomize', join(deploy, 'base'));
    await kubectl('apply', '--server-side', '--force-conflicts', '--kustomize', join(deploy, 'base'));
    const { spec } = (await controlPlane.admin.get(lease)).body;
    expect(spec).toMatchObject({ holderIdentity: 'holder', leaseDurationSeconds: 15 });
  });
});
