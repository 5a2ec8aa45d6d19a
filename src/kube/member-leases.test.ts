import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NO_METRICS, SILENT_LOG } from '../../test/scenarios/support/world.ts';
import { type LeaseServer, renderKubeconfig, startLeaseServer } from '../lease-server/index.ts';
import { systemClock, systemTimers } from '../ports/clock.ts';
import type { MemberLease, MemberOutcome, StoredMemberLease } from '../ports/members.ts';
import type { Watching } from '../ports/publisher.ts';
import { KubeClient } from './client.ts';
import type { LeaseObject } from './codec.ts';
import { Credentials } from './credentials.ts';
import { HttpTransport } from './http-transport.ts';
import { loadKubeConfig } from './kubeconfig.ts';
import { MemberLeaseStore } from './member-leases.ts';
import { MERGE_PATCH } from './objects.ts';

const NAME = 'cart-x';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
const TIMEOUT_MS = 5_000;
const PROFILE = {
  pod: 'cart-0',
  address: '10.0.0.1:4042',
  version: '1.0.0',
  candidate: 'cart-0_u_1',
  campaigns: 'cart,cart-2',
  since: null,
};
const heartbeat = (second: number, holder = `${NAME}_1`) => ({
  holder,
  durationMs: 40_000,
  renewTime: `2026-01-01T00:00:0${second}.000000Z`,
});

let directory: string;
let server: LeaseServer;
let client: KubeClient;
let watching: Watching | null = null;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'leasegate-members-'));
  server = await startLeaseServer({ listen: '127.0.0.1:0' });
  const kubeconfig = join(directory, 'kubeconfig');
  writeFileSync(kubeconfig, renderKubeconfig({ server: server.url }));
  const loaded = loadKubeConfig({ kubeconfig, inCluster: false, homeDirectory: '/nowhere' });
  const transport = new HttpTransport(server.url, new Credentials(loaded, systemClock, SILENT_LOG));
  client = new KubeClient({ transport, clock: systemClock, metrics: NO_METRICS, log: SILENT_LOG });
});
afterEach(async () => {
  watching?.close();
  watching = null;
  await server.close();
  rmSync(directory, { recursive: true });
});

function storeOf(uid = 'pod-uid-1', pod = 'cart-0', campaigns = PROFILE.campaigns): MemberLeaseStore {
  const profile = { ...PROFILE, pod, campaigns };
  return new MemberLeaseStore(
    { client, clock: systemClock, timers: systemTimers, random: () => 0.5 },
    {
      namespace: 'default',
      election: 'cart',
      isMember: (name) => name.startsWith('cart-'),
      own: { labels: { 'kubernetes.io/hostname': pod }, owner: { name: pod, uid }, profile },
    },
  );
}

const raw = async (name = NAME) =>
  (await client.transport.request({ method: 'GET', path: `${LEASES}/${name}`, timeoutMs: TIMEOUT_MS }))
    .body as LeaseObject;
const edit = (patch: object, name = NAME) =>
  client.transport.request({
    ...{ method: 'PATCH', path: `${LEASES}/${name}`, body: patch, contentType: MERGE_PATCH, timeoutMs: TIMEOUT_MS },
  });
const leaseOf = (outcome: MemberOutcome): StoredMemberLease => {
  if (outcome.kind !== 'ok') throw new Error(JSON.stringify(outcome));
  return outcome.lease;
};
const created = async (name = NAME) => leaseOf(await storeOf().create(name, heartbeat(0), TIMEOUT_MS));

