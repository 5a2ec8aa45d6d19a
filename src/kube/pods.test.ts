import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ProcessTime, VirtualTime } from '../../test/scenarios/support/virtual-time.ts';
import { NO_METRICS, SILENT_LOG } from '../../test/scenarios/support/world.ts';
import { KubeClient } from './client.ts';
import { EndpointSliceStore } from './endpointslices.ts';
import { OwnedObjects } from './owned-objects.ts';
import { PodStore } from './pods.ts';
import { notFound, ok, refusal, ScriptedTransport } from './scripted-transport.fixture.ts';
import { TransportError } from './transport.ts';

const log = { ...SILENT_LOG, warn: vi.fn() };
const pod = { metadata: { name: 'a', uid: 'uid-a', resourceVersion: '7' } };
const slice = { metadata: { name: 'web.app', uid: 'uid-s', resourceVersion: '8' }, addressType: 'IPv4' };

let time: VirtualTime;
let transport: ScriptedTransport;
let pods: PodStore;
let slices: EndpointSliceStore;
beforeEach(() => {
  vi.resetAllMocks();
  time = new VirtualTime();
  transport = new ScriptedTransport();
  const clock = new ProcessTime(time);
  const client = new KubeClient({ transport, clock, metrics: NO_METRICS, log });
  const ports = { client, clock, timers: clock, random: () => 0.5 };
  pods = new PodStore(ports, 'shop');
  slices = new EndpointSliceStore(ports, 'shop', { slice: 'web.app', service: 'web' });
});
const asked = () => transport.requests.map(({ method, path, contentType }) => [method, path, contentType]);
const patch = { metadata: { resourceVersion: '7' } };

describe('requests', () => {
  test('for pods have the paths and the types of patch that the API server knows', async () => {
    transport.answers = [ok({ items: [pod] }), ok(pod)];
    expect(await pods.list('leasegate.dev/election=app', 1_000)).toEqual({ ok: true, value: [pod] });
    expect(await pods.get('a', 1_000)).toEqual({ ok: true, value: pod });
    await pods.patch('a', patch, 1_000);
    await pods.patchStatus('a', patch, 1_000);
    expect(asked()).toEqual([
      ['GET', '/api/v1/namespaces/shop/pods?labelSelector=leasegate.dev%2Felection%3Dapp', undefined],
      ['GET', '/api/v1/namespaces/shop/pods/a', undefined],
      ['PATCH', '/api/v1/namespaces/shop/pods/a', 'application/merge-patch+json'],
      ['PATCH', '/api/v1/namespaces/shop/pods/a/status', 'application/strategic-merge-patch+json'],
    ]);
    expect(transport.requests[2]?.body).toBe(patch);
  });

  test('for what a pod is owned by name its API group, and say which rule they need', async () => {
    const client = new KubeClient({ transport, clock: new ProcessTime(time), metrics: NO_METRICS, log });
    const objects = new OwnedObjects(client, 'shop', 1_000);
    const forbidden = { kind: 'Status', reason: 'Forbidden', message: 'jobs "c" is forbidden: cannot get resource' };
    transport.answers = [ok(pod), notFound('replicasets', 'b'), refusal(403, forbidden)];
    expect(await objects.read({ apiGroup: '', resource: 'pods', name: 'a' })).toEqual({ ok: true, value: pod });
    expect(await objects.read({ apiGroup: 'apps', resource: 'replicasets', name: 'b' })).toEqual({
      ok: true,
      value: null,
    });
    expect(await objects.read({ apiGroup: 'batch', resource: 'jobs', name: 'c' })).toMatchObject({
      ok: false,
      failure: {
        code: 'forbidden',
        remedy: expect.stringContaining('{"apiGroups":["batch"],"resources":["jobs"],"verbs":["get"]}'),
      },
    });
    expect(asked().map(([, path]) => path)).toEqual([
      '/api/v1/namespaces/shop/pods/a',
      '/apis/apps/v1/namespaces/shop/replicasets/b',
      '/apis/batch/v1/namespaces/shop/jobs/c',
    ]);
  });

  test('for an EndpointSlice, too', async () => {
    transport.answers = [ok(pod), ok(slice)];
    await slices.service(1_000);
    await slices.get(1_000);
    await slices.create(slice, 1_000);
    await slices.patch(patch, 1_000);
    const path = '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices';
    expect(asked()).toEqual([
      ['GET', '/api/v1/namespaces/shop/services/web', undefined],
      ['GET', `${path}/web.app`, undefined],
      ['POST', path, undefined],
      ['PATCH', `${path}/web.app`, 'application/merge-patch+json'],
    ]);
  });

  test('for what is not there find nothing, and that is no failure', async () => {
    transport.answers = [notFound('pods', 'a')];
    expect(await pods.get('a', 1_000)).toEqual({ ok: true, value: null });
    expect(await pods.patchStatus('a', patch, 1_000)).toMatchObject({ ok: false, failure: { code: 'not-found' } });
  });

  test('that something else answers are no success', async () => {
    transport.answers = [ok('<html>'), ok({ items: [{}] }), ok(pod)];
    for (const reply of [await pods.get('a', 1_000), await pods.list('x=y', 1_000), await slices.get(1_000)]) {
      expect(reply).toMatchObject({ ok: false, failure: { code: 'unexpected', answered: false } });
    }
  });
});

