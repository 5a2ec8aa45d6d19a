import { describe, expect, test } from 'vitest';
import { ProcessTime, VirtualTime } from '../../test/scenarios/support/virtual-time.ts';
import { NO_METRICS, SILENT_LOG } from '../../test/scenarios/support/world.ts';
import { systemClock, systemTimers } from '../ports/clock.ts';
import { openCandidateApi } from './candidate-api.ts';
import { KubeClient } from './client.ts';
import { LeaseCandidateStore } from './lease-candidates.ts';
import { notFound, ok, refusal, ScriptedTransport } from './scripted-transport.fixture.ts';
import { TransportError } from './transport.ts';

const NAME = 'cart-0_u_1';
const PATH = '/apis/coordination.k8s.io/v1beta1/namespaces/shop/leasecandidates';
const RENEWED = '2026-01-01T00:00:00.000000Z';
const OWN = {
  lease: { namespace: 'shop', name: 'cart' },
  identity: NAME,
  appVersion: '1.4.2',
  owner: { name: 'cart-0', uid: 'u' },
};

const stored = (resourceVersion = '10', spec: object = {}) => ({
  apiVersion: 'coordination.k8s.io/v1beta1',
  kind: 'LeaseCandidate',
  metadata: { name: NAME, namespace: 'shop', uid: 'uid-1', resourceVersion, managedFields: [{}], labels: { a: 'b' } },
  spec: { leaseName: 'cart', binaryVersion: '1.4.2', renewTime: RENEWED, ...spec },
});

function fixture(owner: typeof OWN.owner | null = OWN.owner) {
  const transport = new ScriptedTransport();
  const client = new KubeClient({ transport, clock: systemClock, metrics: NO_METRICS, log: SILENT_LOG });
  const ports = { client, clock: systemClock, timers: systemTimers, random: () => 0.5 };
  return { transport, client, ports, store: new LeaseCandidateStore(ports, { ...OWN, owner, version: 'v1beta1' }) };
}

describe("a replica's candidate", () => {
  test('is created under its identity, with its version, and owned by its pod', async () => {
    const { transport, store } = fixture();
    transport.answers = [ok(stored())];
    expect(await store.create(RENEWED, 1_000)).toMatchObject({
      kind: 'ok',
      candidate: { name: NAME, uid: 'uid-1', resourceVersion: '10', renewTime: RENEWED, pingTime: null },
    });
    expect(transport.requests).toEqual([
      {
        method: 'POST',
        path: PATH,
        timeoutMs: 1_000,
        body: {
          apiVersion: 'coordination.k8s.io/v1beta1',
          kind: 'LeaseCandidate',
          metadata: {
            namespace: 'shop',
            name: NAME,
            ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'cart-0', uid: 'u' }],
          },
          spec: {
            leaseName: 'cart',
            binaryVersion: '1.4.2',
            emulationVersion: '1.4.2',
            strategy: 'OldestEmulationVersion',
            renewTime: RENEWED,
          },
        },
      },
    ]);
    const outside = fixture(null);
    outside.transport.answers = [ok(stored())];
    await outside.store.create(RENEWED, 1_000);
    expect(outside.transport.requests[0]!.body).not.toHaveProperty('metadata.ownerReferences');
  });

  test('is renewed by replacing that version, with all that is not ours in it', async () => {
    const { transport, store } = fixture();
    transport.answers = [ok(stored('10', { pingTime: RENEWED, fromTheFuture: true })), ok(stored('11'))];
    const read = await store.read(1_000);
    if (read.kind !== 'ok') throw new Error(read.kind);
    expect(read.candidate.pingTime).toBe(RENEWED);
    await store.renew(read.candidate, '2026-01-01T00:05:00.000000Z', 1_000);
    const { method, path, body } = transport.requests[1]!;
    expect([method, path]).toEqual(['PUT', `${PATH}/${NAME}`]);
    expect(body).toMatchObject({
      metadata: { uid: 'uid-1', resourceVersion: '10', labels: { a: 'b' } },
      spec: { renewTime: '2026-01-01T00:05:00.000000Z', pingTime: RENEWED, fromTheFuture: true },
    });
    expect(body).not.toHaveProperty('metadata.managedFields');
  });

  test('is deleted by its uid, in whatever version; one that is gone is deleted, too', async () => {
    const { transport, store } = fixture();
    transport.answers = [
      ok(stored()),
      notFound('leasecandidates', NAME),
      refusal(409, { reason: 'Conflict' }),
      refusal(500),
    ];
    const candidate = { name: NAME, uid: 'uid-1' };
    expect(await store.remove(candidate, 1_000)).toEqual({ kind: 'removed' });
    expect(transport.requests[0]).toMatchObject({ method: 'DELETE', body: { preconditions: { uid: 'uid-1' } } });
    expect(await store.remove(candidate, 1_000)).toEqual({ kind: 'removed' });
    expect(await store.remove(candidate, 1_000)).toEqual({ kind: 'conflict' });
    expect(await store.remove(candidate, 1_000)).toMatchObject({ kind: 'failed', code: 'server-error' });
  });

  test('every refusal is a value', async () => {
    const { transport, store } = fixture();
    transport.answers = [
      notFound('leasecandidates', NAME),
      refusal(409, { reason: 'AlreadyExists' }),
      refusal(403, { message: 'no' }),
      notFound('leasecandidates', NAME),
      ok({ kind: 'LoginPage' }),
    ];
    const base = { name: NAME, uid: 'uid-1', resourceVersion: '10', renewTime: null, pingTime: null, raw: stored() };
    expect(await store.read(1_000)).toEqual({ kind: 'absent' });
    expect(await store.create(RENEWED, 1_000)).toEqual({ kind: 'conflict' });
    expect(await store.read(1_000)).toMatchObject({ kind: 'failed', code: 'forbidden', message: 'no' });
    expect(await store.renew(base, RENEWED, 1_000)).toEqual({ kind: 'conflict' });
    expect(await store.read(1_000)).toMatchObject({ kind: 'failed', code: 'unexpected' });
  });

  test('is found among all of its namespace, page by page, with those for the same Lease and no other', async () => {
    const { transport, store } = fixture();
    const other = { ...stored('10', { leaseName: 'mail' }), metadata: { ...stored().metadata, name: 'cart-0_u_7' } };
    const page = (next: string, ...items: unknown[]) => ok({ metadata: { continue: next }, items });
    transport.answers = [page('a b', other, { junk: true }, null), page('', stored(), { spec: { leaseName: 'cart' } })];
    expect(await store.list(1_000)).toMatchObject([{ name: NAME }]);
    expect(transport.requests.map(({ path }) => path)).toEqual([
      `${PATH}?limit=500`,
      `${PATH}?limit=500&continue=a%20b`,
    ]);
  });

  test('can not be found while a page is missing, nor for ever', async () => {
    const { transport, store } = fixture();
    const endless = ok({ metadata: { continue: 'more' }, items: [] });
    transport.answers = [endless, refusal(410), refusal(403), ok({ items: 'none' })];
    expect(await store.list(1_000)).toBeNull();
    expect(await store.list(1_000)).toBeNull();
    expect(await store.list(1_000)).toBeNull();
    transport.answers = Array.from({ length: 30 }, () => endless);
    expect(await store.list(1_000)).toEqual([]);
    expect(transport.requests.length).toBe(4 + 20);
  });

  test('is watched alone, and the API server’s question arrives', async () => {
    const { transport, store } = fixture();
    transport.answers = [ok({ metadata: { resourceVersion: '9' }, items: [] })];
    const heard: unknown[] = [];
    const watching = store.watch({
      seen: ({ pingTime }) => heard.push(pingTime),
      missed: () => heard.push('missed'),
      watching: (up, failure) => heard.push(failure?.code ?? up),
    });
    await new Promise(setImmediate);
    expect(transport.requests[0]!.path).toContain(`fieldSelector=metadata.name%3D${NAME}`);
    transport.watch.open();
    transport.watch.event('MODIFIED', stored('11', { pingTime: RENEWED }));
    transport.watch.event('BOOKMARK', { metadata: { resourceVersion: '12' } });
    transport.watch.event('DELETED', stored('13'));
    transport.watch.end(refusal(403));
    watching.close();
    expect(heard).toEqual(['missed', true, RENEWED, 'missed', 'forbidden']);
  });
});

