import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { application, client, endAll, get, rawApplication, replica, skippingClock, until } from './http.fixture.ts';

afterEach(endAll);

const KEPT = 'GET / HTTP/1.1\r\nHost: app.test\r\n\r\n';
const UPGRADE = 'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const UPLOAD = 'POST /upload HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n';

/** An application with one answer under way for each path, and a tunnel. */
async function busy() {
  const answers = new Map<string, ServerResponse>();
  const app = await application(
    (req, res) => {
      answers.set(req.url ?? '', res);
      if (req.url === '/stream') res.write('begun');
      else if (req.url === '/') res.end('done');
      req.resume();
    },
    (server) =>
      server.on('upgrade', (_req, socket: Socket) => {
        socket.on('error', () => {}).resume();
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nwelcome');
      }),
  );
  return { app, answers };
}

describe('when leadership is lost', () => {
  const begin = async (options?: Parameters<typeof replica>[2]) => {
    const { app, answers } = await busy();
    const one = await replica('a', app, options);
    return { ...one, app, answers };
  };
  const open = async (front: Parameters<typeof client>[0], app: { received: string }) => {
    const waiting = client(front, get('/waiting'));
    const stream = client(front, get('/stream'));
    const tunnel = client(front, UPGRADE);
    const upload = client(front, UPLOAD);
    await stream.hears('begun');
    await tunnel.hears('welcome');
    await until(() => app.received.includes('/waiting') && app.received.includes('first'));
    return [waiting, stream, tunnel, upload];
  };

  test('all that runs is cut on both sides, in a way that no client takes for the end of an answer', async () => {
    const { leadership, front, app, cuts, counted } = await begin();
    leadership.lead();
    const clients = await open(front, app);
    await leadership.lose();
    expect(await Promise.all(clients.map(({ ended }) => ended))).toEqual(Array(4).fill('ECONNRESET'));
    await until(() => app.sockets.size === 0);
    expect(clients.map(({ text }) => text.endsWith('0\r\n\r\n'))).toEqual([false, false, false, false]);
    expect(cuts).toEqual(['4 lost']);
    await until(() => counted.length === 5);
    expect(counted.toSorted()).toEqual([
      'request cut 0',
      'request cut 0',
      'request cut 200',
      'request served 101',
      'tunnel cut',
    ]);
  });

  test('by time alone, it happens at that time', async () => {
    const { leadership, front, app, cuts } = await begin();
    leadership.lead(300);
    const clients = await open(front, app);
    expect(await Promise.all(clients.map(({ ended }) => ended))).toEqual(Array(4).fill('ECONNRESET'));
    expect(leadership.isLeader()).toBe(false);
    expect(cuts).toEqual(['4 lost']);
  });

  test('another term of the same replica does not inherit what ran', async () => {
    const { leadership, front, app } = await begin();
    leadership.lead();
    const clients = await open(front, app);
    await leadership.lose();
    leadership.lead();
    expect(await Promise.all(clients.map(({ ended }) => ended))).toEqual(Array(4).fill('ECONNRESET'));
  });

  test('clients that wait on a kept connection are sent away', async () => {
    const { leadership, front } = await begin();
    leadership.lead();
    const one = client(front, KEPT);
    await one.hears('done');
    await leadership.lose();
    expect(await one.ended).toBe('end');
  });
});

describe('a process that was stopped beyond its term', () => {
  const begin = async () => {
    const { app, answers } = await busy();
    const { clock, skip } = skippingClock();
    const one = await replica('a', app, { clock });
    one.leadership.lead(10_000);
    return { ...one, app, answers, skip };
  };

  test('sends no byte of a new request, although no timer has run yet', async () => {
    const { front, app, skip } = await begin();
    const one = client(front, KEPT);
    await one.hears('done');
    const before = app.received.length;
    skip(11_000);
    one.socket.write(KEPT);
    await one.hears('503');
    expect(app.received.length).toBe(before);
  });

  test.each([
    ['body', UPLOAD, 'first'],
    ['tunnel', `${UPGRADE}first`, 'first'],
  ])('sends no further byte of a %s: it is cut at the first', async (_, begins, begun) => {
    const { front, app, skip, cuts } = await begin();
    const one = client(front, begins);
    await until(() => app.received.includes(begun));
    skip(11_000);
    one.socket.write('6\r\nsecond\r\n');
    expect(await one.ended).toBe('ECONNRESET');
    await until(() => app.sockets.size === 0);
    expect(app.received).not.toContain('second');
    expect(cuts.length).toBeLessThanOrEqual(1);
  });

  test('brings no answer of the application any more, nor what follows of one', async () => {
    const { front, answers, skip } = await begin();
    const [waiting, stream] = [client(front, get('/waiting')), client(front, get('/stream'))];
    await stream.hears('begun');
    await until(() => answers.has('/waiting'));
    skip(11_000);
    answers.get('/stream')!.write('later');
    expect(await stream.ended).toBe('ECONNRESET');
    answers.get('/waiting')!.end('whole answer');
    expect(await waiting.ended).toBe('ECONNRESET');
    expect(stream.text).not.toContain('later');
    expect(waiting.text).toBe('');
  });

  test('sends no request that was still waiting for a connection', async () => {
    const { clock, skip } = skippingClock();
    const app = await application((_req, res) => res.end('done'));
    const { leadership, front } = await replica('a', app, { clock });
    leadership.lead(10_000);
    // The connection is made in the kernel; the gateway learns of it in a later turn of its loop.
    app.server.once('connection', () => skip(11_000));
    const one = client(front, KEPT);
    await one.hears('GATEWAY_NOT_LEADER');
    expect(app.received).toBe('');
  });
});