describe('a failure', () => {
  const failureOf = async () => {
    const reply = await pods.patchStatus('a', patch, 1_000);
    return reply.ok ? null : reply.failure;
  };

  test('for want of a right names it, with the rule that gives it; the log is left to who asked', async () => {
    const message = 'pods "a" is forbidden: User "x" cannot patch resource "pods/status" in API group ""';
    transport.answers = [refusal(403, { message })];
    expect(await failureOf()).toEqual({
      code: 'forbidden',
      request: 'patch pods/status',
      message,
      remedy:
        'add this rule to the Role of the pod\'s service account: {"apiGroups":[""],"resources":["pods/status"],"verbs":["patch"]}',
      retryAfterMs: null,
      answered: true,
      again: 'later',
    });
    transport.answers = [refusal(403, { message: 'User "x" cannot get resource "endpointslices"' })];
    expect(await slices.get(1_000)).toMatchObject({
      failure: {
        remedy: expect.stringContaining('"resourceNames":["web.app"],"verbs":["get","watch","patch"]'),
      },
    });
    expect(log.warn).not.toHaveBeenCalled();
  });

  test('of admission says that it is no matter of rights', async () => {
    transport.answers = [
      refusal(403, { message: 'pods "a" is forbidden: ValidatingAdmissionPolicy "own-pod" denied' }),
    ];
    expect((await failureOf())?.remedy).toContain('an admission policy or a webhook');
  });

  test.each([
    [409, { reason: 'Conflict' }, 'conflict', 'now'],
    [409, { reason: 'AlreadyExists' }, 'already-exists', 'now'],
    [422, { message: 'Pod "a" is invalid: metadata.uid: Invalid value: "x": field is immutable' }, 'conflict', 'now'],
    [422, { message: 'denied' }, 'invalid', 'later'],
    [429, {}, 'throttled', 'later'],
  ])('%d %o is %s, to be tried again %s', async (status, body, code, again) => {
    transport.answers = [refusal(status, body)];
    expect(await failureOf()).toMatchObject({ code, again, answered: true });
  });

  test.each([refusal(500), new TransportError('timeout', 'late'), new TransportError('unreachable', 'no')])(
    'that leaves open what was done is no answer',
    async (answer) => {
      transport.answers = [answer];
      expect(await failureOf()).toMatchObject({ answered: false, again: 'later' });
    },
  );
});

describe('a watch', () => {
  const seen = vi.fn();
  const trouble = vi.fn();
  const watch = () => pods.watch('leasegate.dev/election=app', { seen, trouble });

  test('begins with what is there, and tells of each change', () => {
    watch();
    const { path } = transport.watch.request;
    expect(path).toMatch(/^\/api\/v1\/namespaces\/shop\/pods\?watch=true&allowWatchBookmarks=true&timeoutSeconds=450&/);
    expect(path).not.toContain('resourceVersion');
    transport.watch.open();
    transport.watch.event('ADDED', pod);
    transport.watch.event('BOOKMARK', {});
    transport.watch.event('DELETED', pod);
    expect(seen.mock.calls).toEqual([
      [pod, false],
      [pod, true],
    ]);
    expect(trouble.mock.calls).toEqual([[null]]);
  });

  test('of one object is limited to it', () => {
    slices.watch({ seen, trouble });
    expect(transport.watch.request.path).toContain('&fieldSelector=metadata.name%3Dweb.app');
  });

  test('is opened anew, after a proper end as after a failure, and not at once', async () => {
    watch();
    transport.watch.open();
    transport.watch.event('ADDED', pod);
    transport.watch.end();
    expect(transport.streams).toHaveLength(1);
    await time.pass(1_000);
    expect(transport.streams).toHaveLength(2);
    expect(trouble).not.toHaveBeenCalledWith(expect.anything());
    transport.watch.end(refusal(403, { message: 'cannot watch resource "pods"' }));
    expect(trouble).toHaveBeenCalledWith(expect.objectContaining({ code: 'forbidden', request: 'watch pods' }));
    await time.pass(200_000);
    // Not opened again while this one is neither open nor ended.
    expect(transport.streams).toHaveLength(3);
  });

  test.each([
    ['what it does not understand', (): void => transport.watch.line('<html>')],
    ['what is no object', () => transport.watch.event('ADDED', {})],
    ['an error', () => transport.watch.event('ERROR', { code: 500 })],
  ])('that tells %s is opened anew', async (_, tell) => {
    watch();
    transport.watch.open();
    tell();
    expect(transport.watch.closed).toBe(true);
    expect(trouble).toHaveBeenLastCalledWith(expect.objectContaining({ request: 'watch pods' }));
    await time.pass(2_000);
    expect(transport.streams).toHaveLength(2);
  });

  test('that fell behind begins anew without further ado', async () => {
    watch();
    transport.watch.open();
    transport.watch.event('ERROR', { code: 410 });
    await time.pass(2_000);
    expect(transport.streams).toHaveLength(2);
    expect(trouble.mock.calls).toEqual([[null]]);
  });

  test('that tells nothing for long is given up, and opened anew', async () => {
    watch();
    transport.watch.open();
    await time.pass(160_000);
    expect(transport.streams).toHaveLength(2);
  });

  test('is over when it is closed', async () => {
    const watching = watch();
    transport.watch.open();
    watching.close();
    expect(transport.watch.closed).toBe(true);
    await time.pass(1_000_000);
    expect(transport.streams).toHaveLength(1);
  });
});
