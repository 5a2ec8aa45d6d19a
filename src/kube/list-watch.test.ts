import { beforeEach, describe, expect, test } from 'vitest';
import { ProcessTime, settled, VirtualTime } from '../../test/scenarios/support/virtual-time.ts';
import { NO_METRICS, SILENT_LOG } from '../../test/scenarios/support/world.ts';
import { KubeClient } from './client.ts';
import { leaseTarget } from './leases.ts';
import { ListWatch } from './list-watch.ts';
import { ok, refusal, ScriptedTransport } from './scripted-transport.fixture.ts';
import { TransportError } from './transport.ts';

let time: VirtualTime;
let transport: ScriptedTransport;
let told: string[];
beforeEach(() => {
  time = new VirtualTime();
  transport = new ScriptedTransport();
  told = [];
});

const object = (name: string, resourceVersion = '90') => ({ metadata: { name, resourceVersion } });
const list = (resourceVersion: string, ...items: unknown[]) => ok({ metadata: { resourceVersion }, items });
const nameOf = (body: unknown) => (body as { metadata?: { name?: string } } | null)?.metadata?.name ?? null;

const start = (...answers: ScriptedTransport['answers']) => startWith({}, ...answers);

async function startWith(
  options: { readonly retryMsMax?: number },
  ...answers: ScriptedTransport['answers']
): Promise<ListWatch<string>> {
  transport.answers = answers;
  const clock = new ProcessTime(time);
  const watch = new ListWatch<string>({
    client: new KubeClient({ transport, clock, metrics: NO_METRICS, log: SILENT_LOG }),
    ...{ clock, timers: clock, random: () => 0.5 },
    path: '/things',
    selector: 'labelSelector=a%3Db',
    target: (verb) => leaseTarget(verb, 'x'),
    decode: nameOf,
    requestTimeoutMs: 5_000,
    ...options,
    handlers: {
      listed: (names) => told.push(`listed ${names.join(',')}`),
      changed: (name) => told.push(`changed ${name}`),
      gone: (name) => told.push(`gone ${name}`),
      idle: () => told.push('idle'),
      watching: (up, failure) => told.push(`${up ? 'up' : 'down'} ${failure?.code ?? ''}`.trim()),
    },
  });
  await settled();
  return watch;
}

/** One that is open after a listing of version 100. */
async function open(): Promise<ListWatch<string>> {
  const watch = await start(list('100', object('a')));
  transport.watch.open();
  told.length = 0;
  return watch;
}
const lists = () => transport.requests.length;

