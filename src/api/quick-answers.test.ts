import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Listener, listen } from './listen.ts';
import { answerQuickly } from './quick-answers.ts';
import { fixture, recordingLog } from './test-fixture.ts';

const QUESTION = 'GET /leader HTTP/1.1\r\nHost: localhost\r\n\r\n';
/** Asks the same, but with a header that only node:http may judge. */
const ORDINARY_QUESTION = 'GET /leader HTTP/1.1\r\nHost: localhost\r\nX-Other: 1\r\n\r\n';

let listener: Listener;
let quick: number;
let socket: Socket;
beforeEach(async () => {
  const { api } = fixture();
  quick = 0;
  const counted = [...api.quickAnswers].map(([line, answer]) => {
    const counting = () => {
      quick += 1;
      return answer();
    };
    return [line, counting] as const;
  });
  const quickAnswers = new Map(counted);
  listener = await listen(api.local, { option: 'X', host: '127.0.0.1', port: 0, log: recordingLog(), quickAnswers });
  socket = connect(listener.port, '127.0.0.1').setEncoding('latin1');
});
afterEach(async () => {
  socket.destroy();
  await listener.close(0);
});

/** Sends text and reads until as many whole answers have come. */
async function ask(text: string, answers = 1): Promise<string> {
  socket.write(text);
  let read = '';
  const whole = /HTTP\/1\.1 \d{3} [\s\S]*?Content-Length: (\d+)[\s\S]*?\r\n\r\n/g;
  for (;;) {
    const [chunk] = await once(socket, 'data');
    read += chunk;
    const heads = [...read.matchAll(whole)];
    const bytes = heads.reduce((sum, [head, length]) => sum + head.length + Number(length), 0);
    if (heads.length === answers && bytes === read.length) return read;
  }
}

const withoutDate = (answer: string) => answer.replace(/Date: [^\r]+/, 'Date: ');

test('a plain question is answered byte for byte as node:http answers it', async () => {
  const plain = await ask(QUESTION);
  expect(quick).toBe(1);
  const ordinary = await ask(ORDINARY_QUESTION);
  expect(quick).toBe(1);
  expect(withoutDate(plain)).toBe(withoutDate(ordinary));
  const date = /Date: ([^\r]+)/.exec(plain)?.[1] ?? '';
  expect(Math.abs(Date.parse(date) - Date.now())).toBeLessThan(60_000);
});

test('the clients of common languages ask plainly', async () => {
  for (const headers of [
    'Host: 127.0.0.1:4040\r\nUser-Agent: curl/8.5.0\r\nAccept: */*',
    'Host: [::1]:4040\r\nUser-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip',
    'Host: localhost:4040\r\nUser-Agent: python-requests/2.32\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive',
    'host: localhost:4040\r\nconnection: keep-alive\r\naccept: */*\r\naccept-language: *\r\nsec-fetch-mode: cors\r\nuser-agent: node\r\naccept-encoding: gzip, deflate',
  ]) {
    expect(await ask(`GET /leader HTTP/1.1\r\n${headers}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  }
  expect(quick).toBe(4);
});

test.each([
  ['two at once', QUESTION + QUESTION, 2],
  ['a body announced', 'GET /leader HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi', 1],
  ['two hosts', 'GET /leader HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n', 1],
  ['another path', 'GET /is-standby HTTP/1.1\r\nHost: localhost\r\n\r\n', 1],
])('%s: left to node:http, and answered', async (_what, text, answers) => {
  expect(await ask(text, answers)).toMatch(/^HTTP\/1\.1 (200|400) /);
  expect(quick).toBe(0);
});

test('HEAD is left to node:http, and has no body', async () => {
  socket.write('HEAD /leader HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const [head] = await once(socket, 'data');
  expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n$/);
  expect(quick).toBe(0);
});

test.each([
  ['another name', 'evil.example', 403],
  ['no name', '', 403],
])('%s in the Host header is refused as ever', async (_what, host, status) => {
  expect(await ask(`GET /leader HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(quick).toBe(0);
});

test('a question that arrives in pieces is answered', async () => {
  socket.write(QUESTION.slice(0, 20));
  // The listener has the first piece when it has answered somebody who came later.
  await (await fetch(`http://127.0.0.1:${listener.port}/leader`)).text();
  expect(await ask(QUESTION.slice(20))).toMatch(/^HTTP\/1\.1 200 /);
});

test('a connection goes on with node:http, and keeps being answered there', async () => {
  await ask(QUESTION);
  await ask('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  expect(await ask(QUESTION)).toMatch(/^HTTP\/1\.1 200 /);
  expect(quick).toBe(1);
});

test('an answer that fails is left to the handler, which reports it', async () => {
  const failing = await listen((_req, res) => res.writeHead(500, { 'Content-Length': 0 }).end(), {
    option: 'X',
    host: '127.0.0.1',
    port: 0,
    log: recordingLog(),
    quickAnswers: new Map([['GET /leader HTTP/1.1', () => expect.unreachable()]]),
  });
  expect((await fetch(`http://127.0.0.1:${failing.port}/leader`)).status).toBe(500);
  await failing.close(0);
});

test('closing ends the connections that ask plainly, without waiting for the grace', async () => {
  await ask(QUESTION);
  const ended = once(socket.resume(), 'close');
  await listener.close(60_000);
  await ended;
});

test('a client that ends its half is answered in kind', async () => {
  await ask(QUESTION);
  socket.end();
  await once(socket.resume(), 'close');
});

test('a reader that does not read is left to node:http, which stops asking for more', async () => {
  const server = createServer((_req, res) => res.end('{}'));
  let answered = 0;
  answerQuickly(
    server,
    new Map([
      [
        'GET /leader HTTP/1.1',
        () => {
          answered += 1;
          return '{}';
        },
      ],
    ]),
  );
  // Its writes are never done.
  const stuck = Object.assign(new Duplex({ read() {}, write() {}, highWaterMark: 1_000 }), {
    setTimeout: () => stuck,
    destroySoon: () => {},
  });
  server.emit('connection', stuck);
  for (let question = 0; question < 50; question++) {
    stuck.push(QUESTION);
    await new Promise(setImmediate);
  }
  expect(answered).toBeLessThan(10);
  expect(stuck.writableLength).toBeLessThan(10_000);
  stuck.destroy();
});

test('a repeated question is answered anew', async () => {
  await ask(QUESTION);
  await ask(QUESTION);
  await ask(QUESTION.replace('localhost', '127.0.0.1'));
  expect(quick).toBe(3);
});
