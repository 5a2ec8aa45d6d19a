import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Leadership } from '../leadership/leadership.ts';
import { systemClock } from '../ports/clock.ts';
import { createUnnamedApi } from './unnamed-api.ts';

const IDENTITY = 'web-1_uid_a1';

let servers: Server[];
beforeEach(async () => {
  const { local, probe } = createUnnamedApi({
    identity: IDENTITY,
    namespace: 'shop',
    why: () => 'It is not known yet.',
  });
  servers = [createServer(local), createServer(probe)];
  await Promise.all(servers.map((each) => new Promise<void>((resolve) => void each.listen(0, '127.0.0.1', resolve))));
});
afterEach(() => {
  for (const each of servers) each.close();
});

function ask(listener: 'local' | 'probe', method: string, path: string, host = 'localhost') {
  const { port } = servers[listener === 'local' ? 0 : 1]!.address() as AddressInfo;
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers: { Host: host } }, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode!, text });
    });
    sent.on('error', reject);
    sent.end();
  });
}

test.each([
  ['GET', '/leader', 200],
  ['HEAD', '/leader', 200],
  ['GET', '/leader?x=1', 200],
  ['POST', '/leader', 405],
  ['GET', '/is-leader', 503],
  ['GET', '/is-standby', 200],
  ['GET', '/healthz', 200],
  ['GET', '/readyz', 503],
  ['GET', '/metrics', 503],
  ['GET', '/leader/events', 503],
  ['POST', '/step-down', 503],
])('without a Lease to campaign for, %s %s is %i', async (method, path, status) => {
  for (const listener of ['local', 'probe'] as const) {
    expect((await ask(listener, method, path)).status).toBe(status);
  }
});

test('the answer has the fields of one that has not seen its Lease', async () => {
  const lease = { namespace: 'shop', name: 'web' };
  const timings = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, renewIntervalMs: 2_000, retryPeriodMs: 2_000 };
  const usual = new Leadership({ identity: IDENTITY, lease, timings, clock: systemClock }).answer();
  const { text } = await ask('local', 'GET', '/leader');
  expect(JSON.parse(text)).toEqual({ ...usual, lease: { namespace: 'shop', name: null, uid: null } });
});

test('web pages of others are kept away from the local listener', async () => {
  expect((await ask('local', 'GET', '/leader', 'evil.example')).status).toBe(403);
});
