import { beforeEach, expect, test, vi } from 'vitest';
import { ProcessTime, VirtualTime } from '../../test/scenarios/support/virtual-time.ts';
import { NO_METRICS, SILENT_LOG } from '../../test/scenarios/support/world.ts';
import { KubeClient } from './client.ts';
import { EventRecorder } from './events.ts';
import { ok, refusal, ScriptedTransport } from './scripted-transport.fixture.ts';

const metrics = { ...NO_METRICS, eventDropped: vi.fn() };
const log = { ...SILENT_LOG, warn: vi.fn() };
const clock = new ProcessTime(new VirtualTime());
let transport: ScriptedTransport;
let recorder: EventRecorder;

beforeEach(() => {
  vi.resetAllMocks();
  transport = new ScriptedTransport();
  recorder = new EventRecorder({
    client: new KubeClient({ transport, clock, metrics, log }),
    lease: { namespace: 'shop', name: 'cart' },
    podName: 'a',
    identity: 'a_uid-a_f00d',
    clock,
    metrics,
  });
});

test("an Event on the Lease has client-go's reason and words, and a name of its own", async () => {
  transport.answers = [ok({})];
  recorder.record('became leader', 'lease-1');
  recorder.record('stopped leading', null);
  await recorder.settled();
  const [first, second] = transport.requests.map(({ body }) => body as { metadata: { name: string } });
  expect(transport.requests[0]).toMatchObject({ method: 'POST', path: '/api/v1/namespaces/shop/events' });
  expect(first).toMatchObject({
    metadata: { namespace: 'shop', name: expect.stringMatching(/^cart\.[0-9a-f]+$/) },
    involvedObject: { kind: 'Lease', namespace: 'shop', name: 'cart', uid: 'lease-1' },
    type: 'Normal',
    reason: 'LeaderElection',
    message: 'a_uid-a_f00d became leader',
    firstTimestamp: '2026-01-01T00:00:00Z',
    count: 1,
  });
  expect(second).toMatchObject({ message: 'a_uid-a_f00d stopped leading' });
  expect((second as unknown as { involvedObject: object }).involvedObject).not.toHaveProperty('uid');
  expect(second!.metadata.name).not.toBe(first!.metadata.name);
});

test('one that RBAC forbids is counted and otherwise passed over in silence', async () => {
  transport.answers = [refusal(403)];
  recorder.record('became leader', 'lease-1');
  await recorder.settled();
  expect(metrics.eventDropped).toHaveBeenCalledExactlyOnceWith('forbidden');
  expect(log.warn).not.toHaveBeenCalled();
});

test('no more than eight wait for a server that does not answer', async () => {
  const { promise, resolve } = Promise.withResolvers<ReturnType<typeof ok>>();
  transport.answers = [promise];
  for (let events = 0; events < 10; events++) recorder.record('became leader', null);
  expect(transport.requests).toHaveLength(8);
  expect(metrics.eventDropped.mock.calls).toEqual([['busy'], ['busy']]);
  resolve(ok({}));
  await recorder.settled();
  recorder.record('became leader', null);
  expect(transport.requests).toHaveLength(9);
});

test('an Event may be about another object, in the namespace of that', async () => {
  transport.answers = [ok({})];
  const regarding = { apiVersion: 'v1', kind: 'Pod', namespace: 'pods', name: 'a', uid: 'uid-a' };
  recorder.tell({ type: 'Warning', reason: 'PublishFailed', message: 'x'.repeat(2_000), regarding });
  await recorder.settled();
  expect(transport.requests[0]).toMatchObject({ path: '/api/v1/namespaces/pods/events' });
  expect(transport.requests[0]?.body).toMatchObject({
    metadata: { namespace: 'pods', name: expect.stringMatching(/^a\.[0-9a-f]+$/) },
    involvedObject: regarding,
    type: 'Warning',
    reason: 'PublishFailed',
    message: 'x'.repeat(1_024),
  });
});