describe('the own Lease', () => {
  test('says of 64 elections with names as long as any that it campaigns', async () => {
    const campaigns = Array.from({ length: 64 }, (_, i) => `${i}`.padStart(253, 'n')).join(',');
    const created = await storeOf('pod-uid-1', 'cart-0', campaigns).create(NAME, heartbeat(1), TIMEOUT_MS);
    expect(leaseOf(created).profile.campaigns).toBe(campaigns);
  });

  test('is created with its heartbeat, labels, owner and profile, and without a term of election', async () => {
    const lease = await created();
    expect(lease).toMatchObject({ name: NAME, holder: `${NAME}_1`, durationMs: 40_000, profile: PROFILE });
    expect(await raw()).toMatchObject({
      metadata: {
        labels: {
          'leasegate.dev/election': 'cart',
          'leasegate.dev/lease': 'member',
          'kubernetes.io/hostname': 'cart-0',
        },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'cart-0', uid: 'pod-uid-1' }],
      },
    });
    expect((await raw()).spec).toEqual({
      holderIdentity: `${NAME}_1`,
      leaseDurationSeconds: 40,
      renewTime: '2026-01-01T00:00:00.000000Z',
    });
  });

  test('is renewed from the object of the write before, without a read', async () => {
    const first = await created();
    const second = leaseOf(await storeOf().update(first, heartbeat(1), TIMEOUT_MS));
    const third = leaseOf(await storeOf().update(second, heartbeat(2), TIMEOUT_MS));
    expect(third).toMatchObject({ uid: first.uid, renewTime: '2026-01-01T00:00:02.000000Z' });
    expect(server.traffic.of('developer')).toEqual({ create: 1, update: 2 });
  });

  test('keeps what others have written into it', async () => {
    await created();
    await edit({ metadata: { labels: { team: 'shop' }, annotations: { note: 'x' } } });
    const seen = leaseOf(await storeOf().read(NAME, TIMEOUT_MS));
    await storeOf().update(seen, heartbeat(1), TIMEOUT_MS);
    expect((await raw()).metadata).toMatchObject({
      labels: { team: 'shop', 'leasegate.dev/election': 'cart' },
      annotations: { note: 'x', 'leasegate.dev/pod': 'cart-0' },
    });
  });

  test('taken over from a predecessor is owned by the new pod alone', async () => {
    const old = await created();
    await storeOf('pod-uid-2').update(old, heartbeat(1, `${NAME}_2`), TIMEOUT_MS);
    const { metadata, spec } = await raw();
    expect(metadata.ownerReferences).toEqual([{ apiVersion: 'v1', kind: 'Pod', name: 'cart-0', uid: 'pod-uid-2' }]);
    expect(spec?.holderIdentity).toBe(`${NAME}_2`);
  });

  test('that somebody wrote meanwhile, deleted or made anew is a conflict', async () => {
    const old = await created();
    await storeOf().update(old, heartbeat(1), TIMEOUT_MS);
    expect(await storeOf().update(old, heartbeat(2), TIMEOUT_MS)).toEqual({ kind: 'conflict' });
    const last = leaseOf(await storeOf().read(NAME, TIMEOUT_MS));
    expect(await storeOf().remove(last, TIMEOUT_MS)).toEqual({ kind: 'removed' });
    expect(await storeOf().update(last, heartbeat(3), TIMEOUT_MS)).toEqual({ kind: 'conflict' });
    await created();
    expect(await storeOf().update(last, heartbeat(3), TIMEOUT_MS)).toEqual({ kind: 'conflict' });
  });

  test('that is there already can’t be created; one that is not is absent', async () => {
    expect(await storeOf().read(NAME, TIMEOUT_MS)).toEqual({ kind: 'absent' });
    await created();
    expect(await storeOf().create(NAME, heartbeat(1), TIMEOUT_MS)).toEqual({ kind: 'conflict' });
  });

  test('that may not be written is a failure with the words of the API server', async () => {
    server.faults.inject({ kind: 'forbid' });
    expect(await storeOf().create(NAME, heartbeat(0), TIMEOUT_MS)).toMatchObject({
      kind: 'failed',
      code: 'forbidden',
      message: expect.stringContaining('cannot create resource "leases"'),
    });
  });
});

