import { afterEach, describe, expect, test } from 'vitest';
import { application, client, endAll, replica } from './http.fixture.ts';

afterEach(endAll);

const POST = 'POST / HTTP/1.1\r\nHost: app.test\r\n';
const GET = 'GET / HTTP/1.1\r\nHost: app.test\r\n';
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n`;
const EVIL = 'GET /evil HTTP/1.1\r\nHost: app.test\r\n\r\n';

const REFUSED: Record<string, readonly [status: number, text: string]> = {
  'a length and chunks': [400, `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${EVIL}`],
  'chunks and a length': [400, `${CHUNKED}Content-Length: 5\r\n\r\n0\r\n\r\n${EVIL}`],
  'two lengths that differ': [400, `${POST}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`],
  'two lengths that agree': [400, `${POST}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`],
  'a list of lengths': [400, `${POST}Content-Length: 5, 5\r\n\r\nhello`],
  'a length with a sign': [400, `${POST}Content-Length: +5\r\n\r\nhello`],
  'a negative length': [400, `${POST}Content-Length: -5\r\n\r\nhello`],
  'a hexadecimal length': [400, `${POST}Content-Length: 0x5\r\n\r\nhello`],
  'an empty length': [400, `${POST}Content-Length: \r\n\r\nhello`],
  'a length beyond all numbers': [400, `${POST}Content-Length: 99999999999999999999999\r\n\r\nhello`],
  'a length that cannot be counted to': [400, `${POST}Content-Length: 9999999999999999\r\n\r\nhello`],
  'a chunk size that is none': [400, `${CHUNKED}\r\nzz\r\nhello\r\n0\r\n\r\n`],
  'a chunk size with a prefix': [400, `${CHUNKED}\r\n0x5\r\nhello\r\n0\r\n\r\n`],
  'a chunk size with a sign': [400, `${CHUNKED}\r\n-5\r\nhello\r\n0\r\n\r\n`],
  'a chunk size beyond all numbers': [400, `${CHUNKED}\r\nfffffffffffffffff1\r\nhello\r\n0\r\n\r\n`],
  'a chunk size followed by a space': [400, `${CHUNKED}\r\n5 \r\nhello\r\n0\r\n\r\n`],
  'a chunk longer than it says': [400, `${CHUNKED}\r\n5\r\nhelloX0\r\n\r\n`],
  'a chunk extension with a line feed': [400, `${CHUNKED}\r\n5;a\nb\r\nhello\r\n0\r\n\r\n`],
  'chunks that end with line feeds alone': [400, `${CHUNKED}\r\n5\nhello\n0\n\n`],
  'a coding that is like chunked': [400, `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
  'the coding identity': [400, `${POST}Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello`],
  'chunked, but not last': [400, `${POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
  'a coding before chunked': [400, `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  'chunked twice': [400, `${POST}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`],
  'two codings in two lines': [400, `${CHUNKED}Transfer-Encoding: identity\r\n\r\n0\r\n\r\n`],
  'one coding in two lines': [400, `${CHUNKED}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  'a coding in quotes': [400, `${POST}Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n`],
  'a coding behind a vertical tab': [400, `${POST}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`],
  'a coding in HTTP/1.0': [400, 'POST / HTTP/1.0\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  'a header folded by a space': [400, `${GET}X-A: b\r\n c\r\n\r\n`],
  'a header folded by a tab': [400, `${GET}X-A: b\r\n\tc\r\n\r\n`],
  'a head that begins with a fold': [400, 'GET / HTTP/1.1\r\n X-A: b\r\nHost: app.test\r\n\r\n'],
  'a space before the colon': [400, `${GET}X-A : b\r\n\r\n`],
  'a space before the colon of the coding': [400, `${POST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`],
  'lines that end with line feeds alone': [400, 'GET / HTTP/1.1\nHost: app.test\n\n'],
  'a line feed within a header': [400, `${GET}X-A: b\nX-B: c\r\n\r\n`],
  'a carriage return within a header': [400, `${GET}X-A: b\rX-B: c\r\n\r\n`],
  'NUL in a header': [400, `${GET}X-A: a\0b\r\n\r\n`],
  'NUL in the name of a header': [400, `${GET}X\0A: b\r\n\r\n`],
  'NUL in the path': [400, 'GET /a\0b HTTP/1.1\r\nHost: app.test\r\n\r\n'],
  'a control character in a header': [400, `${GET}X-A: a\x01b\r\n\r\n`],
  'a control character in the path': [400, 'GET /a\x01b HTTP/1.1\r\nHost: app.test\r\n\r\n'],
  'a header without a name': [400, `${GET}: b\r\n\r\n`],
  'a header without a colon': [400, `${GET}nonsense\r\n\r\n`],
  'no Host': [400, 'GET / HTTP/1.1\r\n\r\n'],
  'two Hosts': [400, `${GET}Host: evil.test\r\n\r\n`],
  'a Host with a space': [400, 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n'],
  'a Host with a path': [400, 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'],
  'a URL of another host': [400, 'GET http://evil.test/x HTTP/1.1\r\nHost: app.test\r\n\r\n'],
  'a URL of another port': [400, 'GET http://app.test:81/x HTTP/1.1\r\nHost: app.test\r\n\r\n'],
  'a URL with a user': [400, 'GET http://app.test@evil.test/x HTTP/1.1\r\nHost: app.test\r\n\r\n'],
  'a URL of another scheme': [400, 'GET ftp://app.test/x HTTP/1.1\r\nHost: app.test\r\n\r\n'],
  'a target that is only a host': [400, 'GET app.test:80 HTTP/1.1\r\nHost: app.test\r\n\r\n'],
  'an asterisk that is not of OPTIONS': [400, 'GET * HTTP/1.1\r\nHost: app.test\r\n\r\n'],
  'a fragment': [400, 'GET /a#b HTTP/1.1\r\nHost: app.test\r\n\r\n'],
  'a space in the path': [400, 'GET /a b HTTP/1.1\r\nHost: app.test\r\n\r\n'],
  CONNECT: [400, 'CONNECT app.test:80 HTTP/1.1\r\nHost: app.test:80\r\n\r\n'],
  'a method that nobody knows': [400, 'EVIL / HTTP/1.1\r\nHost: app.test\r\n\r\n'],
  'HTTP/2 without a change of protocols': [400, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  'a version of HTTP that is none': [400, 'GET / HTTP/1.2\r\nHost: app.test\r\n\r\n'],
  TLS: [400, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  'an upgrade with half a body': [
    400,
    `${GET}Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel`,
  ],
  'an upgrade with a body': [400, `${GET}Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello`],
  'an upgrade with chunks': [400, `${CHUNKED}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
  'a header that is too long': [431, `${GET}X-A: ${'a'.repeat(20_000)}\r\n\r\n`],
  'a path that is too long': [431, `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: app.test\r\n\r\n`],
  'too many headers': [431, `${GET}${'a:b\r\n'.repeat(3_000)}\r\n`],
};

describe('of a leader', () => {
  test.each(Object.entries(REFUSED))(
    '%s: refused, and nothing of it reaches the application',
    async (_, [status, text]) => {
      const app = await application((_req, res) => res.end('the application'));
      const { leadership, front, counted } = await replica('a', app);
      leadership.lead();
      const one = client(front, text);
      await one.ended;
      expect(one.text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(one.text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
      expect(one.text).toContain('Connection: close');
      expect(JSON.parse(one.text.slice(one.text.indexOf('\r\n\r\n')))).toMatchObject({
        error: { code: status === 431 ? 'GATEWAY_HEADERS_TOO_LARGE' : 'GATEWAY_BAD_REQUEST' },
      });
      expect(counted.filter((each) => !each.startsWith('request invalid'))).toEqual([]);
      expect(app.received).toBe('');
    },
  );
});

describe('what comes before it on the connection', () => {
  test('is answered, what comes after it is not read', async () => {
    const app = await application((req, res) => res.end(`at ${req.url}`));
    const { leadership, front } = await replica('a', app);
    leadership.lead();
    const one = client(front, 'GET /good HTTP/1.1\r\nHost: app.test\r\n\r\n');
    await one.hears('at /good');
    one.socket.write(`${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${EVIL}`);
    await one.ended;
    expect(one.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
    expect(app.received).not.toContain('evil');
  });
});

describe('a body that turns out to be broken', () => {
  test('is never ended towards the application: what it took as a request stays unfinished', async () => {
    let whole = false;
    const app = await application((req, res) => {
      req.resume().on('end', () => {
        whole = true;
        res.end();
      });
    });
    const { leadership, front } = await replica('a', app);
    leadership.lead();
    const one = client(front, `${CHUNKED}\r\n5\r\nhello\r\n`);
    while (!app.received.includes('hello')) await new Promise((resolve) => setTimeout(resolve, 2));
    one.socket.write('zz\r\n');
    await one.ended;
    expect(one.text).toMatch(/^HTTP\/1\.1 400 /);
    while (app.sockets.size > 0) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(whole).toBe(false);
    expect(app.received).not.toContain('\r\n0\r\n');
  });
});

describe('an application that does not change protocols', () => {
  test('never sees what a client hoped to say in the tunnel', async () => {
    const app = await application((_req, res) => void res.writeHead(426, { Upgrade: 'websocket' }).end('no'));
    const { leadership, front } = await replica('a', app);
    leadership.lead();
    const one = client(
      front,
      `${GET}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 777\r\n\r\n${EVIL}`,
    );
    await one.ended;
    expect(one.text).toMatch(/^HTTP\/1\.1 426 /);
    expect(one.text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(app.received).not.toContain('evil');
  });

  test('is not even asked to change to HTTP/2', async () => {
    const app = await application((_req, res) => res.end('plain'));
    const { leadership, front } = await replica('a', app);
    leadership.lead();
    const settings = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n';
    const one = client(front, `${POST}${settings}Content-Length: 5\r\n\r\nhello`);
    await one.hears('plain');
    expect(app.received).toContain('hello');
    expect(app.received).not.toMatch(/h2c|HTTP2-Settings/i);
  });
});
