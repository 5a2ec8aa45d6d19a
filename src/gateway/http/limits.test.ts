import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { application, client, endAll, get, replica, until } from './http.fixture.ts';

afterEach(endAll);

const leader = async (options: Parameters<typeof replica>[2]) => {
  const app = await application((req, res) => void req.resume().on('end', () => res.end('served')));
  const one = await replica('a', app, options);
  one.leadership.lead();
  return { ...one, app };
};

describe('a listener', () => {
  test('closes connections beyond its bound, says so once, and takes new ones when there is room', async () => {
    const { front, counted, logged } = await leader({ connectionsMax: 2 });
    const kept = [
      client(front, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
      client(front, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
    ];
    for (const one of kept) await one.hears('served');
    const beyond = [client(front, get('/')), client(front, get('/'))];
    await Promise.all(beyond.map(({ ended }) => ended));
    expect(beyond.map(({ text }) => text)).toEqual(['', '']);
    expect(counted.filter((each) => each === 'over limit')).toHaveLength(2);
    expect(logged).toEqual([expect.objectContaining({ code: 'GATEWAY_FULL', connectionsMax: 2 })]);
    kept[0]!.socket.destroy();
    let text = '';
    while (!text.includes('served')) {
      const next = client(front, get('/'));
      await next.ended;
      text = next.text;
    }
  });

  test('waits for a head only so long', async () => {
    const { front, app } = await leader({ limits: { headersTimeoutMs: 100 } });
    const one = client(front, 'GET / HTTP/1.1\r\nHost: app.test\r\nX-Slow');
    await one.ended;
    expect(one.text).toMatch(/^HTTP\/1\.1 408 /);
    expect(one.text).toContain('GATEWAY_REQUEST_TIMEOUT');
    expect(app.received).toBe('');
  });

  test('waits for a body only so long, and then ends the request at the application', async () => {
    const { front, app, counted } = await leader({ limits: { requestTimeoutMs: 200 } });
    const one = client(front, 'POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 100\r\n\r\nslow');
    await until(() => app.received.includes('slow'));
    await one.ended;
    expect(one.text).toMatch(/^HTTP\/1\.1 408 /);
    await until(() => app.sockets.size === 0);
    expect(counted).toEqual(['request invalid 408']);
  });

  test('does not hold a long answer to these times', async () => {
    const app = await application((_req, res) => {
      res.write('begun');
      setTimeout(() => res.end('ended'), 900);
    });
    const { leadership, front } = await replica('a', app, { limits: { headersTimeoutMs: 100, requestTimeoutMs: 100 } });
    leadership.lead();
    const one = client(front, get('/'));
    await one.hears('ended');
  });

  test('closes a connection that waits for its next request for too long', async () => {
    const { front } = await leader({ limits: { keepAliveMs: 50 } });
    const one = client(front, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await one.hears('served');
    await one.ended;
  });

  test('takes heads up to its bound, and no longer ones', async () => {
    const { front } = await leader({ limits: { headerBytesMax: 1_000 } });
    const ok = client(front, get('/', `X-A: ${'a'.repeat(700)}`));
    await ok.hears('served');
    const long = client(front, get('/', `X-A: ${'a'.repeat(1_000)}`));
    await long.ended;
    expect(long.text).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('resets a client that takes nothing of its answer, and ends the request at the application', async () => {
    const app = await application((_req, res) => void res.end(Buffer.alloc(64 << 20)));
    const { leadership, front, counted } = await replica('a', app, { sendStallMs: 100 });
    leadership.lead();
    const one = client(front, get('/'));
    one.socket.pause();
    await until(() => counted.length === 1 && app.sockets.size === 0);
    expect(counted).toEqual(['request aborted 200']);
    one.socket.resume();
    expect(await one.ended).toBe('ECONNRESET');
  });

  test('has the kernel ask whether a quiet client is still there', async () => {
    const { front } = await leader({});
    const one = client(front, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await one.hears('served');
    const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0');
    const ends = new RegExp(`:${hex(front.port)} \\w+:${hex(one.socket.localPort!)} (.*)`);
    const [, rest = ''] = ends.exec(readFileSync('/proc/net/tcp', 'utf8'))!;
    // State, queues, and the timer that runs: 02 is that of keep-alive.
    expect(rest).toMatch(/^01 \w+:\w+ 02:/);
  });

  test('that can’t have its address says which option chose it', async () => {
    const { front, app } = await leader({});
    const taken = replica('b', app, { listen: { ...front, option: 'LEASEGATE_GATEWAY_LISTEN' } });
    await expect(taken).rejects.toMatchObject({ code: 'LISTEN_FAILED', option: 'LEASEGATE_GATEWAY_LISTEN' });
    const peers = replica('b', app, {
      standby: 'forward',
      peerListen: { ...front, option: 'LEASEGATE_GATEWAY_PEER_LISTEN' },
    });
    await expect(peers).rejects.toMatchObject({ option: 'LEASEGATE_GATEWAY_PEER_LISTEN' });
  });
});
