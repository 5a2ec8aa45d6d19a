import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import supertest from 'supertest';
import { expect, test, vi } from 'vitest';
import { LIMITS } from './limits.ts';
import { type Fixture, fixture, openStream, raw, serve } from './test-fixture.ts';

async function streaming() {
  const f = fixture();
  const server = await serve(f.api.local);
  const readers = (count: number) => vi.waitFor(() => expect(f.api.eventStreams).toBe(count));
  return {
    ...f,
    readers,
    port: server.port,
    open: () => openStream(`${server.url}/leader/events`),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

test('a reader is told the present state at once, then each change with its reason', async () => {
  await using f = await streaming();
  const stream = await f.open();
  expect(stream.response.status).toBe(200);
  expect(Object.fromEntries(stream.response.headers)).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
  });
  expect(stream.response.headers.has('content-encoding')).toBe(false);

  expect(await stream.next()).toMatchObject({
    id: '0',
    event: 'leadership',
    data: { change: 'snapshot', reason: null, isLeader: false, leader: null },
  });
  f.lead();
  expect(await stream.next()).toMatchObject({
    id: '1',
    data: { change: 'started', reason: null, isLeader: true, validForMs: 10_000, fencingToken: '4711' },
  });
  f.follow('taken-over');
  expect(await stream.next()).toMatchObject({
    id: '2',
    data: { change: 'stopped', reason: 'taken-over', isLeader: false, validForMs: 0, leader: { pod: 'web-1' } },
  });
  f.follow(null, 'web-2_99_c3');
  expect(await stream.next()).toMatchObject({
    id: '3',
    data: { change: 'leader-changed', leader: { pod: 'web-2' } },
  });
  stream.abort();
});

test('the stream says when to connect again', async () => {
  await using f = await streaming();
  const stream = await f.open();
  expect(await stream.nextBlock()).toMatch(/^retry: 2000\nid: 0\nevent: leadership\ndata: \{/);
  stream.abort();
});

test('a renewal is no change and is not told', async () => {
  await using f = await streaming();
  const stream = await f.open();
  await stream.next();
  f.lead('1');
  f.time.advance(2_000);
  f.lead('1');
  f.lead('2');
  const changes = [await stream.next(), await stream.next(), await stream.next()];
  expect(changes.map(({ data }) => [data.change, data.fencingToken])).toEqual([
    ['started', '1'],
    ['stopped', '2'],
    ['started', '2'],
  ]);
  stream.abort();
});

test('two readers are told the same', async () => {
  await using f = await streaming();
  const streams = [await f.open(), await f.open()];
  for (const stream of streams) await stream.next();
  f.lead();
  const [first, second] = await Promise.all(streams.map((stream) => stream.next()));
  expect(first).toEqual(second);
  expect(first?.data.change).toBe('started');
  for (const stream of streams) stream.abort();
});

test('in silence a comment is sent every 15 seconds', async () => {
  await using f = await streaming();
  const stream = await f.open();
  await stream.next();
  for (let i = 0; i < 2; i += 1) {
    f.time.advance(15_000);
    expect(await stream.nextBlock()).toBe(': keep-alive');
  }
  stream.abort();
});

test('a reader that has gone is forgotten, and with the last one the keep-alive timer', async () => {
  await using f = await streaming();
  const streams = [await f.open(), await f.open()];
  expect(f.api.eventStreams).toBe(2);
  expect(f.time.pending).toBe(1);
  streams[0]?.abort();
  await f.readers(1);
  expect(f.time.pending).toBe(1);
  streams[1]?.abort();
  await f.readers(0);
  expect(f.time.pending).toBe(0);
});

test('a reader that does not read is dropped, and the others are told on', async () => {
  await using f = await streaming();
  const stuck = connect(f.port, '127.0.0.1').pause();
  const ended = once(stuck, 'close');
  stuck.on('error', () => {});
  stuck.write('GET /leader/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await f.readers(1);
  const lively = await f.open();
  await lively.next();

  // The kernel's buffers take some MiB first; every reader that reads gets all of it.
  let told = 0;
  while (f.api.eventStreams === 2 && told < 4_000) {
    f.follow(null, `web-${told}-${'x'.repeat(8 * 1024)}_1_a`);
    told += 1;
    const { data } = await lively.next();
    expect(data.leader.pod).toMatch(`web-${told - 1}-x`);
    await setImmediate();
  }
  expect(f.api.eventStreams).toBe(1);
  expect(f.log.lines).toMatchObject([{ level: 'warn' }]);
  f.lead();
  expect((await lively.next()).data.change).toBe('started');
  lively.abort();
  stuck.resume();
  await ended;
});

test('more readers than the bound are refused, and admitted again when others have left', async () => {
  await using f = await streaming();
  const head = 'GET /leader/events HTTP/1.1\r\nHost: localhost\r\n\r\n';
  const sockets = Array.from({ length: LIMITS.eventStreamsMax }, () => connect(f.port, '127.0.0.1'));
  for (const socket of sockets) socket.on('error', () => {}).write(head);
  await f.readers(LIMITS.eventStreamsMax);
  const refusal = await raw(f.port, head, /\}\}$/);
  expect(refusal).toMatch(/^HTTP\/1\.1 503 /);
  expect(refusal).toContain('TOO_MANY_SUBSCRIBERS');
  expect(refusal).toContain('Retry-After: 10');
  sockets[0]?.destroy();
  await f.readers(LIMITS.eventStreamsMax - 1);
  const stream = await f.open();
  expect(stream.response.status).toBe(200);
  stream.abort();
  for (const socket of sockets) socket.destroy();
});

test('HEAD opens no stream, and POST is refused', async () => {
  const f: Fixture = fixture();
  await supertest(f.api.local)
    .head('/leader/events')
    .expect(200)
    .expect('Content-Type', /event-stream/);
  expect(f.api.eventStreams).toBe(0);
  const { headers } = await supertest(f.api.local).post('/leader/events').expect(405);
  expect(headers.allow).toBe('GET, HEAD');
});

test('closing ends the streams after what they were told, and opens no new one', async () => {
  await using f = await streaming();
  const stream = await f.open();
  await stream.next();
  f.lead();
  f.follow('shutdown');
  f.api.close();
  expect((await stream.next()).data.change).toBe('started');
  expect((await stream.next()).data).toMatchObject({ change: 'stopped', reason: 'shutdown' });
  expect(await stream.nextBlock()).toBeNull();
  expect(f.time.pending).toBe(0);
  expect((await f.open()).response.status).toBe(503);
  f.lead();
  await supertest(f.api.local).get('/is-leader').expect(200);
});
