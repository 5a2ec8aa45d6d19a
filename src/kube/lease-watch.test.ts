import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ProcessTime, settled, VirtualTime } from '../../test/scenarios/support/virtual-time.ts';
import { NO_METRICS, SILENT_LOG } from '../../test/scenarios/support/world.ts';
import { KubeClient } from './client.ts';
import { LeaseWatch } from './lease-watch.ts';
import { ok, refusal, ScriptedTransport } from './scripted-transport.fixture.ts';
import { TransportError } from './transport.ts';

const metrics = { ...NO_METRICS, request: vi.fn(), watchRestarted: vi.fn(), watching: vi.fn() };
const log = { ...SILENT_LOG, warn: vi.fn() };

let time: VirtualTime;
let transport: ScriptedTransport;
let told: string[];
let watch: LeaseWatch;

const lease = (resourceVersion: string) => ({
  metadata: { uid: 'lease-1', resourceVersion },
  spec: { holderIdentity: 'b' },
});
const list = (resourceVersion: string, ...items: unknown[]) => ok({ metadata: { resourceVersion }, items });

beforeEach(() => {
  vi.resetAllMocks();
  time = new VirtualTime();
  const process = new ProcessTime(time);
  transport = new ScriptedTransport();
  told = [];
  watch = new LeaseWatch({
    client: new KubeClient({ transport, clock: process, metrics, log }),
    lease: { namespace: 'shop', name: 'cart' },
    handlers: {
      observed: (record, source) => told.push(`${source} ${record.resourceVersion}`),
      deleted: (record) => told.push(`deleted ${record.resourceVersion}`),
      absent: (resourceVersion) => told.push(`absent ${resourceVersion}`),
      watching: (up) => told.push(up ? 'up' : 'down'),
    },
    clock: process,
    timers: process,
    random: () => 0.5,
    metrics,
    retryPeriodMs: 2_000,
    requestTimeoutMs: 5_000,
  });
});

/** A watch that is open after a listing of version 100. */
async function open(): Promise<void> {
  transport.answers = [list('100', lease('90'))];
  watch.start();
  await settled();
  transport.watch.open();
  told.length = 0;
  metrics.watchRestarted.mockClear();
}

const lists = () => transport.requests.length;
const restarts = () => metrics.watchRestarted.mock.calls.map(([reason]) => reason);