test('a candidate hears the API server again within four seconds after however long an outage', async () => {
  const time = new VirtualTime();
  const clock = new ProcessTime(time);
  const { transport, client } = fixture();
  const ports = { client, clock, timers: clock, random: () => 0.999 };
  transport.answers = [new TransportError('unreachable', 'no connection')];
  const watching = new LeaseCandidateStore(ports, { ...OWN, version: 'v1beta1' }).watch({
    seen: () => {},
    missed: () => {},
    watching: () => {},
  });
  await time.pass(570_000);
  transport.answers = [ok({ metadata: { resourceVersion: '9' }, items: [] })];
  await time.pass(4_000);
  expect(transport.streams.length).toBe(1);
  watching.close();
});

describe('the version of LeaseCandidate', () => {
  const VERBS = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];
  const group = (...versions: string[]) => ok({ kind: 'APIGroup', versions: versions.map((version) => ({ version })) });
  const resources = (...names: string[]) =>
    ok({ kind: 'APIResourceList', resources: names.map((name) => ({ name, verbs: VERBS })) });

  test('is the newest that is served', async () => {
    const { transport, ports } = fixture();
    transport.answers = [group('v1alpha2', 'v1beta1', 'v1'), resources('leases'), resources('leasecandidates')];
    expect(await openCandidateApi(ports, OWN)).toMatchObject({ kind: 'served', version: 'v1beta1' });
    expect(transport.requests.map(({ path }) => path)).toEqual([
      '/apis/coordination.k8s.io',
      '/apis/coordination.k8s.io/v1',
      '/apis/coordination.k8s.io/v1beta1',
    ]);
  });

  test('is none where no version has candidates, or none of which all can be done', async () => {
    const { transport, ports } = fixture();
    transport.answers = [group('v1', 'v1alpha1'), resources('leases')];
    expect(await openCandidateApi(ports, OWN)).toEqual({ kind: 'unserved' });
    transport.answers = [group('v1beta1'), ok({ resources: [{ name: 'leasecandidates', verbs: ['get'] }] })];
    expect(await openCandidateApi(ports, OWN)).toEqual({ kind: 'unserved' });
  });

  test('is not known as long as the API server can not be asked', async () => {
    const { transport, ports } = fixture();
    transport.answers = [new TransportError('unreachable', 'nobody there')];
    expect(await openCandidateApi(ports, OWN)).toMatchObject({ kind: 'failed', code: 'unreachable' });
    transport.answers = [group('v1beta1'), refusal(429, {}, 3_000)];
    expect(await openCandidateApi(ports, OWN)).toMatchObject({
      kind: 'failed',
      code: 'throttled',
      retryAfterMs: 3_000,
    });
    transport.answers = [ok('<html>')];
    expect(await openCandidateApi(ports, OWN)).toMatchObject({ kind: 'failed', code: 'unexpected' });
  });
});
