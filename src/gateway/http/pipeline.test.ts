import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { application, ask, client, endAll, get, replica, until } from './http.fixture.ts';

afterEach(endAll);

const request = (line: string, ...headers: string[]) =>
  [`${line} HTTP/1.1`, 'Host: app.test', ...headers, '', ''].join('\r\n');
const put = (path: string) => `${request(`PUT ${path}`, 'Content-Length: 1')}x`;

/** A leader whose application leaves each request waiting until a test answers it; one connection to it is kept already. */
async function leader() {
  const begun: string[] = [];
  const waiting = new Map<string, ServerResponse>();
  const app = await application((req, res) => {
    if (req.url === '/warm') return void res.end();
    begun.push(`${req.method} ${req.url}`);
    waiting.set(req.url!, res);
    req.resume();
  });
  const one = await replica('a', app);
  one.leadership.lead();
  await ask(one.front, get('/warm'));
  await until(() => one.counted.length === 1);
  one.counted.length = 0;
  const answer = async (path: string) => {
    await until(() => waiting.has(path));
    waiting.get(path)!.end(`<${path}>`);
  };
  return { ...one, app, begun, answer };
}

describe('requests that are sent behind another one', () => {
  test('reach the application each after the answer to the one before: writes keep their order', async () => {
    const { front, begun, answer } = await leader();
    const one = client(front, put('/1') + put('/2') + put('/3'));
    for (const path of ['/1', '/2', '/3']) {
      await until(() => begun.includes(`PUT ${path}`));
      expect(begun.at(-1)).toBe(`PUT ${path}`);
      await answer(path);
      await one.hears(`<${path}>`);
    }
    expect(begun).toEqual(['PUT /1', 'PUT /2', 'PUT /3']);
  });

  test('take one connection to the application, however many they are', async () => {
    const { front, app, answer } = await leader();
    const one = client(front, Array.from({ length: 100 }, (_, index) => request(`GET /${index}`)).join(''));
    for (let index = 0; index < 100; index += 1) {
      await answer(`/${index}`);
      await one.hears(`</${index}>`);
      expect(app.sockets.size).toBe(1);
    }
  });

  test('end with their connection, unseen by the application', async () => {
    const { front, begun, counted, leadership } = await leader();
    const one = client(front, ['/1', '/2', '/3'].map((path) => request(`GET ${path}`)).join(''));
    await until(() => begun.length === 1);
    one.socket.destroy();
    await until(() => counted.length === 1);
    expect(counted).toEqual(['request aborted 0']);
    await leadership.handOver();
    expect(begun).toEqual(['GET /1']);
  });

  test('end the connection when there are too many', async () => {
    const { front, begun, counted } = await leader();
    const one = client(front, request('GET /1').repeat(3_000));
    expect(await one.ended).toBe('ECONNRESET');
    await until(() => counted.length === 1);
    expect(begun.length).toBeLessThanOrEqual(1);
  });
});

describe('what is sent behind a request that is refused', () => {
  const SMUGGLED = request('POST /smuggled', 'Content-Length: 0');

  test.each([
    ['two Hosts', request('GET /bad', 'Host: evil.test')],
    ['another host', request('GET http://evil.test/')],
    ['a coding before chunked', `${request('POST /bad', 'Transfer-Encoding: gzip, chunked')}0\r\n\r\n`],
    [
      'a coding in HTTP/1.0',
      'POST /bad HTTP/1.0\r\nHost: app.test\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
  ])('never reaches the application: %s', async (_, bad) => {
    const { front, begun } = await leader();
    const text = await ask(front, bad + SMUGGLED);
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400']);
    expect(begun).toEqual([]);
  });
});

describe('what is no HTTP, behind a whole request', () => {
  test('leaves the answer to that one alone, and ends the connection after it', async () => {
    const { front, begun, answer } = await leader();
    const one = client(front, `${put('/good')}GARBAGE\r\n\r\n`);
    await until(() => begun.length === 1);
    one.socket.write('more of it');
    await answer('/good');
    expect(await one.ended).toBe('end');
    expect(one.text).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*connection: close[\s\S]*<\/good>/i);
    expect(one.text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });

  test('ends it after an answer that has begun', async () => {
    const app = await application((req, res) => {
      if (req.url === '/later') return void res.end('later');
      res.write('begun');
      setTimeout(() => res.end('ended'), 50);
    });
    const { leadership, front } = await replica('a', app);
    leadership.lead();
    const one = client(front, request('GET /'));
    await one.hears('begun');
    one.socket.write(`${request('GET /later')}GARBAGE\r\n\r\n`);
    expect(await one.ended).toBe('end');
    expect(one.text).toContain('ended');
    expect(app.received).not.toContain('/later');
  });
});