describe('a deletion', () => {
  test('is of the very version: one that was renewed meanwhile is kept', async () => {
    const read = await created();
    await storeOf().update(read, heartbeat(1), TIMEOUT_MS);
    expect(await storeOf().remove(read, TIMEOUT_MS)).toEqual({ kind: 'conflict' });
    expect((await raw()).spec?.renewTime).toBe('2026-01-01T00:00:01.000000Z');
  });

  test('is of the very Lease: one that was made anew is kept', async () => {
    const old = await created();
    await storeOf().remove(old, TIMEOUT_MS);
    const fresh = await created();
    const { resourceVersion } = fresh;
    expect(await storeOf().remove({ ...old, resourceVersion }, TIMEOUT_MS)).toEqual({ kind: 'conflict' });
    expect(leaseOf(await storeOf().read(NAME, TIMEOUT_MS)).uid).toBe(fresh.uid);
  });

  test('of what is gone is done', async () => {
    const lease = await created();
    await storeOf().remove(lease, TIMEOUT_MS);
    expect(await storeOf().remove(lease, TIMEOUT_MS)).toEqual({ kind: 'removed' });
  });
});

describe('the watch', () => {
  /** Collects what is told; `until` resolves when that line has come. */
  function follow() {
    const lines: string[] = [];
    const waiting: { readonly line: string; readonly resolve: () => void }[] = [];
    const tell = (line: string) => {
      lines.push(line);
      for (const { line: wanted, resolve } of waiting) if (wanted === line) resolve();
    };
    const at = ({ name, renewTime }: MemberLease) => `${name} ${renewTime?.slice(18, 19)}`;
    watching = storeOf().watch({
      listed: (leases) => tell(`listed ${leases.map(at).join(', ')}`),
      changed: (lease) => tell(`changed ${at(lease)}`),
      gone: (lease) => tell(`gone ${at(lease)}`),
      idle: () => tell('idle'),
      watching: (up, failure) => tell(`${up ? 'up' : 'down'}${failure === null ? '' : ` ${failure.code}`}`),
    });
    const until = (line: string) =>
      lines.includes(line) ? Promise.resolve() : new Promise<void>((resolve) => void waiting.push({ line, resolve }));
    return { lines, until };
  }

  test('lists the members, then tells what becomes of them; of other Leases it tells nothing', async () => {
    const first = await created();
    await client.transport.request({
      ...{ method: 'POST', path: LEASES, timeoutMs: TIMEOUT_MS },
      body: { metadata: { name: 'cart', labels: { 'leasegate.dev/election': 'cart' } } },
    });
    await client.transport.request({
      ...{ method: 'POST', path: LEASES, timeoutMs: TIMEOUT_MS },
      body: {
        metadata: { name: 'web', labels: { 'leasegate.dev/election': 'cart', 'leasegate.dev/lease': 'member' } },
      },
    });
    const { lines, until } = follow();
    await until('up');
    const second = leaseOf(await storeOf().update(first, heartbeat(1), TIMEOUT_MS));
    await created('cart-y');
    await storeOf().remove(second, TIMEOUT_MS);
    await until('gone cart-x 1');
    expect(lines).toEqual(['listed cart-x 0', 'up', 'changed cart-x 1', 'changed cart-y 0', 'gone cart-x 1']);
    expect(server.traffic.of('developer')).toMatchObject({ list: 1, watch: 1 });
  });

  test('that is refused says so, and goes on by itself when it may', async () => {
    await created();
    server.faults.inject({ kind: 'forbid' }, { verbs: ['list'], times: 1 });
    const { lines, until } = follow();
    await until('up');
    expect(lines).toEqual(['down forbidden', 'listed cart-x 0', 'up']);
  });

  test('that is cut begins anew with a listing, and misses nothing', async () => {
    const first = await created();
    const { lines, until } = follow();
    await until('up');
    const lift = server.faults.inject({ kind: 'refuse' }, { verbs: ['list', 'watch'] });
    await until('down');
    await storeOf().remove(first, TIMEOUT_MS);
    lift();
    await until('listed ');
    expect(lines.slice(0, 3)).toEqual(['listed cart-x 0', 'up', 'down']);
  });

  test('survives hundreds of members', async () => {
    const store = storeOf();
    for (let index = 0; index < 600; index += 1) await store.create(`cart-${index}`, heartbeat(0), TIMEOUT_MS);
    const { lines, until } = follow();
    await until('up');
    expect(lines[0]!.split(', ')).toHaveLength(600);
  });
});
