import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { loadKubeConfig } from '../kube/kubeconfig.ts';
import { MemberLeaseStore } from '../kube/member-leases.ts';
import { type LeaseServer, renderKubeconfig, startLeaseServer } from '../lease-server/index.ts';
import { LEASE_NAME_OF, workloadLeaseName } from '../naming/workload-lease.ts';
import { systemClock, systemTimers } from '../ports/clock.ts';
import { TestContext } from './context.fixture.ts';
import { leases } from './leases.ts';
import { quietClient } from './quiet-client.ts';

let server: LeaseServer;
let directory: string;
let kubeconfig: string;
let context: TestContext;

beforeEach(async () => {
  server = await startLeaseServer({ listen: '127.0.0.1:0', namespaces: ['shop', 'kube-node-lease'] });
  directory = mkdtempSync(join(tmpdir(), 'leasegate-leases-'));
  kubeconfig = join(directory, 'kubeconfig');
  writeFileSync(kubeconfig, renderKubeconfig({ server: server.url, namespace: 'shop' }));
  context = new TestContext();
});
afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

const microTime = (ms: number) => new Date(ms).toISOString().replace('Z', '000Z');

interface Given {
  readonly holder: string;
  readonly renewedAgoMs: number;
  readonly durationSeconds: number;
  readonly transitions?: number;
}

