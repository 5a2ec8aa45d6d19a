import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import type { LoadedKubeConfig } from '../kube/kubeconfig.ts';
import { TestContext } from './context.fixture.ts';
import { nameLease } from './lease-name.ts';

/** Answers of the API server by path; what is not there is absent. */
let objects: Record<string, [status: number, body: unknown]>;
let asked: string[];
let server: http.Server;
let context: TestContext;

const PODS = '/api/v1/namespaces/shop/pods';
const REPLICASETS = '/apis/apps/v1/namespaces/shop/replicasets';
const owned = (apiVersion: string, kind: string, name: string): [number, unknown] => [
  200,
  {
    metadata: {
      name: 'x',
      uid: 'x',
      resourceVersion: '1',
      ownerReferences: [{ apiVersion, kind, name, controller: true }],
    },
  },
];
const orphan = (annotations: Record<string, string>): [number, unknown] => [
  200,
  { metadata: { name: 'x', uid: 'x', resourceVersion: '1', annotations } },
];
const status = (code: number, reason: string, more: object = {}): [number, unknown] => [
  code,
  { kind: 'Status', reason, message: `it is ${reason}`, ...more },
];

beforeEach(async () => {
  objects = {};
  asked = [];
  context = new TestContext();
  server = http.createServer((request, response) => {
    const path = request.url!;
    asked.push(path);
    const [kind, name] = path.split('/').slice(-2);
    const [code, body] = objects[path] ?? status(404, 'NotFound', { details: { kind, name } });
    response.writeHead(code).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function configOf(env: Record<string, string> = {}): LoadedConfig {
  const result = loadConfig({
    argv: ['--retry-period=100ms', '--probe-listen=127.0.0.1:0', '--api-listen=127.0.0.1:0'],
    env: { LEASEGATE_LEASE_NAME_PREFIX: 'worker', POD_NAME: 'web-1', POD_NAMESPACE: 'shop', ...env },
    readFile: () => undefined,
    hostname: () => 'host',
    randomHex: (bytes) => 'ab'.repeat(bytes),
    kubeconfigNamespace: () => undefined,
  });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

function kube(): LoadedKubeConfig {
  const config = new KubeConfig();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  config.loadFromClusterAndUser({ name: 'x', server: url, skipTLSVerify: false }, { name: 'x', token: 'abc' });
  return { config, server: url, tokenFile: null, namespace: undefined };
}
const name = (env?: Record<string, string>) => nameLease(configOf(env), kube(), context);

describe('the name of the Lease', () => {
  test('that was told is taken without asking anybody', async () => {
    const named = await name({ LEASEGATE_LEASE_NAME: 'web', LEASEGATE_LEASE_NAME_PREFIX: '' });
    expect(named).toMatchObject({ config: { lease: { namespace: 'shop', name: 'web' }, leaseNameOf: null } });
    expect(asked).toEqual([]);
  });

  test('is made of the workload of this pod, with two requests and no word in the log', async () => {
    objects[`${PODS}/web-1`] = owned('apps/v1', 'ReplicaSet', 'web-5d4');
    objects[`${REPLICASETS}/web-5d4`] = owned('apps/v1', 'Deployment', 'web');
    expect(await name()).toMatchObject({
      config: {
        lease: { namespace: 'shop', name: expect.stringMatching(/^worker-[a-z2-7]{26}$/) },
        leaseNameOf: { apiGroup: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' },
      },
    });
    expect(asked).toEqual([`${PODS}/web-1`, `${REPLICASETS}/web-5d4`]);
    expect(context.out + context.err).toBe('');
  });

  test.each([
    ['LEASE_NAME_NO_POD', null],
    ['LEASE_NAME_NO_WORKLOAD', [200, { metadata: { name: 'x', uid: 'x', resourceVersion: '1' } }] as [number, unknown]],
  ])('that will never be known ends the process: %s, with the remedy', async (code, pod) => {
    if (pod !== null) objects[`${PODS}/web-1`] = pod;
    expect(await name()).toEqual({ exitCode: 2 });
    expect(context.err).toMatch(new RegExp(`^leasegate: ${code} .*pod shop/web-1.*; .*LEASEGATE_LEASE_NAME`));
  });

  test('that may not be read is asked for again, and one line in the log says which rules are missing', async () => {
    objects[`${PODS}/web-1`] = status(403, 'Forbidden');
    const named = name();
    await vi.waitFor(() => expect(asked.length).toBeGreaterThan(2), 10_000);
    objects[`${PODS}/web-1`] = owned('apps/v1', 'StatefulSet', 'web');
    expect(await named).toMatchObject({ config: { leaseNameOf: { kind: 'StatefulSet' } } });
    const lines = context.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([
      expect.objectContaining({ level: 'warn', code: 'LEASE_NAME_UNKNOWN', failure: 'forbidden' }),
    ]);
    for (const resource of ['pods', 'replicasets', 'jobs']) expect(lines[0].remedy).toContain(`["${resource}"]`);
  });

  test('is waited for while a ReplicaSet has lost its Deployment, with one line in the log, and is the old one after', async () => {
    objects[`${PODS}/web-1`] = owned('apps/v1', 'ReplicaSet', 'web-5d4');
    objects[`${REPLICASETS}/web-5d4`] = orphan({ 'deployment.kubernetes.io/revision': '3' });
    const named = name();
    await vi.waitFor(() => expect(asked.length).toBeGreaterThan(4), 10_000);
    objects[`${REPLICASETS}/web-5d4`] = owned('apps/v1', 'Deployment', 'web');
    expect(await named).toMatchObject({ config: { leaseNameOf: { kind: 'Deployment', name: 'web' } } });
    expect(context.out.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(context.out)).toMatchObject({ code: 'LEASE_NAME_UNKNOWN', failure: 'orphaned' });
  });

  test('that is not known yet keeps the probes content, and nobody leads', async () => {
    objects[`${PODS}/web-1`] = status(503, 'ServiceUnavailable');
    const ports = await freePorts();
    const named = nameLease({ ...configOf(), ...ports }, kube(), context);
    const ask = async (port: number, path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      // biome-ignore lint/suspicious/noExplicitAny: whatever was answered
      return { status: response.status, body: (await response.json()) as any };
    };
    await vi.waitFor(() => expect(asked.length).toBeGreaterThan(1), 10_000);
    const { apiListen, probeListen } = ports;
    expect(await ask(apiListen.port, '/leader')).toMatchObject({
      status: 200,
      body: {
        isLeader: false,
        leader: null,
        validForMs: 0,
        fencingToken: null,
        lease: { namespace: 'shop', name: null },
      },
    });
    expect((await ask(apiListen.port, '/is-leader')).status).toBe(503);
    expect((await ask(apiListen.port, '/step-down')).status).toBe(503);
    expect((await ask(probeListen.port, '/healthz')).status).toBe(200);
    expect(await ask(probeListen.port, '/readyz')).toMatchObject({
      status: 503,
      body: {
        error: { code: 'NOT_READY', message: expect.stringContaining('get pods failed: it is ServiceUnavailable') },
      },
    });
    context.signal('SIGTERM');
    expect(await named).toEqual({ exitCode: 0 });
    await expect(fetch(`http://127.0.0.1:${apiListen.port}/leader`)).rejects.toThrow();
  });

  test('is not waited for any longer once the process is told to end, though nobody answers', async () => {
    server.removeAllListeners('request');
    const silent = new Promise<void>((resolve) => void server.once('request', () => resolve()));
    const named = name();
    await silent;
    context.signal('SIGTERM');
    expect(await named).toEqual({ exitCode: 0 });
  });
});

/** Two of 127.0.0.1 that were free a moment ago. */
async function freePorts() {
  const servers = await Promise.all(
    [0, 1].map(async () => {
      const each = http.createServer();
      await new Promise<void>((resolve) => void each.listen(0, '127.0.0.1', resolve));
      return each;
    }),
  );
  const [local, probe] = servers.map((each) => (each.address() as AddressInfo).port);
  await Promise.all(servers.map((each) => new Promise((resolve) => each.close(resolve))));
  return { apiListen: { host: '127.0.0.1', port: local! }, probeListen: { host: '127.0.0.1', port: probe! } };
}
