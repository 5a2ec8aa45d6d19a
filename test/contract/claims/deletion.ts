import { expect, it } from 'vitest';
import { expectStatus, leaseContent, leaseDetails } from '../expectations.ts';
import type { NewClient } from '../lease-api-contract.ts';

async function existing(newClient: NewClient, metadata: object = {}) {
  const client = await newClient();
  const created = await client.post(client.leases, { metadata: { name: 'x', ...metadata } });
  const { uid, resourceVersion } = created.body.metadata as { uid: string; resourceVersion: string };
  return { client, path: `${client.leases}/x`, uid, resourceVersion };
}

export function deletionClaims(newClient: NewClient): void {
  it('answers a Status of kind Success with the uid', async () => {
    const { client, path, uid } = await existing(newClient);
    const deleted = await client.delete(path);
    expect(deleted.status).toBe(200);
    const details = { ...leaseDetails('x'), uid };
    expect(deleted.body).toEqual({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details });
    expect((await client.get(path)).status).toBe(404);
  });

  it('answers 404 for an absent Lease, preconditions or not', async () => {
    const client = await newClient();
    for (const body of [undefined, { preconditions: { uid: 'u' } }]) {
      expectStatus(await client.delete(`${client.leases}/x`, body), {
        code: 404,
        reason: 'NotFound',
        message: 'leases.coordination.k8s.io "x" not found',
        details: leaseDetails('x'),
      });
    }
  });

  it('refuses another uid with 409 and deletes nothing', async () => {
    const { client, path, uid } = await existing(newClient);
    for (const preconditions of [{ uid: 'other' }, { uid: 'other', resourceVersion: '1' }]) {
      expectStatus(await client.delete(path, { preconditions }), {
        code: 409,
        reason: 'Conflict',
        message: `Operation cannot be fulfilled on Lease.coordination.k8s.io "x": the UID in the precondition (other) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
        details: leaseContent('x'),
      });
    }
    expect((await client.get(path)).status).toBe(200);
  });

  it('refuses another resourceVersion with 409: a renewed Lease is not collected', async () => {
    const { client, path, uid, resourceVersion } = await existing(newClient);
    const renewed = await client.mergePatch(path, { spec: { holderIdentity: 'a' } });
    const current = renewed.body.metadata.resourceVersion;
    expectStatus(await client.delete(path, { preconditions: { uid, resourceVersion } }), {
      code: 409,
      reason: 'Conflict',
      message: `Operation cannot be fulfilled on Lease.coordination.k8s.io "x": the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${current}). The object might have been modified`,
      details: leaseContent('x'),
    });
    const preconditions = { uid, resourceVersion: current };
    const options = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions };
    expect((await client.delete(path, options)).status).toBe(200);
  });

  it('refuses a body of another kind', async () => {
    const { client, path } = await existing(newClient);
    expectStatus(await client.delete(path, { kind: 'Lease', apiVersion: 'v1' }), { code: 400, reason: 'BadRequest' });
  });

  it('deletes nothing in a dry run, asked for in the query or in the body', async () => {
    const { client, path } = await existing(newClient);
    const inQuery = await client.delete(`${path}?dryRun=All`);
    const inBody = await client.delete(path, { dryRun: ['All'] });
    expect([inQuery.body.status, inBody.body.status]).toEqual(['Success', 'Success']);
    expect((await client.get(path)).status).toBe(200);
  });

  it('gives a Lease of the same name another uid and a greater resourceVersion', async () => {
    const { client, path, uid, resourceVersion } = await existing(newClient);
    await client.delete(path);
    const { metadata } = (await client.post(client.leases, { metadata: { name: 'x' } })).body;
    expect(metadata.uid).not.toBe(uid);
    // One number for the deletion lies between.
    expect(BigInt(metadata.resourceVersion)).toBeGreaterThan(BigInt(resourceVersion) + 1n);
  });

  it('only marks a Lease that has finalizers, until they are gone', async () => {
    const { client, path } = await existing(newClient, { finalizers: ['example.com/keep'] });
    const marked = await client.delete(path);
    expect(marked.status).toBe(200);
    expect(marked.body).toMatchObject({
      kind: 'Lease',
      metadata: { deletionTimestamp: expect.any(String), deletionGracePeriodSeconds: 0 },
    });
    expect((await client.get(path)).status).toBe(200);
    expect((await client.mergePatch(path, { metadata: { finalizers: null } })).status).toBe(200);
    expect((await client.get(path)).status).toBe(404);
  });
}
