import { expect, it } from 'vitest';
import { expectStatus } from '../expectations.ts';
import type { NewClient } from '../lease-api-contract.ts';

export function documentClaims(newClient: NewClient): void {
  it('tells its version', async () => {
    const client = await newClient();
    const { status, body } = await client.get('/version');
    expect(status).toBe(200);
    expect(body).toMatchObject({ major: '1', minor: '36', gitVersion: expect.stringMatching(/^v1\.36\.\d+/) });
    expectStatus(await client.post('/version', {}), { code: 405, reason: 'MethodNotAllowed' });
  });

  it('is ready and alive', async () => {
    const client = await newClient();
    for (const path of ['/readyz', '/livez', '/healthz']) {
      const { status, body } = await client.get(path);
      expect([path, status, body]).toEqual([path, 200, 'ok']);
    }
  });

  it('can be discovered', async () => {
    const client = await newClient();
    expect((await client.get('/api')).body).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
    const groups = (await client.get('/apis')).body;
    expect(groups.kind).toBe('APIGroupList');
    const version = { groupVersion: 'coordination.k8s.io/v1', version: 'v1' };
    const coordination = { name: 'coordination.k8s.io', versions: [version], preferredVersion: version };
    expect(groups.groups).toContainEqual(coordination);
    expect((await client.get('/apis/coordination.k8s.io')).body).toEqual({
      kind: 'APIGroup',
      apiVersion: 'v1',
      ...coordination,
    });
    const { body } = await client.get('/apis/coordination.k8s.io/v1');
    expect(body).toMatchObject({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'coordination.k8s.io/v1' });
    expect(body.resources).toContainEqual(
      expect.objectContaining({ name: 'leases', singularName: 'lease', namespaced: true, kind: 'Lease' }),
    );
  });

  it('answers an unknown resource with a Status, and an unknown path with text', async () => {
    const client = await newClient();
    const unknown = {
      code: 404,
      reason: 'NotFound',
      message: 'the server could not find the requested resource',
      details: {},
    };
    const resources = [
      `${client.leases}x`,
      `${client.leases}/x/status`,
      `/api/v1/namespaces/${client.namespace}/leases`,
    ];
    for (const path of resources) expectStatus(await client.get(path), unknown);
    for (const path of ['/nothing', '/apis/no.such.group/v1']) {
      const { status, body } = await client.get(path);
      expect([status, body.trim()]).toEqual([404, '404 page not found']);
    }
  });

  it('makes and reads namespaces', async () => {
    const client = await newClient();
    const { status, body } = await client.get(`/api/v1/namespaces/${client.namespace}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      kind: 'Namespace',
      apiVersion: 'v1',
      metadata: { name: client.namespace, labels: { 'kubernetes.io/metadata.name': client.namespace } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
    expectStatus(await client.post('/api/v1/namespaces', { metadata: { name: client.namespace } }), {
      code: 409,
      reason: 'AlreadyExists',
      details: { name: client.namespace, kind: 'namespaces' },
    });
    expectStatus(await client.get('/api/v1/namespaces/no-such-namespace'), {
      code: 404,
      reason: 'NotFound',
      message: 'namespaces "no-such-namespace" not found',
      details: { name: 'no-such-namespace', kind: 'namespaces' },
    });
  });
}