describe('the watch', () => {
  test("lists, then follows from the listing's version", async () => {
    transport.answers = [list('100', lease('90'))];
    watch.start();
    await settled();
    const path = '/apis/coordination.k8s.io/v1/namespaces/shop/leases?';
    const selector = 'fieldSelector=metadata.name%3Dcart';
    expect(transport.requests).toEqual([{ method: 'GET', path: `${path}${selector}`, timeoutMs: 5_000 }]);
    expect(transport.watch.request).toEqual({
      method: 'GET',
      path: `${path}watch=true&allowWatchBookmarks=true&timeoutSeconds=450&resourceVersion=100&${selector}`,
      timeoutMs: 5_000,
    });
    expect(told).toEqual(['list 90']);
    transport.watch.open();
    expect(told).toEqual(['list 90', 'up']);
    expect(metrics.watching).toHaveBeenLastCalledWith(true);
    expect(metrics.request.mock.calls.map(([verb, outcome]) => `${verb} ${outcome}`)).toEqual(['list ok', 'watch ok']);
  });

  test('tells of a Lease that does not exist, as of the listing', async () => {
    transport.answers = [ok({ metadata: { resourceVersion: '100' }, items: null })];
    watch.start();
    await settled();
    expect(told).toEqual(['absent 100']);
  });

  test('tells what changes, and of bookmarks nothing', async () => {
    await open();
    transport.watch.event('ADDED', lease('101'));
    transport.watch.event('MODIFIED', lease('102'));
    transport.watch.event('BOOKMARK', { metadata: { resourceVersion: '150' } });
    transport.watch.event('DELETED', lease('151'));
    expect(told).toEqual(['watch 101', 'watch 102', 'deleted 151']);
  });

  test('that ended properly goes on from the last version, a bookmark’s if need be, without being down', async () => {
    await open();
    transport.watch.event('BOOKMARK', { metadata: { resourceVersion: '150' } });
    transport.watch.end();
    expect(transport.watch.request.path).toContain('resourceVersion=150&');
    expect(lists()).toBe(1);
    transport.watch.open();
    expect(told).toEqual([]);
    expect(restarts()).toEqual(['ended']);
  });

  test('that ends again and again without a word is no watch: the Lease is polled, the next try waits', async () => {
    await open();
    transport.watch.end();
    transport.watch.open();
    transport.watch.end();
    expect(told).toEqual(['down']);
    expect(transport.streams).toHaveLength(2);
    await time.pass(3_999);
    expect(lists()).toBe(1);
    await time.pass(1);
    expect(lists()).toBe(2);
    expect(transport.streams).toHaveLength(3);
  });

  test('whose version is too old lists anew at once, by status or by event', async () => {
    await open();
    transport.watch.end(refusal(410, { reason: 'Expired' }));
    expect(told).toEqual(['down']);
    await settled();
    expect(lists()).toBe(2);
    transport.watch.open();
    transport.watch.event('MODIFIED', lease('101'));
    transport.watch.event('ERROR', { kind: 'Status', code: 410, reason: 'Expired' });
    await settled();
    expect(lists()).toBe(3);
    expect(restarts()).toEqual(['gone', 'gone']);
    expect(told).toEqual(['down', 'list 90', 'up', 'watch 101', 'down', 'list 90']);
  });

  test('whose version is too old time and again does not list in a tight loop', async () => {
    await open();
    transport.watch.end(refusal(410));
    await settled();
    transport.watch.end(refusal(410));
    await settled();
    expect(lists()).toBe(2);
    await time.pass(4_000);
    expect(lists()).toBe(3);
  });

  test('that is told of an error lists anew after a pause', async () => {
    await open();
    transport.watch.event('ERROR', { kind: 'Status', code: 500 });
    transport.watch.event('MODIFIED', lease('101'));
    expect(told).toEqual(['down']);
    expect(restarts()).toEqual(['server-error']);
    await time.pass(1_999);
    expect(lists()).toBe(1);
    await time.pass(1);
    expect(lists()).toBe(2);
  });

  test.each([{ kind: 'Status' }, null, 'what?'])(
    'takes an error without a code for one of the server: %j',
    async (status) => {
      await open();
      transport.watch.event('ERROR', status);
      expect(restarts()).toEqual(['server-error']);
    },
  );

  test.each([
    '{"type":',
    'null',
    '{"type":"ADDED"}',
    '{"object":{}}',
    '{"type":"ADDED","object":null}',
    '{"type":"ADDED","object":{}}',
  ])('that talks nonsense is begun anew: %s', async (line) => {
    await open();
    transport.watch.line(line);
    expect(told).toEqual(['down']);
    expect(restarts()).toEqual(['malformed']);
    expect(transport.watch.closed).toBe(true);
  });

  test('that is silent for longer than two bookmarks take is dead', async () => {
    await open();
    await time.pass(100_000);
    transport.watch.event('BOOKMARK', { metadata: { resourceVersion: '150' } });
    await time.pass(149_999);
    expect(told).toEqual([]);
    await time.pass(1);
    expect(told).toEqual(['down']);
    expect(restarts()).toEqual(['silent']);
    await time.pass(2_000);
    expect(lists()).toBe(2);
  });

  test('that is cut is down at once, and its failure is counted', async () => {
    await open();
    transport.watch.end(new TransportError('reset', 'the watch was cut'));
    expect(told).toEqual(['down']);
    expect(metrics.request).toHaveBeenLastCalledWith('watch', 'reset', 0);
    expect(metrics.watching).toHaveBeenLastCalledWith(false);
  });

  test('that is refused says so in the log, with the rule that it needs', async () => {
    await open();
    transport.watch.end(refusal(403));
    expect(log.warn.mock.calls[0]?.[0]).toMatchObject({ code: 'API_FORBIDDEN', verb: 'watch leases' });
    expect(log.warn.mock.calls[0]?.[0].remedy).toContain(
      '"resourceNames":["cart"],"verbs":["get","list","watch","update"]',
    );
  });
});

