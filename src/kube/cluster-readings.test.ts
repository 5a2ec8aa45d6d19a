import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NO_METRICS, SILENT_LOG } from '../../test/scenarios/support/world.ts';
import { startLeaseServer } from '../lease-server/index.ts';
import { systemClock } from '../ports/clock.ts';
import { KubeClient } from './client.ts';
import { ApiReadings } from './cluster-readings.ts';
import { Credentials } from './credentials.ts';
import { HttpTransport } from './http-transport.ts';
import { type LoadedKubeConfig, loadKubeConfig } from './kubeconfig.ts';

interface Answer {
  readonly status?: number;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body: unknown;
}

let directory: string;
let server: http.Server;
let requests: { readonly method: string; readonly path: string; readonly body: unknown }[];
let answer: (path: string) => Answer;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'leasegate-doctor-'));
  requests = [];
  server = http.createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    requests.push({ method: request.method!, path: request.url!, body: text === '' ? undefined : JSON.parse(text) });
    const { status = 200, headers = {}, body } = answer(request.url!);
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true });
});

const urlOf = (one: http.Server) => `http://127.0.0.1:${(one.address() as AddressInfo).port}`;

function readingsOf(url = urlOf(server), token = 'abc'): ApiReadings {
  const transportOptions = kubeconfigOf(url, token);
  const clock = systemClock;
  const credentials = new Credentials(transportOptions, clock, SILENT_LOG);
  const client = new KubeClient({
    transport: new HttpTransport(url, credentials),
    clock,
    metrics: NO_METRICS,
    log: SILENT_LOG,
  });
  return new ApiReadings({ client, credentials, clock });
}

function kubeconfigOf(url: string, token: string): LoadedKubeConfig {
  const path = join(directory, 'kubeconfig');
  const config = {
    clusters: [{ name: 'x', cluster: { server: url } }],
    users: [{ name: 'x', user: { token } }],
    contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
    'current-context': 'x',
  };
  writeFileSync(path, JSON.stringify(config));
  return loadKubeConfig({ kubeconfig: path, inCluster: false, homeDirectory: '/nowhere' });
}

const status = (code: number, reason: string, details: object = {}): Answer => ({
  status: code,
  body: { kind: 'Status', reason, message: `${reason} it is`, details },
});
const meta = { name: 'web', uid: 'uid-web', resourceVersion: '7' };

describe('the server', () => {
  test('tells its version, and the time by its Date header', async () => {
    answer = () => ({ body: { gitVersion: 'v1.36.2' }, headers: { Date: 'Thu, 01 Jan 2026 00:00:00 GMT' } });
    const beforeMs = Date.now();
    const { version, dateWallMs, sentWallMs, receivedWallMs } = await readingsOf().server();
    expect(version).toEqual({ ok: true, value: 'v1.36.2' });
    expect(dateWallMs).toBe(Date.parse('2026-01-01T00:00:00Z'));
    expect(sentWallMs).toBeGreaterThanOrEqual(beforeMs);
    expect(receivedWallMs).toBeGreaterThanOrEqual(sentWallMs);
    expect(requests).toEqual([{ method: 'GET', path: '/version', body: undefined }]);
  });

  test('may keep its version to itself, and is an API server all the same', async () => {
    answer = () => status(403, 'Forbidden');
    expect((await readingsOf().server()).version).toEqual({ ok: true, value: null });
  });

  test.each<[string, Answer, string]>([
    ['refuses the credentials', status(401, 'Unauthorized'), 'unauthorized'],
    ['has trouble', status(500, 'InternalError'), 'server-error'],
    ['is overloaded', status(429, 'TooManyRequests'), 'throttled'],
    ['is a login page', { body: '<html>' }, 'unexpected'],
    ['is a proxy that refuses', { status: 403, body: '<html>' }, 'forbidden'],
    ['has no version', { body: {} }, 'unexpected'],
  ])('that %s has no version', async (_, given, code) => {
    answer = () => ({ ...given, headers: { Date: 'no date' } });
    expect(await readingsOf().server()).toMatchObject({ version: { ok: false, failure: { code } }, dateWallMs: null });
  });

  test('that is not there is unreachable', async () => {
    const url = urlOf(server);
    server.close();
    const { version, dateWallMs } = await readingsOf(url).server();
    expect(version).toMatchObject({ ok: false, failure: { code: 'unreachable' } });
    expect(dateWallMs).toBeNull();
  });

  test('that accepts and never answers counts as one that took too long, after a few seconds', async () => {
    const silent = http.createServer(() => {});
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
    const startMs = performance.now();
    expect(await readingsOf(urlOf(silent)).server()).toMatchObject({ version: { failure: { code: 'timeout' } } });
    expect(performance.now() - startMs).toBeLessThan(10_000);
    silent.closeAllConnections();
    silent.close();
  }, 15_000);
});

describe('a token', () => {
  const tokenOf = (payload: unknown) => `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.c2ln`;

  test('says when it expires', async () => {
    expect(await readingsOf(undefined, tokenOf({ exp: 1_767_225_600 })).tokenExpiresWallMs()).toBe(1_767_225_600_000);
  });

  test.each([
    ['no JSON Web Token', 'opaque'],
    ['one that never expires', tokenOf({ sub: 'me' })],
    ['one with nonsense for a time', tokenOf({ exp: 'tomorrow' })],
    ['one that is no JSON', 'a.b.c'],
  ])('that is %s says nothing', async (_, token) => {
    expect(await readingsOf(undefined, token).tokenExpiresWallMs()).toBeNull();
  });
});

