import { afterEach, describe, expect, test } from 'vitest';
import {
  type Application,
  application,
  ask,
  client,
  endAll,
  get,
  type Replica,
  rawApplication,
  replica,
  until,
} from './http.fixture.ts';

afterEach(endAll);

const bodyOf = (text: string) => text.slice(text.indexOf('\r\n\r\n') + 4);
const KEPT = 'GET /kept HTTP/1.1\r\nHost: app.test\r\n\r\n';
const post = (body: string, ...headers: string[]) =>
  ['POST /post HTTP/1.1', 'Host: app.test', 'Connection: close', ...headers, '', body].join('\r\n');

interface Node extends Replica {
  readonly app: Application;
}

/** A replica whose application answers with its name and what it was sent. */
async function node(name: string, options: Parameters<typeof replica>[2] = {}): Promise<Node> {
  const app = await application((req, res) => {
    const chunks: Buffer[] = [];
    req
      .on('data', (chunk) => chunks.push(chunk))
      .on('end', () => {
        res.setHeader('Served-By', name);
        res.end(`${name} ${req.method} ${Buffer.concat(chunks).length}`);
      });
  });
  return { app, ...(await replica(name, app, options)) };
}

const forwarding = (name: string, options: Parameters<typeof replica>[2] = {}) =>
  node(name, { standby: 'forward', ...options });

describe('a standby that refuses', () => {
  test('says who leads, when to try again, and closes the connection', async () => {
    const { front, leadership, app, counted } = await node('b');
    leadership.follow('a', '10.0.0.9');
    const text = await ask(front, KEPT);
    expect(text).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    expect(text).toMatch(/^Retry-After: \d+$/im);
    expect(text).toMatch(/^Connection: close$/im);
    expect(JSON.parse(bodyOf(text))).toEqual({
      error: { code: 'GATEWAY_NOT_LEADER', message: 'This replica does not lead.' },
      leader: { identity: 'a_uid-a_1', pod: 'a', address: '10.0.0.9' },
    });
    expect(app.received).toBe('');
    await until(() => counted.length === 1);
    expect(counted).toEqual(['request refused 503']);
  });

  test('says that nobody is known to lead', async () => {
    const { front } = await node('b');
    expect(JSON.parse(bodyOf(await ask(front, KEPT)))).toMatchObject({ leader: null });
  });

  test('does not ask for a body that it will not take', async () => {
    const { front } = await node('b');
    const text = await ask(front, post('', 'Content-Length: 5', 'Expect: 100-continue'));
    expect(text).toMatch(/^HTTP\/1\.1 503 /);
    expect(text).not.toContain('100 Continue');
  });

  test('is heard by a client that is still sending', async () => {
    const { front, app } = await node('b');
    const one = client(front, post('', `Content-Length: ${1 << 26}`));
    one.socket.write(Buffer.alloc(1 << 22));
    await one.hears('GATEWAY_NOT_LEADER');
    expect(app.received).toBe('');
  });

  test('answers HEAD without a body', async () => {
    const { front } = await node('b');
    const text = await ask(front, KEPT.replace('GET', 'HEAD'));
    expect(text).toMatch(/^HTTP\/1\.1 503 /);
    expect(bodyOf(text)).toBe('');
  });

  test('has no peer listener', async () => {
    expect((await node('b')).server.peerListen).toBeNull();
  });
});

