import { expect, it } from 'vitest';
import type { WatchedEvent } from '../client.ts';
import { expectStatus } from '../expectations.ts';
import type { NewClient } from '../lease-api-contract.ts';
import type { ContractTarget } from '../target.ts';

const summary = ({ type, object }: WatchedEvent) => [type, object.metadata.name, object.metadata.resourceVersion];

/** A watch lasts whole seconds, and its last bookmark comes two before its end. */
const SLOW = { timeout: 20_000 };

async function withLease(newClient: NewClient) {
  const client = await newClient();
  const path = `${client.leases}/x`;
  const create = async (name = 'x') => (await client.post(client.leases, { metadata: { name } })).body;
  const hold = async (holderIdentity: string) => (await client.mergePatch(path, { spec: { holderIdentity } })).body;
  const label = async (labels: object) => (await client.mergePatch(path, { metadata: { labels } })).body;
  return { client, path, create, hold, label };
}

export function watchClaims(newClient: NewClient, target: () => ContractTarget): void {
  it.for(['', '?resourceVersion=0'])('begins with what exists as ADDED: %j', async (query) => {
    const { client, create, hold } = await withLease(newClient);
    const created = await create();
    await using watch = await client.watch(`${client.leases}${query}`);
    expect(watch.status).toBe(200);
    expect(await watch.next()).toEqual({ type: 'ADDED', object: created });
    const held = await hold('a');
    expect(await watch.next()).toEqual({ type: 'MODIFIED', object: held });
  });

  it('follows a version with exactly what came after it', async () => {
    const { client, path, create, hold } = await withLease(newClient);
    const created = await create();
    const held = await hold('a');
    await client.delete(path);
    const again = await create();
    await using watch = await client.watch(`${client.leases}?resourceVersion=${created.metadata.resourceVersion}`);
    expect(await watch.next()).toEqual({ type: 'MODIFIED', object: held });
    expect((await watch.next()).type).toBe('DELETED');
    expect(await watch.next()).toEqual({ type: 'ADDED', object: again });
    const later = await hold('b');
    expect(summary(await watch.next())).toEqual(['MODIFIED', 'x', later.metadata.resourceVersion]);
  });

  it('sends the last state with DELETED, under the version of the deletion', async () => {
    const { client, path, create, hold } = await withLease(newClient);
    await create();
    const held = await hold('a');
    await using watch = await client.watch(`${client.leases}?resourceVersion=${held.metadata.resourceVersion}`);
    await client.delete(path);
    const { type, object } = await watch.next();
    expect(type).toBe('DELETED');
    expect(object).toEqual({ ...held, metadata: { ...held.metadata, resourceVersion: expect.any(String) } });
    expect(BigInt(object.metadata.resourceVersion)).toBeGreaterThan(BigInt(held.metadata.resourceVersion));
    const again = await create();
    expect(BigInt(again.metadata.resourceVersion)).toBeGreaterThan(BigInt(object.metadata.resourceVersion));
  });

  it('shows one Lease only, by field selector, and one namespace only', async () => {
    const { client, create, hold } = await withLease(newClient);
    const other = await withLease(newClient);
    await using watch = await client.watch(`${client.leases}?fieldSelector=metadata.name%3Dx`);
    await create('other');
    await other.create();
    const created = await create();
    const held = await hold('a');
    expect(await watch.next()).toEqual({ type: 'ADDED', object: created });
    expect(await watch.next()).toEqual({ type: 'MODIFIED', object: held });
  });

  it('says nothing of a write that changes nothing', async () => {
    const { client, path, create, hold } = await withLease(newClient);
    const created = await create();
    await using watch = await client.watch(`${client.leases}?resourceVersion=${created.metadata.resourceVersion}`);
    await client.put(path, created);
    await client.mergePatch(path, {});
    await client.put(`${path}?dryRun=All`, { ...created, spec: { holderIdentity: 'dry' } });
    const held = await hold('a');
    expect(await watch.next()).toEqual({ type: 'MODIFIED', object: held });
  });

  it('shows what enters a label selection as ADDED and what leaves it as DELETED, in its last matching state', async () => {
    const { client, create, label } = await withLease(newClient);
    await create();
    await using watch = await client.watch(`${client.leases}?labelSelector=role%3Dleader`);
    const entered = await label({ role: 'leader' });
    const inside = await label({ other: '1' });
    const left = await label({ role: 'standby' });
    await label({ other: '2' });
    const back = await label({ role: 'leader' });
    expect(await watch.next()).toEqual({ type: 'ADDED', object: entered });
    expect(await watch.next()).toEqual({ type: 'MODIFIED', object: inside });
    expect(await watch.next()).toEqual({
      type: 'DELETED',
      object: { ...inside, metadata: { ...inside.metadata, resourceVersion: left.metadata.resourceVersion } },
    });
    expect(await watch.next()).toEqual({ type: 'ADDED', object: back });
  });

  it('marks the end of what existed with a bookmark, where bookmarks are allowed', async () => {
    const { client, create } = await withLease(newClient);
    const created = await create();
    await using watch = await client.watch(`${client.leases}?allowWatchBookmarks=true`);
    expect(await watch.next()).toEqual({ type: 'ADDED', object: created });
    const { type, object } = await watch.next();
    expect(type).toBe('BOOKMARK');
    expect(object).toEqual({
      kind: 'Lease',
      apiVersion: 'coordination.k8s.io/v1',
      metadata: { resourceVersion: expect.any(String), annotations: { 'k8s.io/initial-events-end': 'true' } },
      spec: {},
    });
    expect(BigInt(object.metadata.resourceVersion)).toBeGreaterThanOrEqual(BigInt(created.metadata.resourceVersion));
  });

  it('sends a bookmark before its timeout: how far it has come, though it shows nothing of that', SLOW, async () => {
    const { client, create } = await withLease(newClient);
    const { resourceVersion } = (await create()).metadata;
    const options = 'fieldSelector=metadata.name%3Dx&allowWatchBookmarks=true&timeoutSeconds=5';
    await using watch = await client.watch(`${client.leases}?resourceVersion=${resourceVersion}&${options}`);
    const other = await create('other');
    const events = await watch.rest();
    expect(events.length).toBeGreaterThan(0);
    for (const { type, object } of events) {
      expect(type).toBe('BOOKMARK');
      const metadata = { resourceVersion: expect.any(String) };
      expect(object).toEqual({ kind: 'Lease', apiVersion: 'coordination.k8s.io/v1', metadata, spec: {} });
      expect(BigInt(object.metadata.resourceVersion)).toBeGreaterThanOrEqual(BigInt(other.metadata.resourceVersion));
    }
  });

  it('sends no bookmarks unasked, and ends at its timeout', async () => {
    const { client, create } = await withLease(newClient);
    const { resourceVersion } = (await create()).metadata;
    await using watch = await client.watch(`${client.leases}?resourceVersion=${resourceVersion}&timeoutSeconds=1`);
    expect(await watch.rest()).toEqual([]);
  });

  it('waits for a version that is not reached yet', async () => {
    const { client, create } = await withLease(newClient);
    await create();
    await using watch = await client.watch(`${client.leases}?resourceVersion=99999999&timeoutSeconds=1`);
    expect(await watch.rest()).toEqual([]);
  });

  it('answers a version before its history with an ERROR event of 410 Expired, and ends', async () => {
    const { client, create, hold } = await withLease(newClient);
    const { resourceVersion } = (await create()).metadata;
    await hold('a');
    await target().forgetHistory();
    await using watch = await client.watch(`${client.leases}?resourceVersion=${resourceVersion}`);
    expect(watch.status).toBe(200);
    const [event, ...more] = await watch.rest();
    expect(more).toEqual([]);
    expect(event).toEqual({
      type: 'ERROR',
      object: {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: expect.stringMatching(new RegExp(`^too old resource version: ${resourceVersion} \\(\\d+\\)$`)),
        reason: 'Expired',
        code: 410,
      },
    });
  });

  it('goes on from a list after 410', async () => {
    const { client, create, hold } = await withLease(newClient);
    await create();
    await target().forgetHistory();
    const listed = await client.get(`${client.leases}?fieldSelector=metadata.name%3Dx`);
    const version = listed.body.metadata.resourceVersion;
    await using watch = await client.watch(`${client.leases}?resourceVersion=${version}`);
    const held = await hold('a');
    expect(await watch.next()).toEqual({ type: 'MODIFIED', object: held });
  });

  it('refuses parameters that are no numbers', async () => {
    const client = await newClient();
    const refused = await client.get(`${client.leases}?watch=true&resourceVersion=abc`);
    const message = 'resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax';
    expectStatus(refused, { code: 500, message });
    expectStatus(await client.get(`${client.leases}?watch=true&timeoutSeconds=abc`), {
      code: 400,
      reason: 'BadRequest',
      message: 'strconv.ParseInt: parsing "abc": invalid syntax',
    });
  });
}
