import { afterEach, describe, expect, test } from 'vitest';
import {
  application,
  ask,
  client,
  endAll,
  get,
  rawApplication,
  replica,
  skippingClock,
  until,
} from './http.fixture.ts';

afterEach(endAll);

const POST =
  'POST /p HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nAAAAA\r\n';
const REST = '5\r\nCCCCC\r\n0\r\n\r\n';

/** An application that keeps what it was asked to do. */
async function recorder() {
  const done: string[] = [];
  const app = await application((req, res) => {
    let body = '';
    req
      .on('data', (chunk) => {
        body += chunk;
      })
      .on('end', () => {
        done.push(`${req.method} ${req.url} [${body}]`);
        res.end('done');
      });
  });
  return { app, done };
}

describe('a leader whose term ends before it has sent any of a request', () => {
  /** Its application's connection stands in the kernel, but its process is stopped until the term is over. */
  const stoppedLeader = async () => {
    const { clock, skip } = skippingClock();
    const { app } = await recorder();
    app.server.once('connection', () => skip(11_000));
    const leader = await replica('a', app, { standby: 'forward', clock });
    leader.leadership.lead(10_000);
    return { ...leader, app };
  };

  test('has not told its peer that it took the request', async () => {
    const { server, app } = await stoppedLeader();
    const peer = client(server.peerListen!, POST);
    await peer.hears('GATEWAY_NOT_LEADER');
    expect(peer.text).not.toContain('HTTP/1.1 102');
    expect(app.received).toBe('');
  });

  test('leaves it whole to the next leader', async () => {
    const former = await stoppedLeader();
    const { app, done } = await recorder();
    const next = await replica('c', app, { standby: 'forward' });
    const { app: unused } = await recorder();
    const standby = await replica('b', unused, { standby: 'forward' });
    standby.leadership.follow('a', former.peerAddress);
    const one = client(standby.front, POST);
    await until(() => standby.retries.includes('not-leader'));
    next.leadership.lead();
    standby.leadership.follow('c', next.peerAddress);
    one.socket.write(REST);
    await one.hears('done');
    expect(done).toEqual(['POST /p [AAAAACCCCC]']);
    expect(former.app.received).toBe('');
  });
});

test('what a peer has taken, and then refuses, is not brought to another leader without its beginning', async () => {
  const peer = await rawApplication((socket, heard) => {
    socket.once('data', () => socket.write('HTTP/1.1 102 Processing\r\n\r\n'));
    socket.on('data', () => {
      if (!heard().includes('CCCCC')) return;
      socket.write('HTTP/1.1 503 Service Unavailable\r\nLeasegate-Refused: not-leader\r\nContent-Length: 0\r\n\r\n');
    });
  });
  const { app, done } = await recorder();
  const standby = await replica('b', app, { standby: 'forward' });
  standby.leadership.follow('a', `${peer.host}:${peer.port}`);
  const one = client(standby.front, POST);
  await until(() => peer.received.includes('AAAAA'));
  one.socket.write('5\r\nCCCCC\r\n');
  await one.hears('GATEWAY_UPSTREAM_RESET');
  standby.leadership.lead();
  one.socket.write('0\r\n\r\n');
  await one.ended;
  expect(one.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 502']);
  expect(done).toEqual([]);
});

describe('a process that was stopped beyond its term, and finds its kept connection to the application closed', () => {
  const begin = async (standby: 'refuse' | 'forward') => {
    const { clock, skip } = skippingClock();
    const { app } = await recorder();
    const former = await replica('a', app, { standby, clock });
    former.leadership.lead(10_000);
    await ask(former.front, get('/warm'));
    const before = app.received.length;
    const one = client(former.front, POST.slice(0, POST.indexOf('5\r\n')));
    // Its head has been read, and waits for the body.
    await ask(former.front, get('/on-another-connection'));
    return { ...former, app, one, skip, before };
  };
  const closeAndStop = async ({ app, skip }: Awaited<ReturnType<typeof begin>>) => {
    for (const socket of app.sockets) socket.destroy();
    skip(11_000);
    await until(() => app.sockets.size === 0);
  };

  test('brings the request to the next leader once', async () => {
    const former = await begin('forward');
    const { app, done } = await recorder();
    const next = await replica('c', app, { standby: 'forward' });
    next.leadership.lead();
    former.leadership.overtaken('c', next.peerAddress);
    await closeAndStop(former);
    await ask(next.front, get('/'));
    former.one.socket.write(`5\r\nAAAAA\r\n${REST}`);
    await former.one.hears('done');
    expect(done).toEqual(['GET / []', 'POST /p [AAAAACCCCC]']);
    expect(former.retries).toEqual([]);
  });

  test('refuses it with an answer, where it does not forward', async () => {
    const former = await begin('refuse');
    await closeAndStop(former);
    await former.one.hears('GATEWAY_NOT_LEADER');
    former.one.socket.write(`5\r\nAAAAA\r\n${REST}`);
    expect(await former.one.ended).toBe('end');
  });
});
