import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ProcessTime, VirtualTime } from '../../test/scenarios/support/virtual-time.ts';
import { NO_METRICS, SILENT_LOG } from '../../test/scenarios/support/world.ts';
import { KubeClient } from './client.ts';
import { LeaseStore } from './leases.ts';
import { notFound, ok, refusal, ScriptedTransport } from './scripted-transport.fixture.ts';
import { type KubeRequest, TransportError } from './transport.ts';

const metrics = { ...NO_METRICS, request: vi.fn() };
const log = { ...SILENT_LOG, info: vi.fn(), warn: vi.fn() };
const GET: KubeRequest = { method: 'GET', path: '/x', timeoutMs: 1_000 };
const target = { verb: 'get', apiGroup: 'coordination.k8s.io', resource: 'leases', name: 'cart' } as const;
const lease = { metadata: { uid: 'lease-1', resourceVersion: '100' }, spec: { holderIdentity: 'b' } };

const NO_CART = notFound('leases', 'cart');

let transport: ScriptedTransport;
let client: KubeClient;
beforeEach(() => {
  vi.resetAllMocks();
  transport = new ScriptedTransport();
  client = new KubeClient({ transport, clock: new ProcessTime(new VirtualTime()), metrics, log });
});

const lines = () => [...log.warn.mock.calls, ...log.info.mock.calls].map(([fields]) => fields.code);

describe('a call', () => {
  test('gives the body of a success and counts it', async () => {
    transport.answers = [ok(lease)];
    expect(await client.call(target, GET)).toEqual({ ok: true, body: lease });
    expect(metrics.request).toHaveBeenCalledExactlyOnceWith('get', 'ok', 0);
  });

  test('gives a failure as a value and counts it by its code', async () => {
    transport.answers = [refusal(429, { message: 'slow down' }, 3_000)];
    expect(await client.call(target, GET)).toEqual({
      ok: false,
      failure: { code: 'throttled', message: 'slow down', mayHaveHappened: false, retryAfterMs: 3_000 },
    });
    expect(metrics.request).toHaveBeenCalledExactlyOnceWith('get', 'throttled', 0);
  });

  test('gives what the network did as a value, too', async () => {
    transport.answers = [new TransportError('timeout', 'no answer within 1000 ms')];
    expect(await client.call(target, GET)).toMatchObject({ ok: false, failure: { code: 'timeout' } });
  });

  test('counts a 404 of something that is no API server as what it is', async () => {
    transport.answers = [{ ...refusal(404), body: '404 page not found' }];
    expect(await client.call(target, GET)).toMatchObject({ ok: false, failure: { code: 'unexpected' } });
    expect(metrics.request).toHaveBeenCalledExactlyOnceWith('get', 'unexpected', 0);
    expect(lines()).toEqual(['API_UNEXPECTED']);
  });

  test.each(['list', 'watch', 'create'] as const)(
    'to %s asks for no object, so a 404 says of none that it is missing',
    async (verb) => {
      transport.answers = [NO_CART];
      expect(await client.call({ ...target, verb }, GET)).toMatchObject({ ok: false, failure: { code: 'unexpected' } });
    },
  );

  test('lets a defect through', async () => {
    transport.answers = [new TypeError('a defect')];
    await expect(client.call(target, GET)).rejects.toThrow(TypeError);
  });
});