describe('after failures', () => {
  test('the listing waits twice as long each time, up to sixteen retry periods', async () => {
    transport.answers = [refusal(500)];
    watch.start();
    const delays: number[] = [];
    let before = 0;
    for (let tries = 1; tries < 9; tries++) {
      while (lists() <= tries) await time.pass(500);
      delays.push(time.nowMs - before);
      before = time.nowMs;
    }
    expect(delays).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 32_000, 32_000, 32_000]);
    expect(new Set(told)).toEqual(new Set(['down']));
  });

  test('Retry-After is heeded where it asks for more', async () => {
    transport.answers = [refusal(429, {}, 9_000), list('100')];
    watch.start();
    await time.pass(8_999);
    expect(lists()).toBe(1);
    await time.pass(1);
    expect(lists()).toBe(2);
  });

  test('the next failure waits little again once something was heard', async () => {
    transport.answers = [refusal(500), refusal(500), refusal(500), list('100')];
    watch.start();
    await time.pass(14_000);
    expect(lists()).toBe(4);
    transport.watch.open();
    transport.watch.event('MODIFIED', lease('101'));
    transport.watch.end(new TransportError('reset', 'cut'));
    await time.pass(2_000);
    expect(lists()).toBe(5);
  });

  test.each([
    ok('<html>a login page</html>'),
    ok(null),
    ok({}),
    ok({ metadata: {}, items: [] }),
    list('1', { metadata: {} }),
  ])('an answer that is no listing tells nothing of the Lease: %j', async (answer) => {
    transport.answers = [answer];
    watch.start();
    await settled();
    expect(told).toEqual(['down']);
    expect(restarts()).toEqual(['unexpected']);
    expect(transport.streams).toEqual([]);
  });
});

describe('restarting', () => {
  test('begins anew from a listing at once', async () => {
    await open();
    const old = transport.watch;
    watch.restart();
    await settled();
    expect(old.closed).toBe(true);
    expect(told).toEqual(['down', 'list 90']);
    expect(restarts()).toEqual(['stale']);
    expect(transport.streams).toHaveLength(2);
  });

  test('during a listing ignores its answer', async () => {
    const slow = Promise.withResolvers<ReturnType<typeof ok>>();
    transport.answers = [slow.promise, list('100', lease('90'))];
    watch.start();
    watch.restart();
    await settled();
    slow.resolve(list('50', lease('40')));
    await settled();
    expect(told).toEqual(['down', 'list 90']);
    expect(transport.streams).toHaveLength(1);
  });

  test('during a pause does not list twice', async () => {
    await open();
    transport.watch.end(new TransportError('reset', 'cut'));
    watch.restart();
    await time.pass(10_000);
    expect(lists()).toBe(2);
  });

  test('by the very listener of the listing opens one watch, not two', async () => {
    transport.answers = [list('100', lease('90'))];
    const once = vi.spyOn(told, 'push').mockImplementationOnce(() => {
      watch.restart();
      return 0;
    });
    watch.start();
    await settled();
    expect(once).toHaveBeenCalled();
    expect(transport.streams.filter(({ closed }) => !closed)).toHaveLength(1);
  });
});

describe('stopping', () => {
  test('ends it for good, whatever comes later', async () => {
    await open();
    watch.stop();
    watch.stop();
    watch.restart();
    expect(transport.watch.closed).toBe(true);
    await time.pass(600_000);
    expect(told).toEqual([]);
    expect(lists()).toBe(1);
  });

  test('during a listing ignores its answer', async () => {
    transport.answers = [list('100', lease('90'))];
    watch.start();
    watch.stop();
    await settled();
    expect(told).toEqual([]);
    expect(transport.streams).toEqual([]);
  });

  test('by the very listener of the listing opens no watch', async () => {
    transport.answers = [list('100', lease('90'))];
    vi.spyOn(told, 'push').mockImplementationOnce(() => {
      watch.stop();
      return 0;
    });
    watch.start();
    await settled();
    expect(transport.streams).toEqual([]);
  });
});
