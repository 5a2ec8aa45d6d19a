import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { application, ask, client, endAll, get, rawApplication, replica, until } from './http.fixture.ts';

afterEach(endAll);

/** A leader before an application, and the head that the application sees of a request. */
async function leader(
  ...[serve, options, set]: [
    Parameters<typeof application>[0],
    Parameters<typeof replica>[2]?,
    Parameters<typeof application>[1]?,
  ]
) {
  const app = await application(serve, set);
  const one = await replica('a', app, options);
  const token = one.leadership.lead();
  return { ...one, app, token };
}
const headOf = (text: string) => text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n');
const bodyOf = (text: string) => text.slice(text.indexOf('\r\n\r\n') + 4);
const errorOf = (text: string) => JSON.parse(bodyOf(text)).error.code;

describe('a request', () => {
  test('goes to the application with its path, method and headers, and the answer comes back', async () => {
    const { front, app, counted } = await leader((_req, res) =>
      res.writeHead(201, 'Made', { 'X-A': 'b', 'Content-Length': 4 }).end('body'),
    );
    const text = await ask(front, get('/a/b?c=d%20e', 'X-Own: Value', 'x-own: second'));
    expect(headOf(text)[0]).toBe('HTTP/1.1 201 Made');
    expect(headOf(text)).toContain('x-a: b');
    expect(bodyOf(text)).toBe('body');
    expect(headOf(app.received)[0]).toBe('GET /a/b?c=d%20e HTTP/1.1');
    expect(headOf(app.received)).toEqual(expect.arrayContaining(['host: app.test', 'X-Own: Value', 'x-own: second']));
    await until(() => counted.length > 0);
    expect(counted).toEqual(['request served 201']);
  });

  test('tells the application the token of the term and who brings it, whatever the client claims', async () => {
    const { front, app, token } = await leader((_req, res) => res.end());
    await ask(front, get('/', 'Leasegate-Fencing-Token: 999', 'leasegate-identity: me', 'Leasegate-Other: x'));
    const ours = headOf(app.received).filter((line) => /^leasegate/i.test(line));
    expect(ours).toEqual([`Leasegate-Fencing-Token: ${token}`, 'Leasegate-Identity: a_uid-a_1']);
  });

  test('tells where it comes from; what the client claims of that is dropped', async () => {
    const { front, app } = await leader((_req, res) => res.end());
    await ask(
      front,
      get('/', 'X-Forwarded-For: 6.6.6.6', 'X-Forwarded-Proto: https', 'X-Forwarded-Port: 1', 'Forwarded: for=6.6.6.6'),
    );
    const lines = headOf(app.received).filter((line) => /forwarded/i.test(line));
    expect(lines).toEqual(['X-Forwarded-For: 127.0.0.1', 'X-Forwarded-Host: app.test', 'X-Forwarded-Proto: http']);
  });

  test('keeps what a trusted proxy before it says, and adds to it, where that is asked for', async () => {
    const { front, app } = await leader((_req, res) => res.end(), { forwarded: 'append' });
    await ask(
      front,
      get(
        '/',
        'X-Forwarded-For: 1.1.1.1',
        'X-Forwarded-For: 2.2.2.2',
        'X-Forwarded-Proto: https',
        'Forwarded: for=1.1.1.1',
      ),
    );
    const lines = headOf(app.received).filter((line) => /forwarded/i.test(line));
    expect(lines.toSorted()).toEqual([
      'Forwarded: for=1.1.1.1',
      'X-Forwarded-For: 1.1.1.1, 2.2.2.2, 127.0.0.1',
      'X-Forwarded-Host: app.test',
      'X-Forwarded-Proto: https',
    ]);
  });

  test('loses what belongs to the connection, on either side, also what Connection lists', async () => {
    const { front, app } = await leader((_req, res) => {
      const own = {
        Connection: 'X-Mine, keep-alive',
        'X-Mine': 'secret',
        'Keep-Alive': 'timeout=77',
        'Proxy-Authenticate': 'Basic',
      };
      res.writeHead(200, { ...own, 'X-Stays': 'yes' }).end('ok');
    });
    const sent = [
      'Keep-Alive: 5',
      'Proxy-Connection: keep-alive',
      'Proxy-Authorization: Basic eA==',
      'TE: trailers, gzip',
      'X-Listed: 1',
    ];
    const text = await ask(
      front,
      `GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close, X-Listed, Content-Length, Host\r\n${sent.join('\r\n')}\r\nX-Stays: yes\r\n\r\n`,
    );
    const seen = headOf(app.received).join('\n');
    expect(seen).not.toMatch(/keep-alive: 5|proxy-|x-listed|gzip/i);
    expect(seen).toMatch(/^host: app\.test$/m);
    expect(seen).toMatch(/^X-Stays: yes$/m);
    expect(seen).toMatch(/^TE: trailers$/m);
    expect(text).not.toMatch(/x-mine|timeout=77|proxy-authenticate/i);
    expect(text).toMatch(/x-stays: yes/);
  });

  test.each([
    ['GET http://app.test/a?b HTTP/1.1\r\nHost: app.test', 'GET /a?b HTTP/1.1'],
    ['GET http://APP.test:80 HTTP/1.1\r\nHost: app.test', 'GET / HTTP/1.1'],
    ['GET http://app.test?q HTTP/1.1\r\nHost: app.test:80', 'GET /?q HTTP/1.1'],
    ['OPTIONS * HTTP/1.1\r\nHost: app.test', 'OPTIONS * HTTP/1.1'],
  ])('in the form %j is told as %j', async (line, told) => {
    const { front, app } = await leader((_req, res) => res.end('ok'));
    const text = await ask(front, `${line}\r\nConnection: close\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(headOf(app.received)[0]).toBe(told);
  });

  test('in HTTP/1.0 is answered and the connection closed', async () => {
    const { front } = await leader((_req, res) => res.write('a', () => res.end('b')));
    const text = await ask(front, 'GET / HTTP/1.0\r\n\r\n');
    expect(bodyOf(text)).toBe('ab');
    expect(text).not.toMatch(/transfer-encoding/i);
  });

  test('that is HEAD gets the head that GET would get', async () => {
    const { front } = await leader((_req, res) => res.writeHead(200, { 'Content-Length': 1234 }).end());
    const text = await ask(front, get('/').replace('GET', 'HEAD'));
    expect(headOf(text)).toContain('content-length: 1234');
    expect(bodyOf(text)).toBe('');
  });

  test.each([204, 304])('with the answer %d leaves the connection in order', async (status) => {
    const { front } = await leader((_req, res) => res.writeHead(status).end());
    const one = client(front, get('/').replace('Connection: close\r\n', ''));
    await one.hears('\r\n\r\n');
    one.socket.write(get('/'));
    await one.ended;
    expect(one.text.match(new RegExp(`HTTP/1\\.1 ${status}`, 'g'))).toHaveLength(2);
  });

  test('may come before the one before it is answered; answers keep the order', async () => {
    const { front } = await leader(
      (req, res) => void setTimeout(() => res.end(`<${req.url}>`), req.url === '/slow' ? 30 : 0),
    );
    const keep = (path: string) => get(path).replace('Connection: close\r\n', '');
    const text = await ask(front, keep('/slow') + keep('/fast') + get('/last'));
    expect(text.match(/<[^>]+>/g)).toEqual(['</slow>', '</fast>', '</last>']);
  });

  test('several cookies of an answer stay several', async () => {
    const { front } = await leader((_req, res) => res.writeHead(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']).end());
    const text = await ask(front, get('/'));
    expect(headOf(text).filter((line) => /^set-cookie/i.test(line))).toEqual(['set-cookie: a=1', 'set-cookie: b=2']);
  });

  test('connections to the application are kept and used again', async () => {
    const { front, app } = await leader((_req, res) => res.end('ok'));
    let connections = 0;
    app.server.on('connection', () => (connections += 1));
    for (let index = 0; index < 5; index += 1) await ask(front, get('/'));
    expect(connections).toBe(1);
  });
});

describe('a body', () => {
  const post = (headers: string, body = '') =>
    `POST / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n${headers}\r\n\r\n${body}`;

  test('with a length, and in chunks, arrives whole and in the same form', async () => {
    const { front, app, bytes } = await leader((req, res) => void req.pipe(res));
    expect(bodyOf(await ask(front, post('Content-Length: 11', 'hello world')))).toContain('hello world');
    expect(headOf(app.received)).toContain('content-length: 11');
    expect(await ask(front, post('Transfer-Encoding: chunked', '5\r\nhello\r\n6\r\n again\r\n0\r\n\r\n'))).toContain(
      ' again',
    );
    expect(app.received).toContain('transfer-encoding: chunked');
    await until(() => bytes.in === 22);
  });

  test('is passed on while it comes: the application answers the first part before the second is said', async () => {
    const { front } = await leader(
      (req, res) => void req.on('data', (chunk) => res.write(`<${chunk}>`)).on('end', () => res.end('.')),
    );
    const one = client(front, post('Transfer-Encoding: chunked', '3\r\none\r\n'));
    await one.hears('<one>');
    one.socket.write('3\r\ntwo\r\n');
    await one.hears('<two>');
    one.socket.write('0\r\n\r\n');
    await one.ended;
  });

  test('of a client that waits to be asked is asked for, once the application is there', async () => {
    const { front, app } = await leader((req, res) => void req.pipe(res));
    const one = client(front, post('Expect: 100-continue\r\nContent-Length: 5'));
    await one.hears('HTTP/1.1 100 Continue\r\n\r\n');
    expect(app.received).not.toContain('hello');
    one.socket.write('hello');
    await one.ended;
    expect(one.text).toContain('HTTP/1.1 200 OK');
    expect(app.received).not.toMatch(/expect/i);
  });

  test('of a client that expects anything else is refused in the gateway’s words, and counted', async () => {
    const { front, app, counted } = await leader((_req, res) => res.end());
    const text = await ask(front, post('Expect: foo\r\nContent-Length: 1', 'x'));
    expect(headOf(text)[0]).toBe('HTTP/1.1 417 Expectation Failed');
    expect(errorOf(text)).toBe('GATEWAY_EXPECTATION_FAILED');
    await until(() => counted.length === 1);
    expect(counted).toEqual(['request invalid 417']);
    expect(app.received).toBe('');
  });

  test('that the application does not take is not read from the client: memory is not its buffer', async () => {
    const app = await rawApplication((socket) => void socket.pause());
    const one = await replica('a', app);
    one.leadership.lead();
    const sender = client(one.front, post(`Content-Length: ${1 << 30}`));
    const chunk = Buffer.alloc(1 << 20);
    let sent = 0;
    while (
      sender.socket.write(chunk) ||
      (await Promise.race([
        once(sender.socket, 'drain').then(() => true),
        new Promise((resolve) => setTimeout(resolve, 300, false)),
      ]))
    )
      sent += chunk.length;
    expect(sent).toBeLessThan(64 << 20);
  });

  test('that is answered before its end does not keep the answer back', async () => {
    const { front } = await leader((_req, res) => res.writeHead(413).end('too much'));
    const one = client(front, post('Content-Length: 1000000', 'x'.repeat(1000)));
    await one.hears('too much');
    expect(one.text).toMatch(/^HTTP\/1\.1 413 /);
  });

  test('whose trailers are announced brings them to the application', async () => {
    const { front } = await leader(
      (req, res) => void req.resume().on('end', () => res.end(JSON.stringify(req.trailers))),
    );
    const body = '5\r\nhello\r\n0\r\nX-Sum: 42\r\nLeasegate-Fencing-Token: 9\r\n\r\n';
    const text = await ask(front, post('Trailer: X-Sum\r\nTransfer-Encoding: chunked', body));
    expect(JSON.parse(/\{.*\}/.exec(text)![0])).toEqual({ 'x-sum': '42' });
  });
});

describe('an answer', () => {
  test('is passed on as it comes: the head before the body, each event when it happens', async () => {
    let events: ServerResponse | null = null;
    const { front } = await leader((_req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
      events = res;
    });
    const one = client(front, get('/events'));
    await one.hears('text/event-stream');
    for (const each of ['one', 'two']) {
      events!.write(`data: ${each}\n\n`);
      await one.hears(`data: ${each}`);
    }
  });

  test('ahead of the answer (103) is passed on, but not to HTTP/1.0', async () => {
    const { front } = await leader((_req, res) => {
      res.writeEarlyHints({ link: '</a.css>; rel=preload' });
      res.end('ok');
    });
    expect(await ask(front, get('/'))).toMatch(
      /^HTTP\/1\.1 103 [\s\S]*link: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 /i,
    );
    expect(await ask(front, 'GET / HTTP/1.0\r\nHost: app.test\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('keeps its trailers, where the client can be told them', async () => {
    const { front } = await leader((_req, res) => {
      res.writeHead(200, { Trailer: 'X-Sum' });
      res.write('body');
      res.addTrailers({ 'X-Sum': '42' });
      res.end();
    });
    const text = await ask(front, get('/', 'TE: trailers'));
    expect(text).toMatch(/trailer: X-Sum/i);
    expect(text).toMatch(/0\r\nX-Sum: 42\r\n\r\n$/i);
    expect(bodyOf(await ask(front, 'GET / HTTP/1.0\r\nHost: app.test\r\n\r\n'))).toBe('body');
  });

  test('that the client does not read is not read from the application', async () => {
    let written = 0;
    const { front } = await leader((_req, res) => {
      const more = () => {
        while (written < 1 << 30) {
          written += 1 << 20;
          if (!res.write(Buffer.alloc(1 << 20))) return void res.once('drain', more);
        }
      };
      more();
    });
    const one = client(front, get('/'));
    one.socket.pause();
    let before = -1;
    while (before !== written) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(written).toBeLessThan(64 << 20);
    one.socket.resume();
    await until(() => written > before);
  });

  test('of many megabytes arrives whole', async () => {
    const body = Buffer.alloc(20 << 20, 'leasegate');
    const { front } = await leader((_req, res) => res.end(body));
    const text = await ask(front, get('/'));
    expect(Buffer.from(bodyOf(text), 'latin1').equals(body)).toBe(true);
  });

  test('that breaks off does not look like a whole one', async () => {
    const app = await rawApplication((socket) =>
      socket.once('data', () =>
        socket.write('HTTP/1.1 200 OK\r\n\r\nhalf', () => setTimeout(() => socket.resetAndDestroy(), 20)),
      ),
    );
    const { leadership, front, counted } = await replica('a', app);
    leadership.lead();
    for (const version of ['1.1', '1.0']) {
      const one = client(front, `GET / HTTP/${version}\r\nHost: app.test\r\n\r\n`);
      expect(await one.ended).toBe('ECONNRESET');
      expect(one.text).not.toContain('0\r\n\r\n');
    }
    await until(() => counted.length === 2);
    expect(counted).toEqual(['request upstream-reset 200', 'request upstream-reset 200']);
  });
});

describe('a client that goes away', () => {
  test('before the answer ends the request of the application', async () => {
    let aborted = false;
    const { front, app, counted } = await leader((_req, res) => {
      res.on('close', () => {
        aborted = !res.writableEnded;
      });
    });
    const one = client(front, get('/'));
    await until(() => app.received !== '');
    one.socket.destroy();
    await until(() => aborted);
    await until(() => counted.length === 1);
    expect(counted).toEqual(['request aborted 0']);
  });

  test('in the middle of a body leaves the application with an unfinished one', async () => {
    let outcome = '';
    const { front, app } = await leader(
      (req) =>
        void req
          .on('aborted', () => (outcome = 'aborted'))
          .on('end', () => (outcome = 'end'))
          .on('error', () => {})
          .resume(),
    );
    const one = client(front, 'POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    await until(() => app.received.includes('hello'));
    one.socket.destroy();
    await until(() => outcome !== '');
    expect(outcome).toBe('aborted');
  });

  test('in the middle of a stream ends it', async () => {
    let ended = false;
    const { front } = await leader((_req, res) => {
      res.on('close', () => (ended = true));
      res.write('first');
    });
    const one = client(front, get('/'));
    await one.hears('first');
    one.socket.destroy();
    await until(() => ended);
  });
});

describe('an application that fails', () => {
  test('because nobody listens: 502, and said once in the log, and once when it is mended', async () => {
    const app = await application((_req, res) => res.end('back'));
    app.server.close();
    const { leadership, front, logged, counted } = await replica('a', app);
    leadership.lead();
    for (let index = 0; index < 2; index += 1) {
      const text = await ask(front, get('/'));
      expect(headOf(text)[0]).toBe('HTTP/1.1 502 Bad Gateway');
      expect(errorOf(text)).toBe('GATEWAY_UPSTREAM_UNREACHABLE');
      expect(text).not.toContain('127.0.0.1');
    }
    app.server.listen(app.port, app.host);
    await once(app.server, 'listening');
    expect(bodyOf(await ask(front, get('/')))).toBe('back');
    expect(logged.map(({ code }) => code)).toEqual(['GATEWAY_TARGET_DOWN', 'GATEWAY_TARGET_UP']);
    expect(counted.slice(0, 2)).toEqual(['request upstream-refused 502', 'request upstream-refused 502']);
  });

  test.each([
    ['closes instead of an answer', '', 502, 'GATEWAY_UPSTREAM_RESET'],
    ['answers with what is no HTTP', 'SSH-2.0-x\r\n\r\n', 502, 'GATEWAY_UPSTREAM_INVALID'],
    [
      'answers with two lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      502,
      'GATEWAY_UPSTREAM_INVALID',
    ],
    [
      'changes protocols unasked',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
      502,
      'GATEWAY_UPSTREAM_INVALID',
    ],
    [
      'answers with an endless head',
      `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`,
      502,
      'GATEWAY_UPSTREAM_INVALID',
    ],
  ])('because it %s: %s %d %s', async (_, answer, status, code) => {
    const app = await rawApplication((socket) => socket.once('data', () => socket.end(answer, 'latin1')));
    const { leadership, front } = await replica('a', app);
    leadership.lead();
    const text = await ask(
      front,
      'POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi',
    );
    expect(headOf(text)[0]).toContain(String(status));
    expect(errorOf(text)).toBe(code);
  });

  test('because it does not answer in time: 504', async () => {
    const { front, counted } = await leader(() => {}, { responseTimeoutMs: 50 });
    const text = await ask(front, get('/'));
    expect(headOf(text)[0]).toBe('HTTP/1.1 504 Gateway Timeout');
    expect(errorOf(text)).toBe('GATEWAY_RESPONSE_TIMEOUT');
    await until(() => counted.length === 1);
    expect(counted).toEqual(['request upstream-timeout 504']);
  });

  test('a stream that is quiet for longer than that goes on', async () => {
    let stream: ServerResponse | null = null;
    const { front } = await leader(
      (_req, res) => {
        res.write('first');
        stream = res;
      },
      { responseTimeoutMs: 50 },
    );
    const one = client(front, get('/'));
    await one.hears('first');
    await new Promise((resolve) => setTimeout(resolve, 200));
    stream!.end('last');
    await one.hears('last');
  });
});

describe('a connection that the application closed while it was kept', () => {
  /** Answers the first request of a connection, and breaks it at the second. */
  const breaking = (served: string[]) =>
    rawApplication((socket, heard) => {
      let requests = 0;
      socket.on('data', () => {
        served.push(
          heard()
            .slice(heard().lastIndexOf('HTTP/1.1') - 12)
            .split(' HTTP')[0]!
            .trim(),
        );
        requests += 1;
        if (requests === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        else socket.resetAndDestroy();
      });
    });
  const keep = (method: string) => `${method} /x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n`;

  test.each(['GET', 'DELETE', 'OPTIONS'])(
    'is never seen by the client of %s: it is sent once more, on a new one',
    async (method) => {
      const served: string[] = [];
      const { leadership, front, retries } = await replica('a', await breaking(served));
      leadership.lead();
      expect(await ask(front, `${keep('GET')}\r\n`)).toContain('ok');
      expect(await ask(front, `${keep(method)}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
      expect(served).toHaveLength(3);
      expect(retries).toEqual(['stale-connection']);
    },
  );

  test.each([
    `${keep('POST')}Content-Length: 0\r\n\r\n`,
    `${keep('PATCH')}\r\n`,
    `${keep('PUT')}Content-Length: 2\r\n\r\nhi`,
  ])('fails what may not be said twice: %j', async (request) => {
    const served: string[] = [];
    const { leadership, front, retries } = await replica('a', await breaking(served));
    leadership.lead();
    await ask(front, `${keep('GET')}\r\n`);
    expect(errorOf(await ask(front, request))).toBe('GATEWAY_UPSTREAM_RESET');
    expect(served).toHaveLength(2);
    expect(retries).toEqual([]);
  });

  test('is tried once: what breaks a new connection too is an answer of its own', async () => {
    let connections = 0;
    const app = await rawApplication((socket) => {
      connections += 1;
      socket.once('data', () => socket.resetAndDestroy());
    });
    const { leadership, front } = await replica('a', app);
    leadership.lead();
    expect(errorOf(await ask(front, `${keep('GET')}\r\n`))).toBe('GATEWAY_UPSTREAM_RESET');
    expect(connections).toBe(1);
  });
});

describe('the access log', () => {
  test('has a line for each request, where it is asked for', async () => {
    const { front, logged } = await leader((req, res) => void req.pipe(res), { accessLog: true });
    await ask(front, 'POST /a?b HTTP/1.1\r\nHost: app.test\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello');
    await until(() => logged.length > 0);
    const line = {
      code: 'ACCESS',
      client: '127.0.0.1',
      method: 'POST',
      url: '/a?b',
      status: 200,
      outcome: 'served',
      receivedBytes: 5,
      sentBytes: 5,
    };
    expect(logged).toEqual([expect.objectContaining(line)]);
  });
});
