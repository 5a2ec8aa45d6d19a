import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { application, ask, endAll, get, replica, until } from './http.fixture.ts';

afterEach(endAll);

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

describe('a target that leads back', () => {
  test.each([
    ['to the gateway itself', 'listen'],
    ['to its peer listener', 'peerListen'],
  ])('%s: 508, after one turn', async (_, listener) => {
    const place = { host: '127.0.0.1', port: await freePort() };
    const { leadership, front, counted } = await replica('a', place, {
      standby: 'forward',
      [listener]: { ...place, option: 'LEASEGATE_TEST' },
    });
    leadership.lead();
    const text = await ask(front, get('/'));
    expect(text).toMatch(/^HTTP\/1\.1 508 Loop Detected\r\n[\s\S]*GATEWAY_LOOP/);
    await until(() => counted.length === 2);
    expect(counted).toEqual(['request invalid 508', 'request served 508']);
  });

  test('is not seen in what another replica says of itself', async () => {
    const app = await application((_req, res) => res.end('served'));
    const { leadership, front } = await replica('a', app);
    leadership.lead();
    expect(await ask(front, get('/', 'Leasegate-Identity: b_uid-b_1'))).toContain('served');
  });
});
