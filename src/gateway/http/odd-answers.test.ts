import { afterEach, describe, expect, test } from 'vitest';
import { ask, client, endAll, rawApplication, replica, until } from './http.fixture.ts';

afterEach(endAll);

const HEAD = 'HTTP/1.1\r\nHost: app.test\r\nConnection:';
/** Each way that a request may go to the application. */
const REQUESTS = {
  'a request': `GET / ${HEAD} close\r\n\r\n`,
  'a change of protocols': `GET / ${HEAD} Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  'a request with trailers': `POST / ${HEAD} close\r\nTrailer: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\na: b\r\n\r\n`,
  'OPTIONS *': `OPTIONS * ${HEAD} close\r\n\r\n`,
};

/** A leader before an application that answers thus, whatever it is asked. */
async function answering(answer: string) {
  const app = await rawApplication((socket) => socket.once('data', () => socket.write(answer, 'latin1')));
  const one = await replica('a', app, { responseTimeoutMs: 2_000 });
  one.leadership.lead();
  return one;
}

describe.each(Object.entries(REQUESTS))('%s', (_name, request) => {
  test.each([
    ['101 without a change of protocols', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['101 without Connection', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'],
    ['a status below 100', 'HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n'],
    ['the status 000', 'HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n'],
  ])('that is answered with %s gets 502', async (_, answer) => {
    const { front, counted } = await answering(answer);
    const text = await ask(front, request);
    expect(text).toMatch(/^HTTP\/1\.1 502 /);
    expect(text).toContain('GATEWAY_UPSTREAM_INVALID');
    await until(() => counted.length === 1);
    expect(counted).toEqual(['request upstream-invalid 502']);
  });

  test('that is answered with a control character in the reason gets the answer without it', async () => {
    const { front } = await answering('HTTP/1.1 400 Bad\x01\r\nContent-Length: 2\r\n\r\nno');
    expect(await ask(front, request)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*no$/);
  });

  test('that is answered with 204 and chunks gets 204', async () => {
    const { front, counted } = await answering(
      'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    );
    expect(await ask(front, request)).toMatch(/^HTTP\/1\.1 204 /);
    await until(() => counted.length === 1);
  });
});

test('a change of protocols with a control character in the reason is passed on without it', async () => {
  const { front } = await answering('HTTP/1.1 101 S\x01\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhi');
  const one = client(front, REQUESTS['a change of protocols']);
  await one.hears('hi');
  expect(one.text).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
});

test('100 that nobody asked for does not reach the client', async () => {
  const { front } = await answering('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n');
  expect(await ask(front, REQUESTS['a change of protocols'])).toMatch(/^HTTP\/1\.1 400 Bad\r\n/);
});