describe('when leadership is handed over', () => {
  test('running requests end in peace, new ones are refused, and only then it is over', async () => {
    const { app, answers } = await busy();
    const { leadership, front, cuts } = await replica('a', app);
    leadership.lead();
    const waiting = client(front, get('/waiting'));
    await until(() => answers.has('/waiting'));
    let over = false;
    const handOver = leadership.handOver().then(() => {
      over = true;
    });
    const late = client(front, KEPT);
    await late.ended;
    expect(late.text).toMatch(/^HTTP\/1\.1 503 /);
    expect(late.text).toContain('Connection: close');
    expect(over).toBe(false);
    answers.get('/waiting')!.end('whole answer');
    await waiting.ended;
    expect(waiting.text).toContain('whole answer');
    await handOver;
    expect(cuts).toEqual([]);
  });

  test('what takes longer than the drain is cut', async () => {
    const { app } = await busy();
    const { leadership, front, cuts, logged } = await replica('a', app, { drainMs: 50 });
    leadership.lead();
    const tunnel = client(front, UPGRADE);
    await tunnel.hears('welcome');
    await leadership.handOver();
    expect(await tunnel.ended).toBe('ECONNRESET');
    expect(cuts).toEqual(['1 drained-too-long']);
    expect(logged).toEqual([expect.objectContaining({ code: 'GATEWAY_CUT', passages: 1, why: 'drained-too-long' })]);
  });

  test('a body may go on coming while it drains', async () => {
    const app = await application((req, res) => void req.pipe(res));
    const { leadership, front } = await replica('a', app);
    leadership.lead();
    const upload = client(front, UPLOAD);
    await upload.hears('first');
    const handOver = leadership.handOver();
    upload.socket.write('6\r\nsecond\r\n0\r\n\r\n');
    await upload.hears('second');
    await upload.hears('0\r\n\r\n');
    await handOver;
  });
});

describe('the end of the process', () => {
  test('lets what runs end, tells clients to connect elsewhere, and takes no more', async () => {
    const { app, answers } = await busy();
    const { leadership, front, server } = await replica('a', app);
    leadership.lead();
    const idle = client(front, KEPT);
    await idle.hears('done');
    const waiting = client(front, get('/waiting').replace('Connection: close\r\n', ''));
    await until(() => answers.has('/waiting'));
    const closed = server.close(5_000);
    expect(await idle.ended).toBe('end');
    answers.get('/waiting')!.end('whole answer');
    await waiting.ended;
    expect(waiting.text).toMatch(/Connection: close[\s\S]*whole answer/i);
    await closed;
    expect(await client(front, KEPT).ended).toBe('ECONNREFUSED');
  });

  test('cuts what does not end in time, tunnels among that', async () => {
    const { app } = await busy();
    const { leadership, front, server } = await replica('a', app);
    leadership.lead();
    const tunnel = client(front, UPGRADE);
    const stream = client(front, get('/stream'));
    await tunnel.hears('welcome');
    await stream.hears('begun');
    const half = client(front, 'GET / HT');
    await server.close(50);
    await Promise.all([tunnel.ended, stream.ended, half.ended]);
    await until(() => app.sockets.size === 0);
  });
});

describe('an application that is slow to take a body', () => {
  test('gets nothing of it after the loss, of what was read already either', async () => {
    const app = await rawApplication((socket) => void socket.pause());
    const { leadership, front } = await replica('a', app);
    leadership.lead();
    const upload = client(front, `POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: ${1 << 26}\r\n\r\n`);
    upload.socket.write(Buffer.alloc(1 << 25));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await leadership.lose();
    expect(await upload.ended).toBe('ECONNRESET');
    const [socket] = [...app.sockets];
    const heard: number[] = [];
    socket!.on('data', (chunk) => heard.push(chunk.length)).resume();
    await until(() => app.sockets.size === 0);
    expect(heard.reduce((sum, length) => sum + length, 0)).toBeLessThan(1 << 25);
  });
});