describe('a watch of many objects', () => {
  test('lists them, then follows from the version of the listing', async () => {
    await start(list('100', object('a'), object('b')));
    transport.watch.open();
    expect(transport.requests.map(({ path }) => path)).toEqual(['/things?limit=500&labelSelector=a%3Db']);
    expect(transport.watch.request.path).toBe(
      '/things?watch=true&allowWatchBookmarks=true&timeoutSeconds=450&resourceVersion=100&labelSelector=a%3Db',
    );
    expect(told).toEqual(['listed a,b', 'up']);
  });

  const page = (next: string, ...names: string[]) =>
    ok({ metadata: { resourceVersion: '100', continue: next }, items: names.map((name) => object(name)) });

  test('lists page by page, and tells of all pages at once', async () => {
    await start(page('a+b', 'a', 'b'), page('c', 'c'), page('', 'd'));
    expect(transport.requests.map(({ path }) => path)).toEqual([
      '/things?limit=500&labelSelector=a%3Db',
      '/things?limit=500&continue=a%2Bb&labelSelector=a%3Db',
      '/things?limit=500&continue=c&labelSelector=a%3Db',
    ]);
    expect(told).toEqual(['listed a,b,c,d']);
    expect(transport.watch.request.path).toContain('resourceVersion=100&');
  });

  test('whose page comes too late lists anew from the first one, at once', async () => {
    await start(page('a', 'a'), refusal(410, { kind: 'Status', reason: 'Expired' }), page('a', 'a'), page('', 'b'));
    expect([lists(), told]).toEqual([2, []]);
    await time.pass(1);
    expect([lists(), told]).toEqual([4, ['listed a,b']]);
    expect(transport.requests[2]!.path).toBe('/things?limit=500&labelSelector=a%3Db');
  });

  test('whose pages are too large for the transport asks for smaller ones, and larger ones again later', async () => {
    const cut = new TransportError('reset', 'answer larger than 4194304 bytes');
    const watch = await start(page('a', 'a'), cut, cut, page('a', 'a'), page('', 'b'), list('200'));
    await time.pass(10_000);
    const limits = () => transport.requests.map(({ path }) => Number(/limit=(\d+)/.exec(path)![1]));
    expect(limits()).toEqual([500, 500, 125, 31, 31]);
    expect(told).toContain('listed a,b');
    transport.watch.end(refusal(410, { kind: 'Status', reason: 'Expired' }));
    await time.pass(10_000);
    expect(limits().at(-1)).toBe(124);
    watch.close();
  });

  test('does not read pages without end', async () => {
    await start(page('more', 'a'));
    expect([lists(), told]).toEqual([40, []]);
    await time.pass(2_000);
    expect(lists()).toBe(80);
  });

  test('takes a listing without items for an empty one', async () => {
    await start(ok({ metadata: { resourceVersion: '100' }, items: null }));
    expect(told).toEqual(['listed ']);
  });

  test('tells what changes and what goes; a bookmark says that nothing has', async () => {
    await open();
    transport.watch.event('ADDED', object('b', '101'));
    transport.watch.event('MODIFIED', object('b', '102'));
    transport.watch.event('BOOKMARK', { metadata: { resourceVersion: '150' } });
    transport.watch.event('DELETED', object('b', '151'));
    expect(told).toEqual(['changed b', 'changed b', 'idle', 'gone b']);
  });

  test('that ended properly goes on from the last version, without a listing', async () => {
    await open();
    transport.watch.event('BOOKMARK', { metadata: { resourceVersion: '150' } });
    transport.watch.end();
    expect(transport.watch.request.path).toContain('resourceVersion=150&');
    expect([lists(), told]).toEqual([1, ['idle']]);
  });

  test('that ends again and again without a word is not opened at once', async () => {
    await open();
    transport.watch.end();
    transport.watch.open();
    transport.watch.end();
    expect([transport.streams.length, lists()]).toEqual([2, 1]);
    await time.pass(2_000);
    expect([transport.streams.length, lists()]).toEqual([3, 2]);
  });

  test.each([
    ['an event', () => transport.watch.event('ERROR', { kind: 'Status', code: 410, reason: 'Expired' })],
    ['its answer', () => transport.watch.end(refusal(410, { kind: 'Status', reason: 'Expired' }))],
  ])('that is too far behind, by %s, is listed anew at once, and nothing is taken for gone', async (_, expire) => {
    await open();
    expire();
    await time.pass(1);
    expect([lists(), told]).toEqual([2, ['down', 'listed a']]);
  });

  async function waitsMs(count: number): Promise<number[]> {
    const waits: number[] = [];
    for (let failed = 0; failed < count; failed += 1) {
      const [before, fromMs] = [lists(), time.nowMs];
      await time.pass(60_000, () => lists() > before);
      waits.push(time.nowMs - fromMs);
    }
    return waits;
  }

  test('that has to be back soon is never tried much later, unless it is forbidden', async () => {
    await startWith({ retryMsMax: 3_000 }, new TransportError('unreachable', 'no connection'));
    expect(await waitsMs(4)).toEqual([1_000, 2_000, 3_000, 3_000]);
    transport.answers = [refusal(403)];
    expect((await waitsMs(7)).at(-1)).toBe(30_000);
  });

  test('that is cut lists anew after a second, then after longer and longer', async () => {
    await open();
    transport.answers = [new TransportError('unreachable', 'no connection')];
    transport.watch.end(new TransportError('reset', 'cut'));
    expect(await waitsMs(7)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(told).toEqual(['down', 'down unreachable']);
  });

  test('that is forbidden says so at once, and only once', async () => {
    await start(refusal(403, { kind: 'Status', message: 'no' }));
    await time.pass(60_000);
    expect(told).toEqual(['down forbidden']);
  });

  test('heeds a longer wait that the server asks for', async () => {
    await start(refusal(429, {}, 9_000));
    await time.pass(8_999);
    expect(lists()).toBe(1);
    await time.pass(1);
    expect(lists()).toBe(2);
  });

  test.each([
    ['no JSON', () => transport.watch.line('<html>')],
    ['no such object', () => transport.watch.event('ADDED', {})],
  ])('that tells what is %s begins anew', async (_, tell) => {
    await open();
    tell();
    expect(told).toEqual(['down']);
    await time.pass(1_000);
    expect(lists()).toBe(2);
  });

  test('that is silent for longer than bookmarks are apart is dead', async () => {
    await open();
    await time.pass(149_999);
    expect(told).toEqual([]);
    await time.pass(1);
    expect(told).toEqual(['down']);
  });

  test('that is closed tells and asks nothing more', async () => {
    const watch = await open();
    watch.close();
    expect(transport.watch.closed).toBe(true);
    await time.pass(600_000);
    expect([lists(), told]).toEqual([1, []]);
  });

  test('that is closed while it lists tells nothing of the answer', async () => {
    const { promise, resolve } = Promise.withResolvers<ReturnType<typeof ok>>();
    const watch = await start(promise);
    watch.close();
    resolve(list('100', object('a')));
    await settled();
    expect([told, transport.streams.length]).toEqual([[], 0]);
  });
});