async function put(namespace: string, name: string, { holder, renewedAgoMs, durationSeconds, transitions }: Given) {
  const path = `${server.url}/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  const spec = {
    holderIdentity: holder,
    leaseDurationSeconds: durationSeconds,
    renewTime: microTime(Date.now() - renewedAgoMs),
    ...(transitions === undefined ? {} : { leaseTransitions: transitions }),
  };
  const body = JSON.stringify({ metadata: { name }, spec });
  const headers = { 'Content-Type': 'application/json' };
  const created = await fetch(path, { method: 'POST', headers, body });
  if (created.status === 201) return;
  const headersOfPatch = { 'Content-Type': 'application/merge-patch+json' };
  const patched = await fetch(`${path}/${name}`, {
    method: 'PATCH',
    headers: headersOfPatch,
    body: JSON.stringify({ spec }),
  });
  expect(patched.status).toBe(200);
}

async function annotate(name: string, text: string) {
  const response = await fetch(`${server.url}/apis/coordination.k8s.io/v1/namespaces/shop/leases/${name}`, {
    method: 'PATCH',
    headers: { 'Content-Type': 'application/merge-patch+json' },
    body: JSON.stringify({ metadata: { annotations: { [LEASE_NAME_OF]: text } } }),
  });
  expect(response.status).toBe(200);
}

const run = (...argv: string[]) => leases(['--kubeconfig', kubeconfig, ...argv], context);
const held = { holder: 'web-1_a', renewedAgoMs: 1_000, durationSeconds: 15, transitions: 4 };

describe('leasegate leases', () => {
  test('says what the hash in a name stands for, and does not believe it unseen', async () => {
    const web = { apiGroup: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' };
    const name = workloadLeaseName('worker', web, 'shop');
    await put('shop', name, held);
    await put('shop', 'worker-forged', held);
    await annotate(name, 'Deployment.apps/web');
    await annotate('worker-forged', 'Deployment.apps/web\u001b[2J');
    expect(await run()).toBe(0);
    expect(context.out).toMatch(new RegExp(`${name} .*  Deployment\\.apps/web\n`));
    expect(context.out).toContain('  UNVERIFIED Deployment.apps/web?[2J\n');
    context = new TestContext();
    await run('--output', 'json');
    expect(JSON.parse(context.out).leases).toMatchObject([
      { name, nameOf: { workload: 'Deployment.apps/web', verified: true } },
      { name: 'worker-forged', nameOf: { verified: false } },
    ]);
  });

  test('says of each Lease what it is for, who holds it, and how it stands', async () => {
    await put('shop', 'web', held);
    await put('shop', 'old', { ...held, renewedAgoMs: 60_000 });
    await put('kube-node-lease', 'n1', { holder: 'n1', renewedAgoMs: 300_000, durationSeconds: 40 });
    expect(await run('-A')).toBe(0);
    const rows = context.out.split('\n').map((line) => line.split(/ {2,}/));
    expect(rows[0]).toEqual(['NAMESPACE', 'NAME', 'KIND', 'HOLDER', 'RENEWED', 'STATE']);
    expect(
      rows.slice(1, 4).map(([namespace, name, kind, holder, , state]) => [namespace, name, kind, holder, state]),
    ).toEqual([
      ['kube-node-lease', 'n1', 'node-heartbeat', 'n1', 'LATE'],
      ['shop', 'old', 'leader-election', 'web-1_a', 'EXPIRED'],
      ['shop', 'web', 'leader-election', 'web-1_a', 'held'],
    ]);
    expect(context.out).toContain('3 Leases; 1 late node-heartbeat: n1; 1 expired leader-election: old');
  });

  test('knows the heartbeats of Leasegate’s replicas by what they write, and says whose they are', async () => {
    const kube = loadKubeConfig({ kubeconfig, inCluster: false, homeDirectory: '/nowhere' });
    const { client } = quietClient(kube);
    const profile = { pod: 'web-0', address: null, version: null, candidate: null, since: null, campaigns: null };
    const own = { labels: {}, owner: null, profile };
    const ports = { client, clock: systemClock, timers: systemTimers, random: Math.random };
    const store = new MemberLeaseStore(ports, { namespace: 'shop', election: 'web', isMember: () => true, own });
    const heartbeat = { holder: 'web-hash_1', durationMs: 40_000, renewTime: microTime(Date.now()) };
    expect(await store.create('web-hash', heartbeat, 5_000)).toMatchObject({ kind: 'ok' });
    expect(await run('--output', 'wide')).toBe(0);
    expect(context.out).toMatch(/web-hash +member +web-hash_1 .* held +40s +- +web, pod web-0\n/);
    context = new TestContext();
    expect(await run()).toBe(0);
    expect(context.out).toMatch(/web-hash +member +web-0 .* held\n/);
  });

  test('takes the namespace of the kubeconfig, or another one', async () => {
    await put('shop', 'web', held);
    await put('kube-node-lease', 'n1', { holder: 'n1', renewedAgoMs: 0, durationSeconds: 40 });
    expect(await run()).toBe(0);
    expect(context.out).toContain('1 Lease, none late or expired');
    context.out = '';
    expect(await run('-n', 'kube-node-lease')).toBe(0);
    expect(context.out).toContain('n1');
  });

  test('is read by programs', async () => {
    await put('shop', 'web', held);
    expect(await run('--output', 'json')).toBe(0);
    expect(JSON.parse(context.out)).toMatchObject({
      leases: [
        {
          name: 'web',
          kind: 'leader-election',
          durationMs: 15_000,
          transitions: 4,
          age: { by: 'told' },
          standing: 'held',
        },
      ],
    });
  });

  test('says why it can not list, and what helps', async () => {
    await server.close();
    expect(await run()).toBe(1);
    expect(context.err).toMatch(/^leasegate: API_UNREACHABLE .*; leasegate doctor/);
    expect(await leases(['--kubeconfig', join(directory, 'none')], context)).toBe(2);
    expect(context.err).toMatch(/none/);
  });

  test('watches: a Lease that is not seen to be renewed expires, whatever its holder wrote', async () => {
    await put('shop', 'web', { ...held, renewedAgoMs: -3_600_000, durationSeconds: 1 });
    const ended = run('--watch', '--output', 'json');
    const standings = () =>
      context.out
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line).leases[0]?.standing ?? 'none');
    await vi.waitFor(() => expect(standings()).toEqual(['unseen', 'expired']), { timeout: 10_000 });
    await put('shop', 'web', { ...held, renewedAgoMs: -3_600_001, durationSeconds: 60 });
    await vi.waitFor(() => expect(standings()).toEqual(['unseen', 'expired', 'held']), { timeout: 10_000 });
    context.signal('SIGTERM');
    expect(await ended).toBe(0);
  }, 30_000);

  test('goes on when the API server has been away', async () => {
    await put('shop', 'web', held);
    const { store } = server;
    const port = new URL(server.url).port;
    const ended = run('--watch', '--output', 'json');
    await vi.waitFor(() => expect(context.out).toContain('"web"'), { timeout: 10_000 });
    await server.abort();
    await vi.waitFor(() => expect(context.err).toContain('API_UNREACHABLE'), { timeout: 10_000 });
    server = await startLeaseServer({ listen: `127.0.0.1:${port}`, store });
    context.out = '';
    await put('shop', 'later', held);
    await vi.waitFor(() => expect(context.out).toContain('"later"'), { timeout: 10_000 });
    context.signal('SIGTERM');
    expect(await ended).toBe(0);
  }, 40_000);
});