describe('the log', () => {
  test('has one line per change, not one per attempt', async () => {
    transport.answers = [refusal(403), refusal(403), refusal(403), refusal(500), refusal(500), ok(lease), ok(lease)];
    for (let calls = 0; calls < 7; calls++) await client.call(target, GET);
    expect(log.warn.mock.calls.map(([fields]) => fields.code)).toEqual(['API_FORBIDDEN', 'API_SERVER_ERROR']);
    expect(log.info.mock.calls).toEqual([
      [{ code: 'API_RECOVERED', verb: 'get leases', was: 'server-error' }, 'API server: get leases works again'],
    ]);
  });

  test('tells of a name that is forbidden once, also while another is not', async () => {
    const other = { ...target, name: 'orders' };
    transport.answers = [refusal(403), ok(lease), refusal(403), ok(lease), refusal(403), refusal(403), ok(lease)];
    for (const asked of [target, other, target, other, target, other, target]) await client.call(asked, GET);
    expect(log.warn.mock.calls.map(([fields]) => /resourceNames":\["(\w+)/.exec(fields.remedy)?.[1])).toEqual([
      'cart',
      'orders',
    ]);
    expect(log.info.mock.calls.map(([fields]) => fields.code)).toEqual(['API_RECOVERED']);
  });

  test('tells of an API server that is down once, whatever it is asked for', async () => {
    transport.answers = [refusal(500), refusal(500), refusal(500), ok(lease), ok(lease)];
    for (const name of ['cart', 'orders', 'cart', 'orders', 'cart']) await client.call({ ...target, name }, GET);
    expect(log.warn).toHaveBeenCalledOnce();
    expect(log.info).toHaveBeenCalledOnce();
  });

  test('tells once of one object that is always refused, beside another that is not', async () => {
    const other = { ...target, name: 'orders' };
    for (let rounds = 0; rounds < 5; rounds += 1) {
      transport.answers = [refusal(422), ok(lease)];
      for (const asked of [target, other]) await client.call(asked, GET);
    }
    transport.answers = [ok(lease)];
    await client.call(target, GET);
    expect(lines()).toEqual(['API_INVALID', 'API_RECOVERED']);
  });

  test('an API server that has failed for several objects works again with the last of them', async () => {
    transport.answers = [refusal(500), refusal(500), ok(lease), refusal(500), ok(lease), ok(lease)];
    for (const name of ['cart', 'orders', 'cart', 'orders']) await client.call({ ...target, name }, GET);
    expect(lines()).toEqual(['API_SERVER_ERROR']);
    for (const name of ['orders', 'cart']) await client.call({ ...target, name }, GET);
    expect(lines()).toEqual(['API_SERVER_ERROR', 'API_RECOVERED']);
  });

  test('names the RBAC rule that a 403 asks for', async () => {
    transport.answers = [refusal(403, { message: 'User "x" cannot get resource "leases"' })];
    await client.call(target, GET);
    const { name: _, ...unnamed } = { ...target, verb: 'create' as const };
    await client.call(unnamed, GET);
    const rule = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] };
    expect(log.warn.mock.calls.map(([fields]) => fields.remedy)).toEqual([
      `add this rule to the Role of the pod's service account: ${JSON.stringify({ ...rule, resourceNames: ['cart'], verbs: ['get', 'list', 'watch', 'update'] })}`,
      `add this rule to the Role of the pod's service account: ${JSON.stringify({ ...rule, verbs: ['create'] })}`,
    ]);
    expect(log.warn.mock.calls[0]?.[1]).toContain('cannot get resource');
  });

  test('says when something answers that is no API server', async () => {
    transport.answers = [ok('a login page')];
    await client.call(target, GET, () => false);
    expect(log.warn.mock.calls[0]?.[0]).toMatchObject({ code: 'API_UNEXPECTED' });
    expect(log.warn.mock.calls[0]?.[1]).toContain('an answer that no API server gives');
  });

  test.each([
    [refusal(401), /token/],
    [notFound('namespaces', 'shop'), /create the namespace/],
    [refusal(422), /unusable form/],
    [refusal(429), /Retry-After/],
    [refusal(404, { message: 'the server could not find the requested resource' }), /really a Kubernetes API server/],
    [new TransportError('no-credentials', 'no credentials: ENOENT'), /service account token/],
    [new TransportError('no-credentials', 'no credentials: ENOENT', 'check the token file'), /^check the token file$/],
    [new TransportError('unreachable', 'ECONNREFUSED'), /network policies/],
    [new TransportError('reset', 'socket hang up'), /tried again/],
  ])('has a remedy for each trouble: %o', async (answer, remedy) => {
    transport.answers = [answer];
    await client.call(target, GET);
    expect(log.warn.mock.calls[0]?.[0].remedy).toMatch(remedy);
  });

  test('takes lost races and missing objects for no trouble', async () => {
    transport.answers = [refusal(409), refusal(409, { reason: 'AlreadyExists' }), NO_CART, refusal(410)];
    for (let calls = 0; calls < 4; calls++) await client.call(target, GET);
    expect(lines()).toEqual([]);
  });

  test('leaves out what is only an attempt', async () => {
    transport.answers = [refusal(403)];
    await client.call({ ...target, optional: true }, GET);
    expect(lines()).toEqual([]);
    expect(metrics.request).toHaveBeenCalledTimes(1);
  });
});

