import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock, systemTimers } from '../../ports/clock.ts';
import type { GatewayMetrics } from '../../ports/gateway-metrics.ts';
import { Gate } from '../gate.ts';
import { GivenLeadership } from '../leadership.fixture.ts';
import { formatPeerAddress } from '../peer-address.ts';
import { readProxyHeader } from './proxy-protocol.ts';
import { createTcpPeerServer, createTcpServer, type TcpOptions } from './server.ts';

const open = new Set<Server | Socket>();
afterEach(() => {
  for (const each of open)
    each instanceof Object && 'close' in each ? (each as Server).close() : (each as Socket).destroy();
  open.clear();
});

async function listening(server: Server): Promise<{ host: string; port: number }> {
  open.add(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

/** An application that keeps what it is sent, and does with a connection what a test says. */
async function application(serve: (socket: Socket) => void = (socket) => void socket.pipe(socket)) {
  const received: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => received.push(chunk.toString('latin1')));
    serve(socket);
  });
  return { ...(await listening(server)), received, sockets, server };
}

async function replica(name: string, target: { host: string; port: number }, options: Partial<TcpOptions> = {}) {
  const leadership = new GivenLeadership(name);
  const outcomes: string[] = [];
  const cuts: string[] = [];
  const metrics: GatewayMetrics = {
    begun: () => {},
    ended: (_work, outcome) => outcomes.push(outcome),
    retried: () => {},
    bytes: () => {},
    cut: (passages, why) => cuts.push(`${passages} ${why}`),
    overLimit: () => outcomes.push('over limit'),
  };
  const ports = { clock: systemClock, timers: systemTimers };
  const gate = new Gate({ leadership, ...ports, drainMs: 5_000, onCut: metrics.cut });
  const all: TcpOptions = {
    ...{ gate, metrics, target, standby: 'refuse', forwardWaitMs: 5_000, connectionsMax: 100, proxyProtocol: false },
    ...ports,
    ...options,
  };
  const front = await listening(createTcpServer(all));
  const peer = await listening(createTcpPeerServer(all));
  return { leadership, gate, outcomes, cuts, front, peer, peerAddress: formatPeerAddress(peer) };
}

