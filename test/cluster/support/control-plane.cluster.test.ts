import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { tokenLeewaySeconds } from './tokens.ts';

const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
const serviceAccounts = '/api/v1/namespaces/default/serviceaccounts';

let controlPlane: ControlPlane;
beforeAll(async () => {
  controlPlane = await startControlPlane({ audit: true });
});
afterAll(async () => {
  await controlPlane?.close();
  expect(existsSync(controlPlane.directory)).toBe(false);
});

async function createServiceAccount(name: string): Promise<string> {
  const { status, body } = await controlPlane.admin.post(serviceAccounts, { metadata: { name } });
  expect(status).toBe(201);
  return body.metadata.uid;
}

describe('control plane', () => {
  test('is the Kubernetes release that is pinned, and kubectl reaches it', async () => {
    const { body } = await controlPlane.admin.get('/version');
    expect(body.gitVersion).toMatch(/^v1\.36\.\d+$/);
    expect(await controlPlane.kubectl('get', '--raw', '/readyz')).toBe('ok');
  });

  test('RBAC refuses a service account without a role, and says what is missing', async () => {
    await createServiceAccount('powerless');
    const client = controlPlane.clientFor(await controlPlane.serviceAccountToken('default', 'powerless'));
    const { status, body } = await client.get(leases);
    expect(status).toBe(403);
    expect(body.message).toContain('cannot list resource "leases"');
  });

  test('a minted token counts until its expiry plus leeway', async () => {
    const serviceAccountUid = await createServiceAccount('short-lived');
    const mint = (expiresInSeconds: number) =>
      controlPlane.mintToken({
        namespace: 'default',
        serviceAccount: 'short-lived',
        serviceAccountUid,
        expiresInSeconds,
      });
    const statusOf = async (token: string) => (await controlPlane.clientFor(token).get(leases)).status;
    expect(await statusOf(mint(60))).toBe(403);
    expect(await statusOf(mint(5 - tokenLeewaySeconds))).toBe(403);
    expect(await statusOf(mint(-1 - tokenLeewaySeconds))).toBe(401);
  });

  test('a token bound to a pod names that pod', async () => {
    const serviceAccountUid = await createServiceAccount('in-a-pod');
    const pod = await controlPlane.admin.post('/api/v1/namespaces/default/pods', {
      metadata: { name: 'a-pod' },
      spec: { serviceAccountName: 'in-a-pod', containers: [{ name: 'main', image: 'none' }] },
    });
    expect(pod.status).toBe(201);
    const token = controlPlane.mintToken({
      namespace: 'default',
      serviceAccount: 'in-a-pod',
      serviceAccountUid,
      pod: { name: 'a-pod', uid: pod.body.metadata.uid },
      expiresInSeconds: 60,
    });
    const review = await controlPlane.clientFor(token).post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {});
    expect(review.body.status.userInfo.extra['authentication.kubernetes.io/pod-name']).toEqual(['a-pod']);
  });

  test.each(['gracefully', 'at-once'] as const)('the API server, stopped %s, comes back with its data', async (how) => {
    const name = `kept-${how}`;
    const created = await controlPlane.admin.post(leases, { metadata: { name }, spec: { holderIdentity: 'me' } });
    await controlPlane.stopApiServer(how);
    await expect(controlPlane.admin.get(leases)).rejects.toThrow('ECONNREFUSED');
    await controlPlane.startApiServer();
    const { body } = await controlPlane.admin.get(`${leases}/${name}`);
    expect(body.metadata.uid).toBe(created.body.metadata.uid);
  });

  test('etcd comes back with its data under a running API server', async () => {
    await controlPlane.admin.post(leases, { metadata: { name: 'kept-by-etcd' } });
    await controlPlane.stopEtcd();
    await controlPlane.startEtcd();
    const kept = () => controlPlane.admin.get(`${leases}/kept-by-etcd`, { timeoutMs: 1_000 });
    await expect.poll(async () => (await kept()).status, { timeout: 60_000 }).toBe(200);
  });

  test('a paused API server answers nothing until it is resumed', async () => {
    controlPlane.pauseApiServer();
    await expect(controlPlane.admin.get('/readyz', { timeoutMs: 300 })).rejects.toThrow('aborted');
    controlPlane.resumeApiServer();
    expect((await controlPlane.admin.get('/readyz')).status).toBe(200);
  });

  test('the audit log tells who did what to which Lease', async () => {
    await controlPlane.admin.post(leases, { metadata: { name: 'audited' } });
    await expect
      .poll(() => controlPlane.auditEntries())
      .toContainEqual(
        expect.objectContaining({
          verb: 'create',
          user: expect.objectContaining({ username: 'admin' }),
          objectRef: expect.objectContaining({ resource: 'leases', namespace: 'default' }),
          responseStatus: expect.objectContaining({ code: 201 }),
        }),
      );
  });

  test('a kubeconfig can name a token file', async () => {
    const path = join(controlPlane.directory, 'by-file.kubeconfig');
    const tokenFile = join(controlPlane.directory, 'token');
    await controlPlane.kubeconfigFor({ path, tokenFile, namespace: 'default' });
    await writeFile(tokenFile, controlPlane.adminToken);
    const whoAmI = await controlPlane.kubectl('--kubeconfig', path, 'auth', 'whoami', '-o', 'json');
    expect(JSON.parse(whoAmI).status.userInfo.username).toBe('admin');
  });
});
