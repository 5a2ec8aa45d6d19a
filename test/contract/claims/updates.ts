import { expect, it } from 'vitest';
import type { Client } from '../client.ts';
import { expectInvalidLease, expectStatus, leaseDetails } from '../expectations.ts';
import type { NewClient } from '../lease-api-contract.ts';

const mustBeSpecified = {
  code: 422,
  reason: 'Invalid',
  message:
    'leases.coordination.k8s.io "x" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
  details: {
    ...leaseDetails('x'),
    causes: [
      {
        reason: 'FieldValueInvalid',
        message: 'Invalid value: 0: must be specified for an update',
        field: 'metadata.resourceVersion',
      },
    ],
  },
};

const modified = {
  code: 409,
  reason: 'Conflict',
  message:
    'Operation cannot be fulfilled on leases.coordination.k8s.io "x": the object has been modified; please apply your changes to the latest version and try again',
  details: leaseDetails('x'),
};

const otherUid = (client: Client, wanted: string, present: string) => ({
  code: 409,
  reason: 'Conflict',
  message: `Operation cannot be fulfilled on leases.coordination.k8s.io "x": StorageError: invalid object, Code: 4, Key: /registry/leases/${client.namespace}/x, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${present}`,
  details: leaseDetails('x'),
});

/** A client and the path, version and uid of a Lease "x" held by "a". */
async function held(newClient: NewClient) {
  const client = await newClient();
  const created = await client.post(client.leases, { metadata: { name: 'x' }, spec: { holderIdentity: 'a' } });
  const { resourceVersion, uid } = created.body.metadata as { resourceVersion: string; uid: string };
  return { client, path: `${client.leases}/x`, resourceVersion, uid, object: created.body };
}