describe('the Lease store', () => {
  const content = {
    holder: 'a',
    leaseDurationSeconds: 15,
    renewTime: 't',
    acquireTime: 't',
    transitions: 1,
    holderAddress: null,
    holderPriority: null,
    nextHolder: '',
  };
  const base = { ...(lease as object), raw: lease, uid: 'lease-1', resourceVersion: '100', holder: 'b' } as never;
  const path = '/apis/coordination.k8s.io/v1/namespaces/shop/leases';
  const store = () => new LeaseStore(client, { namespace: 'shop', name: 'cart' });

  test('reads, creates and replaces by the paths and bodies of the API', async () => {
    transport.answers = [ok(lease)];
    expect(await store().read(900)).toMatchObject({ kind: 'ok', record: { resourceVersion: '100', holder: 'b' } });
    await store().create(content, 800);
    await store().update(base, content, 700);
    await store().challenge(base, { identity: 'c', priority: 9 }, 600);
    expect(transport.requests).toMatchObject([
      { method: 'GET', path: `${path}/cart`, timeoutMs: 900 },
      { method: 'POST', path, timeoutMs: 800, body: { metadata: { name: 'cart', namespace: 'shop' } } },
      {
        method: 'PUT',
        path: `${path}/cart`,
        timeoutMs: 700,
        body: { metadata: { uid: 'lease-1', resourceVersion: '100' }, spec: { holderIdentity: 'a' } },
      },
      {
        method: 'PUT',
        path: `${path}/cart`,
        timeoutMs: 600,
        body: {
          metadata: { uid: 'lease-1', resourceVersion: '100', annotations: { 'leasegate.dev/challenger': 'c' } },
          spec: { holderIdentity: 'b' },
        },
      },
    ]);
  });

  test.each([
    [ok(lease), 'ok', 'ok', 'ok'],
    [ok('a login page'), 'refused', 'unknown', 'unknown'],
    [NO_CART, 'absent', 'refused', 'conflict'],
    [refusal(404), 'refused', 'refused', 'refused'],
    [{ ...refusal(404), body: '404 page not found' }, 'refused', 'refused', 'refused'],
    [notFound('namespaces', 'shop'), 'refused', 'refused', 'refused'],
    [refusal(409), 'conflict', 'conflict', 'conflict'],
    [refusal(409, { reason: 'AlreadyExists' }), 'conflict', 'conflict', 'conflict'],
    [refusal(401), 'refused', 'refused', 'refused'],
    [refusal(403), 'refused', 'refused', 'refused'],
    [refusal(422), 'refused', 'refused', 'refused'],
    [refusal(429), 'refused', 'refused', 'refused'],
    [refusal(500), 'unknown', 'unknown', 'unknown'],
    [new TransportError('no-credentials', 'ENOENT'), 'refused', 'refused', 'refused'],
    [new TransportError('unreachable', 'ECONNREFUSED'), 'refused', 'refused', 'refused'],
    [new TransportError('reset', 'socket hang up'), 'unknown', 'unknown', 'unknown'],
    [new TransportError('timeout', 'no answer'), 'unknown', 'unknown', 'unknown'],
  ])('makes of %o a read %s, a creation %s, an update %s', async (answer, read, create, update) => {
    transport.answers = [answer];
    const outcomes = await Promise.all([store().read(1), store().create(content, 1), store().update(base, content, 1)]);
    expect(outcomes.map(({ kind }) => kind)).toEqual([read, create, update]);
  });

  test('passes on the code and Retry-After of a refusal', async () => {
    transport.answers = [refusal(429, {}, 7_000)];
    expect(await store().read(1)).toEqual({ kind: 'refused', code: 'throttled', retryAfterMs: 7_000 });
  });
});
