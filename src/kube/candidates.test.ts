import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { NO_METRICS, SILENT_LOG } from '../../test/scenarios/support/world.ts';
import { systemClock } from '../ports/clock.ts';
import { PodCandidates } from './candidates.ts';
import { KubeClient } from './client.ts';
import { notFound, ok, refusal, ScriptedTransport } from './scripted-transport.fixture.ts';
import { TransportError } from './transport.ts';

const LEASE = { namespace: 'shop', name: 'cart' };
const IDENTITY = 'web-1_uid_1';
const CANDIDATE = { identity: IDENTITY, candidate: true, why: null, lease: { ...LEASE, uid: 'u' }, priority: 10 };
const running = (podIP: unknown = '127.0.0.1') => ok({ metadata: {}, status: { podIP, phase: 'Running' } });

let probe: Server;
let port: number;
let answer: (res: ServerResponse) => void;
let transport: ScriptedTransport;
const asked: string[] = [];

beforeAll(async () => {
  probe = createServer((req, res) => {
    asked.push(`${req.method} ${req.url}`);
    answer(res);
  }).listen(0, '127.0.0.1');
  await once(probe, 'listening');
  port = (probe.address() as AddressInfo).port;
});
afterAll(() => {
  probe.closeAllConnections();
  probe.close();
});
beforeEach(() => {
  transport = new ScriptedTransport();
  asked.length = 0;
});

function find(said: unknown = CANDIDATE, { uid = 'u' as string | null, at = port } = {}) {
  answer = (res) => void (typeof said === 'function' ? said(res) : res.end(JSON.stringify(said)));
  if (transport.answers.length === 0) transport.answers = [running()];
  const client = new KubeClient({ transport, clock: systemClock, metrics: NO_METRICS, log: SILENT_LOG });
  return new PodCandidates({
    client,
    lease: LEASE,
    podNamespace: 'replicas',
    leaseUid: () => uid,
    probePort: at,
  }).find('web-1');
}

test("a candidate is found by its pod's address, and tells its identity itself", async () => {
  await expect(find()).resolves.toEqual({ ok: true, identity: IDENTITY });
  expect(transport.requests).toMatchObject([{ method: 'GET', path: '/api/v1/namespaces/replicas/pods/web-1' }]);
  expect(asked).toEqual(['GET /elections/cart/candidacy']);
});

test('one that is older, or of other elections, is asked for its first', async () => {
  const said = (res: ServerResponse) =>
    asked.at(-1) === 'GET /candidacy' ? res.end(JSON.stringify(CANDIDATE)) : res.writeHead(404).end();
  await expect(find(said)).resolves.toEqual({ ok: true, identity: IDENTITY });
  expect(asked).toEqual(['GET /elections/cart/candidacy', 'GET /candidacy']);
});

test('which Lease it has seen matters only where both have seen one', async () => {
  await expect(find(CANDIDATE, { uid: null })).resolves.toMatchObject({ ok: true });
  await expect(find({ ...CANDIDATE, lease: { ...LEASE, uid: null } })).resolves.toMatchObject({ ok: true });
});

test.each([
  ['no such pod', notFound('pods', 'web-1'), 'TARGET_UNKNOWN', 'no pod web-1 in the namespace replicas'],
  ['no right to look', refusal(403), 'LOOKUP_FORBIDDEN', '"resources":["pods"],"verbs":["get"]'],
  ['an API server in trouble', refusal(500), 'LOOKUP_FAILED', 'HTTP 500'],
  ['a namespace that is gone', notFound('namespaces', 'shop'), 'LOOKUP_FAILED', 'could not be looked up'],
  ['no API server', new TransportError('unreachable', 'ECONNREFUSED'), 'LOOKUP_FAILED', 'ECONNREFUSED'],
  ['a pod without an address', running(''), 'TARGET_UNREACHABLE', 'no address (phase Running)'],
  ['a pod that is ending', ok({ metadata: { deletionTimestamp: 'now' } }), 'TARGET_NOT_CANDIDATE', 'is ending'],
  ['an answer that is no pod', ok(null), 'TARGET_UNREACHABLE', 'no address'],
])('%s is told', async (_, reply, code, words) => {
  transport.answers = [reply];
  await expect(find()).resolves.toEqual({ ok: false, code, message: expect.stringContaining(words) });
  expect(asked).toEqual([]);
});

test.each([
  ['is paused', { ...CANDIDATE, candidate: false, why: 'paused' }, 'TARGET_NOT_CANDIDATE', 'does not campaign: paused'],
  [
    'elects for another Lease',
    { ...CANDIDATE, lease: { ...LEASE, uid: 'u', name: 'x' } },
    'TARGET_OF_OTHER_ELECTION',
    'shop/x',
  ],
  [
    'elects in another namespace',
    { ...CANDIDATE, lease: { ...LEASE, uid: null, namespace: 'x' } },
    'TARGET_OF_OTHER_ELECTION',
    'x/cart',
  ],
  [
    'has seen a Lease that was deleted since',
    { ...CANDIDATE, lease: { ...LEASE, uid: 'old' } },
    'TARGET_OF_OTHER_ELECTION',
    'another Lease',
  ],
  ['is another pod', { ...CANDIDATE, identity: 'web-7_uid_1' }, 'TARGET_UNREACHABLE', 'web-7 answers'],
  ['says nothing of itself', {}, 'TARGET_UNREACHABLE', 'no replica'],
  ['says nothing', null, 'TARGET_UNREACHABLE', 'no replica'],
  ['talks no JSON', (res: ServerResponse) => res.end('<html>'), 'TARGET_UNREACHABLE', 'no JSON'],
  [
    'is older, and has no such route',
    (res: ServerResponse) => res.writeHead(404).end(),
    'TARGET_UNREACHABLE',
    'no replica',
  ],
  ['fails', (res: ServerResponse) => res.writeHead(500).end(), 'TARGET_UNREACHABLE', '500'],
  ['hangs', () => {}, 'TARGET_UNREACHABLE', 'no answer within 1000 ms'],
  ['hangs up', (res: ServerResponse) => res.destroy(), 'TARGET_UNREACHABLE', 'hang up'],
  [
    'breaks off',
    (res: ServerResponse) => {
      res.writeHead(200, { 'Content-Length': 100 }).write('{');
      res.socket?.destroySoon();
    },
    'TARGET_UNREACHABLE',
    'port',
  ],
  ['never ends', (res: ServerResponse) => res.end('x'.repeat(100_000)), 'TARGET_UNREACHABLE', 'too long'],
])('one that %s is no target', async (_, said, code, words) => {
  await expect(find(said)).resolves.toEqual({ ok: false, code, message: expect.stringContaining(words) });
});

test('one whose port is closed is no target', async () => {
  const found = await find(CANDIDATE, { at: 1 });
  expect(found).toMatchObject({ ok: false, code: 'TARGET_UNREACHABLE' });
});