export function updateClaims(newClient: NewClient): void {
  it('replaces the Lease under a greater resourceVersion, keeping uid and creationTimestamp', async () => {
    const { client, path, resourceVersion, uid, object } = await held(newClient);
    const metadata = { name: 'x', resourceVersion, uid, creationTimestamp: '2020-01-01T00:00:00Z' };
    const replaced = await client.put(path, { metadata, spec: { holderIdentity: 'b' } });
    expect(replaced.status).toBe(200);
    expect(replaced.body.spec).toEqual({ holderIdentity: 'b' });
    expect(replaced.body.metadata).toEqual({ ...object.metadata, resourceVersion: expect.any(String) });
    expect(BigInt(replaced.body.metadata.resourceVersion)).toBeGreaterThan(BigInt(resourceVersion));
  });

  it('refuses a missing or zero resourceVersion with 422', async () => {
    const { client, path, uid } = await held(newClient);
    for (const metadata of [{ name: 'x' }, { name: 'x', uid }, { name: 'x', resourceVersion: '0' }]) {
      expectStatus(await client.put(path, { metadata, spec: { holderIdentity: 'b' } }), mustBeSpecified);
    }
  });

  it('refuses another resourceVersion with 409 Conflict and changes nothing', async () => {
    const { client, path, object } = await held(newClient);
    for (const resourceVersion of ['1', '999999999']) {
      const body = { metadata: { name: 'x', resourceVersion }, spec: { holderIdentity: 'b' } };
      expectStatus(await client.put(path, body), modified);
    }
    expect((await client.get(path)).body).toEqual(object);
  });

  it('lets one of two writers with the same resourceVersion win', async () => {
    const { client, path, resourceVersion } = await held(newClient);
    const put = (holderIdentity: string) =>
      client.put(path, { metadata: { name: 'x', resourceVersion }, spec: { holderIdentity } });
    const replies = await Promise.all(['b', 'c', 'd', 'e'].map(put));
    expect(replies.map(({ status }) => status).toSorted()).toEqual([200, 409, 409, 409]);
    const winner = replies.find(({ status }) => status === 200);
    expect((await client.get(path)).body).toEqual(winner?.body);
  });

  it('refuses a resourceVersion that is no number with 500', async () => {
    const { client, path } = await held(newClient);
    expectStatus(await client.put(path, { metadata: { name: 'x', resourceVersion: 'abc' } }), {
      code: 500,
      message: 'strconv.ParseUint: parsing "abc": invalid syntax',
    });
  });

  it('refuses another uid with 409, whatever the resourceVersion', async () => {
    const { client, path, resourceVersion, uid } = await held(newClient);
    for (const version of [resourceVersion, '1', '']) {
      const metadata = { name: 'x', uid: 'other', resourceVersion: version };
      expectStatus(await client.put(path, { metadata }), otherUid(client, 'other', uid));
    }
  });

  it('refuses a uid on an absent name with 409: a deleted Lease is not made again', async () => {
    const { client, path, resourceVersion, uid } = await held(newClient);
    await client.delete(path);
    const body = { metadata: { name: 'x', uid, resourceVersion }, spec: { holderIdentity: 'b' } };
    expectStatus(await client.put(path, body), otherUid(client, uid, ''));
  });

  it('creates on an absent name without a uid, even with an old resourceVersion', async () => {
    const { client, path, resourceVersion, uid } = await held(newClient);
    await client.delete(path);
    const body = { metadata: { name: 'x', resourceVersion }, spec: { holderIdentity: 'b' } };
    const created = await client.put(path, body);
    expect(created.status).toBe(201);
    expect(created.body.metadata.uid).not.toBe(uid);
    expect(BigInt(created.body.metadata.resourceVersion)).toBeGreaterThan(BigInt(resourceVersion));
  });

  it('answers 404 for an absent namespace, naming the namespace', async () => {
    const client = await newClient();
    const path = '/apis/coordination.k8s.io/v1/namespaces/no-such-namespace/leases/x';
    const details = { name: 'no-such-namespace', kind: 'namespaces' };
    expectStatus(await client.put(path, { metadata: { name: 'x' } }), { code: 404, reason: 'NotFound', details });
  });

  it('does nothing for the same content: the resourceVersion stays', async () => {
    const { client, path, object } = await held(newClient);
    const again = await client.put(path, object);
    expect([again.status, again.body]).toEqual([200, object]);
  });

  it('removes what is left out', async () => {
    const { client, path, resourceVersion } = await held(newClient);
    const metadata = { name: 'x', resourceVersion, annotations: { a: '1' } };
    const annotated = await client.put(path, { metadata });
    expect([annotated.body.spec, annotated.body.metadata.annotations]).toEqual([{}, { a: '1' }]);
    const { annotations: _, ...bare } = annotated.body.metadata;
    expect((await client.put(path, { metadata: bare })).body.metadata).not.toHaveProperty('annotations');
  });

  it('refuses the name of another Lease, and none', async () => {
    const { client, path, resourceVersion } = await held(newClient);
    expectStatus(await client.put(path, { metadata: { name: 'z', resourceVersion } }), {
      code: 400,
      reason: 'BadRequest',
      message: 'the name of the object (z) does not match the name on the URL (x)',
    });
    expectStatus(await client.put(path, { metadata: { resourceVersion } }), {
      code: 400,
      reason: 'BadRequest',
      message: 'the name of the object (x based on URL) was undeterminable: name must be provided',
    });
  });

  it('validates the new content', async () => {
    const { client, path, resourceVersion } = await held(newClient);
    const body = { metadata: { name: 'x', resourceVersion }, spec: { leaseDurationSeconds: -1 } };
    const cause = { field: 'spec.leaseDurationSeconds', message: 'Invalid value: -1: must be greater than 0' };
    expectInvalidLease(await client.put(path, body), 'x', cause);
  });

  it('changes nothing in a dry run', async () => {
    const { client, path, resourceVersion, object } = await held(newClient);
    const body = { metadata: { name: 'x', resourceVersion }, spec: { holderIdentity: 'b' } };
    const dry = await client.put(`${path}?dryRun=All`, body);
    expect([dry.status, dry.body]).toEqual([200, { ...object, spec: { holderIdentity: 'b' } }]);
    expect((await client.get(path)).body).toEqual(object);
    const refused = await client.put(`${path}?dryRun=Some`, body);
    expectStatus(refused, { code: 422, reason: 'Invalid' });
    expect(refused.body.details.causes).toEqual([
      {
        reason: 'FieldValueNotSupported',
        message: 'Unsupported value: ["Some"]: supported values: "All"',
        field: 'dryRun',
      },
    ]);
  });

  it('knows no PUT on a collection and no POST on a Lease', async () => {
    const { client, path } = await held(newClient);
    const refused = { code: 405, reason: 'MethodNotAllowed', details: {} };
    const message = 'the server does not allow this method on the requested resource';
    expectStatus(await client.put(client.leases, {}), { ...refused, message });
    expectStatus(await client.post(path, {}), { ...refused, message });
    expectStatus(await client.send('PATCH', client.leases, {}), { ...refused, message });
    expect((await client.send('HEAD', path)).status).toBe(405);
  });
}
