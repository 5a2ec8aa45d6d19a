import { once } from 'node:events';
import { Agent, createServer, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, test } from 'vitest';
import { LIMITS } from './limits.ts';
import { type ListenOptions, listen } from './listen.ts';
import { FakeTime, raw, recordingLog } from './test-fixture.ts';

const options = (more: Partial<ListenOptions> = {}): ListenOptions => ({
  option: 'LEASEGATE_API_LISTEN',
  host: '127.0.0.1',
  port: 0,
  log: recordingLog(),
  ...more,
});
const GRACE_MS = 5_000;

test('the port in use is reported where any was asked for', async () => {
  const listener = await listen((_req, res) => res.end('here'), options());
  expect(listener.host).toBe('127.0.0.1');
  expect(await (await fetch(`http://127.0.0.1:${listener.port}/`)).text()).toBe('here');
  await listener.close(GRACE_MS);
});

test('a port in use is refused with option, address and remedy', async () => {
  const squatter = createServer().listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  const { port } = squatter.address() as AddressInfo;
  const error = await listen(() => {}, options({ port })).catch((caught: unknown) => caught);
  expect(error).toMatchObject({
    name: 'ListenError',
    code: 'LISTEN_FAILED',
    option: 'LEASEGATE_API_LISTEN',
    address: `127.0.0.1:${port}`,
    message:
      `LEASEGATE_API_LISTEN: cannot listen on 127.0.0.1:${port}: the port is in use. ` +
      'Free it (in a pod: another container has it), or choose another with LEASEGATE_API_LISTEN.',
  });
  squatter.close();
});

test('an address of another machine is refused with the same code', async () => {
  const error = await listen(() => {}, options({ host: '192.0.2.1', port: 4040 })).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: 'LISTEN_FAILED', message: expect.stringContaining('no such address') });
});

test('a request head beyond the bound is refused', async () => {
  const listener = await listen((_req, res) => res.end(), options());
  const head = `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(LIMITS.headerBytesMax)}\r\n\r\n`;
  expect(await raw(listener.port, head)).toMatch(/^HTTP\/1\.1 431 /);
  await listener.close(GRACE_MS);
});

test('closing lets a running request end, then ends its connection', async () => {
  let running: ServerResponse | undefined;
  const listener = await listen((_req, res) => {
    running = res;
    res.flushHeaders();
  }, options());
  const agent = new Agent({ keepAlive: true });
  const asked = request({ port: listener.port, agent }).end();
  const [response] = await once(asked, 'response');
  const closed = listener.close(GRACE_MS);
  await expect(fetch(`http://127.0.0.1:${listener.port}/`)).rejects.toThrow();
  running?.end('done');
  expect(Buffer.concat(await response.toArray()).toString()).toBe('done');
  await closed;
  agent.destroy();
});

test('closing waits for idle connections no longer than it takes to see them', async () => {
  const listener = await listen((_req, res) => res.end('x'), options());
  await (await fetch(`http://127.0.0.1:${listener.port}/`)).text();
  await listener.close(GRACE_MS);
});

test('after the grace what is left is cut: half a request, a response that never ends', async () => {
  const time = new FakeTime();
  let served = 0;
  const listener = await listen(
    (_req, res) => {
      served += 1;
      res.flushHeaders();
    },
    options({ timers: time }),
  );
  const endless = connect(listener.port, '127.0.0.1');
  endless.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(endless, 'data');
  const half = connect(listener.port, '127.0.0.1');
  half.write('GET / HTTP/1.1\r\nHo');
  await once(half, 'connect');
  const cut = Promise.all([endless, half].map((socket) => once(socket.on('error', () => {}).resume(), 'close')));
  // The server has seen both connections when it has answered a later one.
  await raw(listener.port, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', /\r\n\r\n/);
  const closed = listener.close(GRACE_MS);
  time.advance(GRACE_MS);
  await Promise.all([closed, cut]);
  expect(served).toBe(2);
});

test('the wildcard of both families is the empty host', async () => {
  const listener = await listen((_req, res) => res.end('x'), options({ host: '' }));
  expect((await fetch(`http://127.0.0.1:${listener.port}/`)).status).toBe(200);
  await listener.close(GRACE_MS);
});