describe('a standby that forwards', () => {
  /** A leader and a standby that knows it. */
  const pair = async (options: Parameters<typeof replica>[2] = {}) => {
    const leader = await forwarding('a', options);
    const standby = await forwarding('b', options);
    const token = leader.leadership.lead();
    standby.leadership.follow('a', leader.peerAddress);
    return { leader, standby, token };
  };

  test('brings requests to the leader: token, identity and the client’s address are right there', async () => {
    const { leader, standby, token } = await pair();
    const text = await ask(standby.front, get('/x', 'X-Forwarded-For: 6.6.6.6', 'Leasegate-Fencing-Token: 9'));
    expect(bodyOf(text)).toContain('a GET 0');
    expect(text).not.toMatch(/leasegate/i);
    expect(leader.app.received).toContain(`Leasegate-Fencing-Token: ${token}\r\nLeasegate-Identity: a_uid-a_1`);
    expect(leader.app.received.match(/^X-Forwarded-For: .*/gm)).toEqual(['X-Forwarded-For: 127.0.0.1']);
    expect(leader.app.received).toMatch(/^X-Forwarded-Host: app\.test$/m);
    expect(standby.app.received).toBe('');
    await until(() => standby.counted.length === 1 && leader.counted.length === 1);
    expect(standby.counted).toEqual(['request forwarded 200']);
    expect(leader.counted).toEqual(['request served 200']);
  });

  test('brings bodies of any length, and streams', async () => {
    const { standby } = await pair();
    for (const length of [0, 5, 65_536, 300_000]) {
      expect(await ask(standby.front, post('x'.repeat(length), `Content-Length: ${length}`))).toContain(
        `a POST ${length}`,
      );
    }
    const chunked = client(standby.front, post('5\r\nhello\r\n', 'Transfer-Encoding: chunked'));
    await new Promise((resolve) => setTimeout(resolve, 30));
    chunked.socket.write('5\r\nagain\r\n0\r\n\r\n');
    await chunked.hears('a POST 10');
  });

  test('says nothing of the word between the two gateways', async () => {
    const { standby } = await pair();
    expect(await ask(standby.front, post('hello', 'Content-Length: 5'))).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('passes on what the leader’s application answers, refusals of its own among that', async () => {
    const leader = {
      app: await application((_req, res) => res.writeHead(503, { 'Leasegate-Refused': 'not-leader' }).end('busy')),
    };
    const one = await replica('a', leader.app, { standby: 'forward' });
    one.leadership.lead();
    const standby = await forwarding('b');
    standby.leadership.follow('a', one.peerAddress);
    const text = await ask(standby.front, get('/'));
    expect(text).toMatch(/^HTTP\/1\.1 503 [\s\S]*busy/);
    expect(text).not.toMatch(/leasegate-refused/i);
    expect(leader.app.received.match(/GET/g)).toHaveLength(1);
  });

  test('waits for a leader while there is none, and then goes there: a hand-over loses no request', async () => {
    const leader = await forwarding('a');
    const standby = await forwarding('b');
    const requests = [ask(standby.front, get('/')), ask(standby.front, post('hello', 'Content-Length: 5'))];
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(leader.app.received + standby.app.received).toBe('');
    leader.leadership.lead();
    standby.leadership.follow('a', leader.peerAddress);
    expect((await Promise.all(requests)).map(bodyOf).map((text) => /a \w+ \d/.exec(text)?.[0])).toEqual([
      'a GET 0',
      'a POST 5',
    ]);
  });

  test('serves what waited itself, when it becomes the leader', async () => {
    const standby = await forwarding('b');
    const request = ask(standby.front, post('hello', 'Content-Length: 5'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    standby.leadership.lead();
    expect(await request).toContain('b POST 5');
  });

  test('says so when no leader is found in time', async () => {
    const standby = await forwarding('b', { forwardWaitMs: 60 });
    const text = await ask(standby.front, get('/'));
    expect(text).toMatch(/^HTTP\/1\.1 503 /);
    expect(text).toMatch(/^Retry-After: \d+$/im);
    expect(JSON.parse(bodyOf(text))).toMatchObject({ error: { code: 'GATEWAY_NO_LEADER' }, leader: null });
    await until(() => standby.counted.length === 1);
    expect(standby.counted).toEqual(['request no-leader 503']);
  });

  test.each(['10.0.0.9', 'leader.example:4042', null])(
    'does not go to an address that is no peer listener: %j',
    async (address) => {
      const standby = await forwarding('b', { forwardWaitMs: 60 });
      standby.leadership.follow('a', address);
      expect(await ask(standby.front, get('/'))).toContain('GATEWAY_NO_LEADER');
    },
  );

  test('stops waiting when its client is gone', async () => {
    const standby = await forwarding('b');
    const one = client(standby.front, get('/'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    one.socket.destroy();
    await until(() => standby.counted.length === 1);
    expect(standby.counted).toEqual(['request aborted 0']);
    standby.leadership.lead();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(standby.app.received).toBe('');
  });

  test('passes the end of a client on to the leader’s application', async () => {
    let ended = false;
    const app = await application((_req, res) => {
      res.write('begun');
      res.on('close', () => {
        ended = true;
      });
    });
    const leader = await replica('a', app, { standby: 'forward' });
    leader.leadership.lead();
    const standby = await forwarding('b');
    standby.leadership.follow('a', leader.peerAddress);
    const one = client(standby.front, get('/'));
    await one.hears('begun');
    one.socket.destroy();
    await until(() => ended);
  });

  test('what the leader cut, it cuts', async () => {
    const app = await application((_req, res) => void res.write('begun'));
    const leader = await replica('a', app, { standby: 'forward' });
    leader.leadership.lead();
    const standby = await forwarding('b');
    standby.leadership.follow('a', leader.peerAddress);
    const one = client(standby.front, get('/'));
    await one.hears('begun');
    await leader.leadership.lose();
    expect(await one.ended).toBe('ECONNRESET');
  });
});

describe('a leader that is stopped', () => {
  /** It has taken all, answers nothing more, and closes nothing; a standby and the next leader. */
  const stopped = async () => {
    const former = await rawApplication((socket, heard) =>
      socket.on('data', () => {
        if (heard().includes('/chat')) socket.write(`HTTP/1.1 101 S\r\n${UPGRADE}\r\n\r\n`);
        if (heard().includes('/begun')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf');
      }),
    );
    const [standby, next] = await Promise.all([forwarding('b'), forwarding('c')]);
    standby.leadership.follow('a', `${former.host}:${former.port}`);
    const chat = client(standby.front, get('/chat').replace('Connection: close', UPGRADE));
    const begun = client(standby.front, get('/begun'));
    const waiting = client(standby.front, get('/waiting'));
    await chat.hears('101');
    await begun.hears('half');
    await until(() => former.received.includes('/waiting'));
    return { former, standby, next, chat, begun, waiting };
  };
  const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket';

  test('loses what was brought to it when the next one is known; nothing of it is repeated', async () => {
    const { former, standby, next, chat, begun, waiting } = await stopped();
    next.leadership.lead();
    standby.leadership.follow('c', next.peerAddress);
    expect(await Promise.all([chat.ended, begun.ended])).toEqual(['ECONNRESET', 'ECONNRESET']);
    await waiting.ended;
    expect(waiting.text).toContain('GATEWAY_UPSTREAM_RESET');
    await until(() => standby.counted.length === 4 && former.sockets.size === 0);
    expect(standby.counted.toSorted()).toEqual([
      'request forwarded 101',
      'request upstream-reset 200',
      'request upstream-reset 502',
      'tunnel cut',
    ]);
    expect(next.app.received + standby.app.received).toBe('');
  });

  test('loses it likewise to the replica that brought it, when that one leads', async () => {
    const { standby, chat, waiting } = await stopped();
    standby.leadership.lead();
    expect(await chat.ended).toBe('ECONNRESET');
    await waiting.ended;
    expect(waiting.text).toContain('GATEWAY_UPSTREAM_RESET');
    expect(standby.app.received).toBe('');
  });

  test('keeps it while nobody else is known to lead: it may only be draining', async () => {
    const { former, standby, chat } = await stopped();
    await standby.leadership.lose();
    standby.leadership.follow('a', `${former.host}:${former.port}`);
    chat.socket.write('still here');
    await until(() => former.received.includes('still here'));
    expect(standby.counted).toEqual(['request forwarded 101']);
  });

  test('does not keep what has not been sent: that goes to the next one', async () => {
    const { standby, next } = await stopped();
    const one = client(standby.front, post('', 'Transfer-Encoding: chunked'));
    await ask(next.server.peerListen!, get('/'));
    next.leadership.lead();
    standby.leadership.follow('c', next.peerAddress);
    one.socket.write('5\r\nhello\r\n0\r\n\r\n');
    await one.hears('c POST 5');
  });
});

describe('a request that meets a leader which has just changed', () => {
  test('goes to the new one, also when that one is known before the former has refused', async () => {
    const refusals: (() => void)[] = [];
    const former = await rawApplication((socket) =>
      socket.once('data', () =>
        refusals.push(() =>
          socket.write('HTTP/1.1 503 Unavailable\r\nLeasegate-Refused: not-leader\r\nContent-Length: 0\r\n\r\n'),
        ),
      ),
    );
    const [standby, next] = await Promise.all([forwarding('b'), forwarding('c')]);
    standby.leadership.follow('a', `${former.host}:${former.port}`);
    const answers = [ask(standby.front, get('/')), ask(standby.front, post('hello', 'Content-Length: 5'))];
    await until(() => refusals.length === 2);
    next.leadership.lead();
    standby.leadership.follow('c', next.peerAddress);
    for (const refuse of refusals) refuse();
    expect((await Promise.all(answers)).map((text) => /[abc] \w+ \d/.exec(text)?.[0])).toEqual(['c GET 0', 'c POST 5']);
  });

  const three = async () => {
    const [a, b, c] = await Promise.all([forwarding('a'), forwarding('b'), forwarding('c')]);
    return { a, b, c };
  };

  test.each([get('/'), post('hello', 'Content-Length: 5'), post('x'.repeat(200_000), 'Content-Length: 200000')])(
    'goes to the new one: the former refused it unread (%#)',
    async (request) => {
      const { a, b, c } = await three();
      c.leadership.follow('a', a.peerAddress);
      a.leadership.follow('b', b.peerAddress);
      const answer = ask(c.front, request);
      await until(() => c.retries.includes('not-leader'));
      b.leadership.lead();
      c.leadership.follow('b', b.peerAddress);
      expect(await answer).toMatch(/b (GET 0|POST 5|POST 200000)/);
      expect(a.app.received).toBe('');
      expect(b.app.received.match(/HTTP\/1\.1\r\n/g)).toHaveLength(1);
    },
  );

  test('goes to the new one: the former is gone', async () => {
    const { a, b, c } = await three();
    c.leadership.follow('a', a.peerAddress);
    await a.server.close(0);
    const answer = ask(c.front, post('hello', 'Content-Length: 5'));
    await until(() => c.retries.includes('unreachable'));
    b.leadership.lead();
    c.leadership.follow('b', b.peerAddress);
    expect(await answer).toContain('b POST 5');
  });

  test('is found by a leader that learns of its term later than others do', async () => {
    const { a, c } = await three();
    c.leadership.follow('a', a.peerAddress);
    const answer = ask(c.front, get('/'));
    await until(() => c.retries.length > 0);
    a.leadership.lead();
    expect(await answer).toContain('a GET');
  });

  test('is not sent again when the leader may have begun to serve it', async () => {
    const app = await rawApplication(() => {});
    const a = await replica('a', app, { standby: 'forward' });
    a.leadership.lead();
    const { b, c } = await three();
    c.leadership.follow('a', a.peerAddress);
    const answer = ask(c.front, post('hello', 'Content-Length: 5'));
    await until(() => app.received.includes('hello'));
    b.leadership.lead();
    c.leadership.follow('b', b.peerAddress);
    await a.leadership.lose();
    expect(await answer).toContain('GATEWAY_UPSTREAM_RESET');
    expect(b.app.received).toBe('');
  });
});

describe('the peer listener', () => {
  test('never forwards: it refuses what it does not lead for', async () => {
    const [a, b] = await Promise.all([forwarding('a'), forwarding('b')]);
    a.leadership.follow('b', b.peerAddress);
    b.leadership.follow('a', a.peerAddress);
    const text = await ask(a.server.peerListen!, get('/'));
    expect(text).toMatch(/^HTTP\/1\.1 503 /);
    expect(text).toMatch(/^leasegate-refused: not-leader$/im);
    expect(text).toContain('GATEWAY_NOT_LEADER');
    expect(a.app.received + b.app.received).toBe('');
  });

  test('so that two which take each other for the leader send no request in circles', async () => {
    const [a, b] = await Promise.all([
      forwarding('a', { forwardWaitMs: 300 }),
      forwarding('b', { forwardWaitMs: 300 }),
    ]);
    a.leadership.follow('b', b.peerAddress);
    b.leadership.follow('a', a.peerAddress);
    expect(await ask(a.front, get('/'))).toContain('GATEWAY_NO_LEADER');
    expect(a.retries.length).toBeLessThan(10);
    expect(b.retries).toEqual([]);
  });

  test('refuses before it has read a body', async () => {
    const a = await forwarding('a');
    const one = client(a.server.peerListen!, post('', 'Content-Length: 1000000'));
    await one.hears('GATEWAY_NOT_LEADER');
    expect(one.text).not.toMatch(/^HTTP\/1\.1 102/);
  });
});

describe('while leadership is handed over', () => {
  test('the former leader brings new requests to the next one, and loses none', async () => {
    const [a, b] = await Promise.all([forwarding('a'), forwarding('b')]);
    a.leadership.lead();
    const kept = client(a.front, KEPT);
    await kept.hears('a GET 0');
    const handOver = a.leadership.handOver();
    const during = [ask(a.front, get('/')), ask(a.front, post('hello', 'Content-Length: 5'))];
    kept.socket.write(KEPT);
    await handOver;
    b.leadership.lead();
    a.leadership.follow('b', b.peerAddress);
    expect((await Promise.all(during)).map((text) => /[ab] \w+ \d/.exec(text)?.[0])).toEqual(['b GET 0', 'b POST 5']);
    await kept.hears('b GET 0');
  });

  test('a replica that is about to end goes on forwarding, and closes each connection with its answer', async () => {
    const [a, b] = await Promise.all([forwarding('a'), forwarding('b')]);
    a.leadership.lead();
    const kept = client(a.front, KEPT);
    await kept.hears('a GET 0');
    a.server.retire();
    await a.leadership.handOver();
    kept.socket.write(KEPT);
    b.leadership.lead();
    a.leadership.follow('b', b.peerAddress);
    await kept.hears('b GET 0');
    expect(await kept.ended).toBe('end');
    expect(kept.text).toMatch(/Connection: close/i);
    await a.server.close(1_000);
  });
});