describe('rights', () => {
  const access = { namespace: 'shop', verb: 'patch', group: '', resource: 'pods/status', name: 'web-0' };
  const resourceAttributes = {
    namespace: 'shop',
    verb: 'patch',
    group: '',
    resource: 'pods',
    subresource: 'status',
    name: 'web-0',
  };

  test('of the caller are asked for by a review that is stored nowhere', async () => {
    answer = () => ({ status: 201, body: { status: { allowed: true } } });
    expect(await readingsOf().allowed(access, null)).toEqual({ ok: true, value: true });
    expect(requests).toEqual([
      {
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          spec: { resourceAttributes },
        },
      },
    ]);
  });

  test('of a service account go with its groups', async () => {
    answer = () => ({ status: 201, body: { status: { allowed: false } } });
    expect(await readingsOf().allowed(access, { namespace: 'shop', name: 'web' })).toEqual({ ok: true, value: false });
    expect(requests).toMatchObject([
      {
        path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        body: {
          kind: 'SubjectAccessReview',
          spec: {
            resourceAttributes,
            user: 'system:serviceaccount:shop:web',
            groups: ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'],
          },
        },
      },
    ]);
  });

  test('are not known where the answer is none', async () => {
    answer = () => ({ body: { status: {} } });
    expect(await readingsOf().allowed(access, null)).toMatchObject({ ok: false, failure: { code: 'unexpected' } });
    answer = () => status(403, 'Forbidden');
    expect(await readingsOf().allowed(access, null)).toMatchObject({ ok: false, failure: { code: 'forbidden' } });
  });

  test('the caller is told his name', async () => {
    answer = () => ({ status: 201, body: { status: { userInfo: { username: 'system:serviceaccount:shop:web' } } } });
    expect(await readingsOf().user()).toEqual({ ok: true, value: 'system:serviceaccount:shop:web' });
    expect(requests).toMatchObject([{ method: 'POST', path: '/apis/authentication.k8s.io/v1/selfsubjectreviews' }]);
  });
});

describe('objects', () => {
  test('are read by their names, and nothing is written', async () => {
    answer = (path) => ({
      body: path.endsWith('poddisruptionbudgets') ? { items: [{ metadata: meta }] } : { metadata: meta },
    });
    const readings = readingsOf();
    const all = await Promise.all([
      readings.lease('shop', 'web'),
      readings.pod('shop', 'web'),
      readings.service('shop', 'web'),
      readings.serviceAccount({ namespace: 'shop', name: 'web' }),
      readings.workload('shop', 'ReplicaSet', 'web'),
      readings.workload('shop', 'Deployment', 'web'),
      readings.workload('shop', 'StatefulSet', 'web'),
      readings.disruptionBudgets('shop'),
      readings.namespaceExists('shop'),
      readings.admissionPolicyBound('leasegate-leases'),
    ]);
    expect(all).toEqual([
      ...Array.from({ length: 7 }, () => ({ ok: true, value: { metadata: meta } })),
      { ok: true, value: [{ metadata: meta }] },
      { ok: true, value: true },
      { ok: true, value: true },
    ]);
    expect(requests.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
      'GET /api/v1/namespaces/shop',
      'GET /api/v1/namespaces/shop/pods/web',
      'GET /api/v1/namespaces/shop/serviceaccounts/web',
      'GET /api/v1/namespaces/shop/services/web',
      'GET /apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/leasegate-leases',
      'GET /apis/apps/v1/namespaces/shop/deployments/web',
      'GET /apis/apps/v1/namespaces/shop/replicasets/web',
      'GET /apis/apps/v1/namespaces/shop/statefulsets/web',
      'GET /apis/coordination.k8s.io/v1/namespaces/shop/leases/web',
      'GET /apis/policy/v1/namespaces/shop/poddisruptionbudgets',
    ]);
  });

  test('that are not there are null; a path that is not there is a failure', async () => {
    answer = () => status(404, 'NotFound', { kind: 'leases', name: 'web' });
    expect(await readingsOf().lease('shop', 'web')).toEqual({ ok: true, value: null });
    answer = () => status(404, 'NotFound', { kind: 'namespaces', name: 'shop' });
    expect(await readingsOf().namespaceExists('shop')).toEqual({ ok: true, value: false });
    answer = () => ({ status: 404, body: '404 page not found' });
    expect(await readingsOf().lease('shop', 'web')).toMatchObject({ ok: false, failure: { code: 'unexpected' } });
  });

  test('that may not be read are a failure in the words of the API server', async () => {
    answer = () => status(403, 'Forbidden');
    expect(await readingsOf().pod('shop', 'web-0')).toEqual({
      ok: false,
      failure: { code: 'forbidden', message: 'Forbidden it is', remedy: null },
    });
  });
});

test('the embedded API server is understood', async () => {
  const leaseServer = await startLeaseServer({ listen: '127.0.0.1:0' });
  try {
    const readings = readingsOf(leaseServer.url);
    const { version, dateWallMs } = await readings.server();
    expect(version.ok).toBe(true);
    expect(Math.abs(dateWallMs! - Date.now())).toBeLessThan(10_000);
    expect(await readings.lease('default', 'web')).toEqual({ ok: true, value: null });
    const access = { namespace: 'default', verb: 'get', group: 'coordination.k8s.io', resource: 'leases' };
    expect(await readings.allowed(access, null)).toEqual({ ok: true, value: true });
  } finally {
    await leaseServer.close();
  }
});