/** A client that keeps what it hears. `ended`: `end`, or the code of the error. */
function client(to: { host: string; port: number }) {
  const socket = connect({ ...to, allowHalfOpen: true });
  open.add(socket);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  const ended = new Promise<string>((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    socket.on('end', () => resolve('end'));
  });
  return {
    socket,
    ended,
    get text() {
      return text;
    },
    hears: (wanted: string) => until(() => text.includes(wanted)),
  };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe('a leader', () => {
  test('joins the client with the application, both ways', async () => {
    const { leadership, front } = await replica('a', await application());
    leadership.lead();
    const one = client(front);
    one.socket.write('hello');
    await one.hears('hello');
  });

  test('keeps a half-closed connection open until the other half has ended', async () => {
    const app = await application((socket) => {
      socket.on('end', () => socket.end('the whole answer'));
    });
    const { leadership, front, outcomes } = await replica('a', app);
    leadership.lead();
    const one = client(front);
    one.socket.end('a whole question');
    expect(await one.ended).toBe('end');
    expect(one.text).toBe('the whole answer');
    expect(app.received.join('')).toBe('a whole question');
    await until(() => outcomes.length === 1);
    expect(outcomes).toEqual(['served']);
  });

  test('passes on what a slow reader takes, and no more than that is kept', async () => {
    const total = 32 * 1024 * 1024;
    let written = 0;
    const app = await application((socket) => {
      const chunk = Buffer.alloc(64 * 1024);
      const fill = () => {
        while (written < total) {
          written += chunk.length;
          if (!socket.write(chunk)) return;
        }
        socket.end();
      };
      socket.on('drain', fill);
      fill();
    });
    const { leadership, front } = await replica('a', app);
    leadership.lead();
    const socket = connect({ ...front });
    open.add(socket);
    socket.pause();
    await once(socket, 'connect');
    let last = -1;
    await until(() => {
      const still = written > 0 && written === last;
      last = written;
      return still;
    });
    expect(written).toBeLessThan(total);
    let read = 0;
    socket.on('data', (chunk) => {
      read += chunk.length;
    });
    socket.resume();
    await once(socket, 'end');
    expect(read).toBe(total);
  });

  test('passes a reset on, in both directions', async () => {
    const app = await application();
    const { leadership, front } = await replica('a', app);
    leadership.lead();
    const one = client(front);
    one.socket.write('x');
    await one.hears('x');
    const reset = once(app.sockets[0]!, 'error');
    one.socket.resetAndDestroy();
    expect((await reset)[0].code).toBe('ECONNRESET');
    const two = client(front);
    two.socket.write('y');
    await two.hears('y');
    app.sockets[1]!.resetAndDestroy();
    expect(await two.ended).toBe('ECONNRESET');
  });

  test('closes the connection when the application refuses', async () => {
    const app = await application();
    app.server.close();
    const { leadership, front, outcomes } = await replica('a', app);
    leadership.lead();
    await client(front).ended;
    await until(() => outcomes.length === 1);
    expect(outcomes).toEqual(['upstream-refused']);
  });

  test('tells the application of client and term before the first byte, where the PROXY protocol is on', async () => {
    const app = await application();
    const { leadership, front } = await replica('a', app, { proxyProtocol: true });
    const token = leadership.lead();
    const one = client(front);
    await once(one.socket, 'connect');
    one.socket.write('hello');
    await one.hears('hello');
    const bytes = Buffer.from(app.received.join(''), 'latin1');
    const header = readProxyHeader(bytes);
    if (header.kind !== 'header') throw new Error(header.kind);
    expect(header.ends?.source.port).toBe(one.socket.localPort);
    expect(header.ends?.destination.port).toBe(front.port);
    expect(bytes.subarray(0, header.bytes).toString('latin1')).toContain(`\xe0\x00\x03${token}`);
    expect(bytes.subarray(header.bytes).toString()).toBe('hello');
  });

  test('takes no more connections than it may', async () => {
    const { leadership, front, outcomes } = await replica('a', await application(), { connectionsMax: 1 });
    leadership.lead();
    const one = client(front);
    one.socket.write('x');
    await one.hears('x');
    await client(front).ended;
    expect(outcomes).toEqual(['over limit']);
  });
});

describe('the end of a term', () => {
  test('cuts every connection on a loss, towards both sides, with a reset', async () => {
    const app = await application();
    const { leadership, front, cuts, outcomes } = await replica('a', app);
    leadership.lead();
    const clients = [client(front), client(front)];
    for (const [index, one] of clients.entries()) {
      one.socket.write(`${index}`);
      await one.hears(`${index}`);
    }
    const resets = app.sockets.map((socket) => once(socket, 'error'));
    await leadership.lose();
    expect(await Promise.all(clients.map(({ ended }) => ended))).toEqual(['ECONNRESET', 'ECONNRESET']);
    await Promise.all(resets);
    expect(cuts).toEqual(['2 lost']);
    await until(() => outcomes.length === 2);
    expect(outcomes).toEqual(['cut', 'cut']);
  });

  test('comes by itself when the deadline passes and nobody says so', async () => {
    const { leadership, front, cuts } = await replica('a', await application());
    leadership.lead(60);
    const one = client(front);
    expect(await one.ended).toBe('ECONNRESET');
    expect(cuts).toEqual(['1 lost']);
  });

  test('lets no byte pass that arrived while the process was stopped', async () => {
    const app = await application();
    const { leadership, front } = await replica('a', app);
    leadership.lead(200);
    const one = client(front);
    one.socket.write('before');
    await one.hears('before');
    one.socket.write('after');
    // The event loop stands still past the deadline, with the bytes in the kernel; timers and sockets are both due then.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    expect(await one.ended).toBe('ECONNRESET');
    expect(app.received.join('')).toBe('before');
  });

  test('lets no byte of the application pass that arrived while the process was stopped', async () => {
    const app = await application();
    const { leadership, front } = await replica('a', app);
    leadership.lead(200);
    const one = client(front);
    one.socket.write('before');
    await one.hears('before');
    app.sockets[0]!.write('after');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    expect(await one.ended).toBe('ECONNRESET');
    expect(one.text).toBe('before');
  });

  test('waits for running connections when it is handed over, and lets no new one in', async () => {
    const app = await application();
    const { leadership, front } = await replica('a', app);
    leadership.lead();
    const one = client(front);
    one.socket.write('x');
    await one.hears('x');
    let handedOver = false;
    const over = leadership.handOver().then(() => {
      handedOver = true;
    });
    expect(await client(front).ended).toBe('end');
    one.socket.write('still served');
    await one.hears('still served');
    expect(handedOver).toBe(false);
    app.sockets[0]!.end();
    one.socket.end();
    await over;
  });

  test('cuts what is left when the time to drain is over', async () => {
    const { leadership, front, cuts } = await replica('a', await application());
    leadership.lead();
    const one = client(front);
    one.socket.write('x');
    await one.hears('x');
    await leadership.handOver(50);
    expect(await one.ended).toBe('ECONNRESET');
    expect(cuts).toEqual(['1 drained-too-long']);
  });
});

describe('a standby', () => {
  test('closes at once', async () => {
    const app = await application();
    const { front, outcomes } = await replica('a', app);
    expect(await client(front).ended).toBe('end');
    expect(app.sockets).toEqual([]);
    await until(() => outcomes.length === 1);
    expect(outcomes).toEqual(['refused']);
  });

  test("that forwards joins the client with the leader's application, and tells who the client is", async () => {
    const [appA, appB] = [await application(), await application()];
    const leader = await replica('a', appA, { proxyProtocol: true });
    const standby = await replica('b', appB, { standby: 'forward', proxyProtocol: true });
    const token = leader.leadership.lead();
    standby.leadership.follow('a', leader.peerAddress);
    const one = client(standby.front);
    await once(one.socket, 'connect');
    one.socket.write('hello');
    await one.hears('hello');
    expect(appB.sockets).toEqual([]);
    const bytes = Buffer.from(appA.received.join(''), 'latin1');
    const header = readProxyHeader(bytes);
    if (header.kind !== 'header') throw new Error(header.kind);
    expect(header.ends?.source.port).toBe(one.socket.localPort);
    expect(bytes.toString('latin1')).toContain(token);
    one.socket.end();
    await one.ended;
    await until(() => standby.outcomes.length === 1);
    expect(standby.outcomes).toEqual(['forwarded']);
  });

  test('loses no new connection while the leader drains: it waits for the next one', async () => {
    const apps = [await application(), await application(), await application()];
    const [a, b, c] = await Promise.all(apps.map((app, index) => replica('abc'[index]!, app, { standby: 'forward' })));
    a!.leadership.lead();
    const old = client(a!.front);
    old.socket.write('x');
    await old.hears('x');
    for (const other of [b!, c!]) other.leadership.follow('a', a!.peerAddress);
    const over = a!.leadership.handOver();
    const waiting = [client(a!.front), client(b!.front), client(c!.front)];
    for (const one of waiting) one.socket.write('hello');
    old.socket.destroy();
    await over;
    b!.leadership.lead();
    for (const other of [a!, c!]) other.leadership.follow('b', b!.peerAddress);
    await Promise.all(waiting.map((one) => one.hears('hello')));
    expect(apps[0]!.received.join('')).toBe('x');
    expect(apps[1]!.received.join('')).toBe('hellohellohello');
  });

  test('closes when it knows of no leader for as long as it may wait', async () => {
    const { front, outcomes } = await replica('a', await application(), { standby: 'forward', forwardWaitMs: 30 });
    expect(await client(front).ended).toBe('end');
    await until(() => outcomes.length === 1);
    expect(outcomes).toEqual(['no-leader']);
  });

  test.for([
    ['none', null],
    ['one without a port', '127.0.0.1'],
    ['one where nobody listens', '127.0.0.1:1'],
  ] as const)('waits, and closes in the end, when of addresses the leader has told %s', async ([, address]) => {
    const options = { standby: 'forward', forwardWaitMs: 30 } as const;
    const { leadership, front, outcomes } = await replica('a', await application(), options);
    leadership.follow('b', address);
    expect(await client(front).ended).toBe('end');
    await until(() => outcomes.length === 1);
    expect(outcomes).toEqual(['leader-unreachable']);
  });

  test('brings a connection to the next leader when the present one is dead', async () => {
    const { leadership, front } = await replica('a', await application(), { standby: 'forward' });
    const next = await replica('c', await application());
    leadership.follow('b', '127.0.0.1:1');
    const one = client(front);
    one.socket.write('hello');
    next.leadership.lead();
    leadership.follow('c', next.peerAddress);
    await one.hears('hello');
  });

  test('asks a leader again that is known here before it knows of itself', async () => {
    const leader = await replica('a', await application());
    const { leadership, front } = await replica('b', await application(), {
      standby: 'forward',
      forwardWaitMs: 60_000,
    });
    leadership.follow('a', leader.peerAddress);
    const one = client(front);
    one.socket.write('hello');
    await until(() => leader.outcomes.length > 0);
    expect(leader.outcomes[0]).toBe('refused');
    leader.leadership.lead();
    await one.hears('hello');
  });

  test('closes at once when the application of the leader takes no connection', async () => {
    const app = await application();
    const leader = await replica('a', app);
    app.server.close();
    leader.leadership.lead();
    const options = { standby: 'forward', forwardWaitMs: 60_000 } as const;
    const { leadership, front, outcomes } = await replica('b', await application(), options);
    leadership.follow('a', leader.peerAddress);
    expect(await client(front).ended).toBe('end');
    await until(() => outcomes.length === 1);
    expect(outcomes).toEqual(['leader-unreachable']);
  });

  test('ends what was brought to a leader that hangs, soon after another one is known', async () => {
    const leader = await replica('a', await application());
    const { leadership, front, outcomes } = await replica('b', await application(), { standby: 'forward' });
    leader.leadership.lead();
    leadership.follow('a', leader.peerAddress);
    const one = client(front);
    one.socket.write('x');
    await one.hears('x');
    leadership.follow('c', null);
    expect(await one.ended).toBe('ECONNRESET');
    await until(() => outcomes.length === 1);
    expect(outcomes).toEqual(['cut']);
  });

  test('asks the next leader when one that hangs has said nothing', async () => {
    const silent = await listening(createServer({ pauseOnConnect: true }, (socket) => void open.add(socket)));
    const next = await replica('c', await application());
    const { leadership, front } = await replica('b', await application(), { standby: 'forward' });
    leadership.follow('a', formatPeerAddress(silent));
    const one = client(front);
    one.socket.write('hello');
    await once(one.socket, 'connect');
    next.leadership.lead();
    leadership.follow('c', next.peerAddress);
    await one.hears('hello');
  });
});

describe('a peer listener', () => {
  test('never forwards, so that no connection goes in circles', async () => {
    const apps = [await application(), await application()];
    const [a, b] = await Promise.all(
      apps.map((app, index) => replica('ab'[index]!, app, { standby: 'forward', forwardWaitMs: 500 })),
    );
    a!.leadership.follow('b', b!.peerAddress);
    b!.leadership.follow('a', a!.peerAddress);
    expect(await client(a!.front).ended).toBe('end');
    expect(apps.flatMap(({ sockets }) => sockets)).toEqual([]);
    await until(() => b!.outcomes.length > 0);
    expect(new Set(b!.outcomes)).toEqual(new Set(['refused']));
  });

  test('takes nobody who does not begin as a peer does', async () => {
    const app = await application();
    const { leadership, peer, outcomes } = await replica('a', app);
    leadership.lead();
    const one = client(peer);
    one.socket.write('GET / HTTP/1.1\r\n\r\n');
    await one.ended;
    expect(app.sockets).toEqual([]);
    await until(() => outcomes.length === 1);
    expect(outcomes).toEqual(['invalid']);
  });
});
