import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type Application,
  application,
  client,
  endAll,
  type Replica,
  rawApplication,
  replica,
  until,
} from './http.fixture.ts';

afterEach(endAll);

const UPGRADE =
  'GET /chat HTTP/1.1\r\nHost: app.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nLeasegate-Identity: forged\r\n\r\n';

/** An application that changes protocols, and then repeats what it hears; its side of the last tunnel. */
async function chat(): Promise<{ app: Application; tunnel: () => Socket }> {
  let tunnel: Socket;
  const app = await application(
    (_req, res) => res.end(),
    (server) =>
      server.on('upgrade', (req, socket: Socket) => {
        tunnel = socket;
        socket.on('error', () => {});
        const protocol = req.headers.upgrade;
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${protocol}\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\nwelcome;`,
        );
        socket.on('data', (chunk) => socket.write(`<${chunk}>`));
        socket.on('end', () => socket.end('bye'));
      }),
  );
  return { app, tunnel: () => tunnel };
}

const headOf = (text: string) => text.slice(0, text.indexOf('\r\n\r\n'));

describe('a change of protocols', () => {
  test('makes a tunnel both ways; what came with the heads is not lost', async () => {
    const { app } = await chat();
    const { leadership, front, counted, bytes } = await replica('a', app);
    const token = leadership.lead();
    const one = client(front, `${UPGRADE}early`);
    await one.hears('<early>');
    expect(headOf(one.text)).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(headOf(one.text)).toMatch(/^Upgrade: websocket$/im);
    expect(headOf(one.text)).toMatch(/^Connection: Upgrade$/im);
    expect(headOf(one.text)).toMatch(/^Sec-WebSocket-Accept: x$/im);
    expect(one.text).toContain('\r\n\r\nwelcome;');
    one.socket.write('later');
    await one.hears('<later>');
    expect(headOf(app.received)).toMatch(/^Connection: Upgrade$/m);
    expect(headOf(app.received)).toMatch(/^Upgrade: websocket$/m);
    expect(headOf(app.received)).toContain('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==');
    expect(headOf(app.received)).toContain(`Leasegate-Fencing-Token: ${token}`);
    expect(headOf(app.received)).toContain('X-Forwarded-For: 127.0.0.1');
    expect(app.received).not.toContain('forged');
    one.socket.end();
    await one.hears('bye');
    await until(() => counted.length === 2);
    expect(counted).toEqual(['request served 101', 'tunnel served']);
    expect(bytes.in).toBeGreaterThanOrEqual('later'.length);
  });

  test('keeps half of the tunnel open when the other half has ended', async () => {
    const { app, tunnel } = await chat();
    const { leadership, front } = await replica('a', app);
    leadership.lead();
    const one = client(front, UPGRADE);
    await one.hears('welcome');
    tunnel().end('last words');
    await one.hears('last words');
    const before = app.received.length;
    one.socket.write('still heard');
    await until(() => app.received.slice(before).includes('still heard'));
  });

  test('may be refused: the answer is passed on as any other', async () => {
    const app = await rawApplication((socket) =>
      socket.once('data', () =>
        socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\nX-Why: origin\r\n\r\nnope'),
      ),
    );
    const { leadership, front, counted } = await replica('a', app);
    leadership.lead();
    const one = client(front, UPGRADE);
    expect(await one.ended).toBe('end');
    expect(one.text).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*x-why: origin[\s\S]*\r\n\r\nnope$/i);
    await until(() => counted.length === 1);
    expect(counted).toEqual(['request served 403']);
  });

  test('that the application does not hear of fails as any request', async () => {
    const { app } = await chat();
    app.server.close();
    const { leadership, front } = await replica('a', app);
    leadership.lead();
    const one = client(front, UPGRADE);
    await one.ended;
    expect(one.text).toMatch(/^HTTP\/1\.1 502 /);
    expect(one.text).toContain('GATEWAY_UPSTREAM_UNREACHABLE');
  });

  test('that is not answered in time fails as any request', async () => {
    const app = await rawApplication(() => {});
    const { leadership, front } = await replica('a', app, { responseTimeoutMs: 50 });
    leadership.lead();
    const one = client(front, UPGRADE);
    await one.ended;
    expect(one.text).toContain('GATEWAY_RESPONSE_TIMEOUT');
  });

  test('is not for HTTP/1.0: the request is served without', async () => {
    const app = await application((_req, res) => res.end('plain'));
    const { leadership, front } = await replica('a', app);
    leadership.lead();
    const one = client(front, UPGRADE.replace('HTTP/1.1', 'HTTP/1.0').replace('keep-alive, ', ''));
    await one.hears('plain');
    expect(app.received).not.toMatch(/upgrade/i);
  });

  test('ends at the application when the client breaks off, before and after the answer', async () => {
    const { app, tunnel } = await chat();
    const { leadership, front } = await replica('a', app);
    leadership.lead();
    const one = client(front, UPGRADE);
    await one.hears('welcome');
    let broke = '';
    tunnel().on('error', (error: NodeJS.ErrnoException) => {
      broke = error.code ?? '';
    });
    one.socket.resetAndDestroy();
    await until(() => app.sockets.size === 0);
    expect(broke).toBe('ECONNRESET');

    const silent = await rawApplication(() => {});
    const other = await replica('b', silent);
    other.leadership.lead();
    const two = client(other.front, UPGRADE);
    await until(() => silent.received !== '');
    two.socket.destroy();
    await until(() => silent.sockets.size === 0);
  });

  test('a side that does not read holds the other back', async () => {
    const { app, tunnel } = await chat();
    const { leadership, front } = await replica('a', app);
    leadership.lead();
    const one = client(front, UPGRADE);
    await one.hears('welcome');
    one.socket.pause();
    tunnel().removeAllListeners('data');
    let written = 0;
    const chunk = Buffer.alloc(1 << 20);
    const more = (): void => {
      while (written < 1 << 29) {
        written += chunk.length;
        if (!tunnel().write(chunk)) {
          tunnel().once('drain', more);
          return;
        }
      }
    };
    more();
    let before = -1;
    while (before !== written) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(written).toBeLessThan(64 << 20);
    one.socket.resume();
    await until(() => written > before);
  });
});

describe('a standby', () => {
  const standby = async (options?: Parameters<typeof replica>[2]) => {
    const { app } = await chat();
    return { app, ...(await replica('b', app, options)) };
  };

  test('refuses it', async () => {
    const { front, app, leadership } = await standby();
    leadership.follow('a', '10.0.0.9');
    const one = client(front, UPGRADE);
    await one.ended;
    expect(one.text).toMatch(/^HTTP\/1\.1 503 /);
    expect(app.received).toBe('');
  });

  test('brings it to the leader, where that is asked for', async () => {
    const leader: Replica & { app: Application } = await standby({ standby: 'forward' });
    leader.leadership.lead();
    const { front, leadership, app, counted } = await standby({ standby: 'forward' });
    leadership.follow('x', leader.peerAddress);
    const one = client(front, `${UPGRADE}early`);
    await one.hears('<early>');
    one.socket.write('later');
    await one.hears('<later>');
    expect(app.received).toBe('');
    expect(leader.app.received).toContain('X-Forwarded-For: 127.0.0.1');
    one.socket.end();
    await until(() => counted.length === 2);
    expect(counted).toEqual(['request forwarded 101', 'tunnel forwarded']);
  });
});

describe('a change of protocols, or CONNECT, behind a request that is not answered yet', () => {
  test.each([
    ['upgrade', UPGRADE],
    ['CONNECT', 'CONNECT app.test:80 HTTP/1.1\r\nHost: app.test\r\n\r\n'],
  ])('ends the connection, and nothing else: %s', async (_, second) => {
    const app = await application((req, res) => {
      if (req.url === '/other') res.end('served');
    });
    const { leadership, front, counted } = await replica('a', app);
    leadership.lead();
    const one = client(front, 'GET /waits HTTP/1.1\r\nHost: app.test\r\n\r\n');
    await until(() => app.received.includes('/waits'));
    one.socket.write(second);
    await one.ended;
    expect(one.text).toBe('');
    await until(() => counted.length === 1);
    const two = client(front, 'GET /other HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n');
    await two.ended;
    expect(two.text).toContain('served');
  });
});
