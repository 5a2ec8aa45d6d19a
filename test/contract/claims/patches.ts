import { expect, it } from 'vitest';
import { expectInvalidLease, expectStatus, leaseDetails } from '../expectations.ts';
import type { NewClient } from '../lease-api-contract.ts';

/** A client and the path of a Lease "x" with two labels and an annotation. */
async function labelled(newClient: NewClient) {
  const client = await newClient();
  const metadata = { name: 'x', labels: { a: '1', b: '2' }, annotations: { z: '1' } };
  const created = await client.post(client.leases, {
    metadata,
    spec: { holderIdentity: 'h', leaseDurationSeconds: 5 },
  });
  return { client, path: `${client.leases}/x`, object: created.body };
}

export function patchClaims(newClient: NewClient): void {
  it('merges: null removes, objects are merged, the rest is replaced', async () => {
    const { client, path } = await labelled(newClient);
    const patch = {
      metadata: { labels: { a: null, c: '3' } },
      spec: { holderIdentity: null, leaseDurationSeconds: 6 },
    };
    for (const send of [client.mergePatch, client.strategicPatch]) {
      const patched = await send(path, patch);
      expect(patched.status).toBe(200);
      expect(patched.body.spec).toEqual({ leaseDurationSeconds: 6 });
      expect(patched.body.metadata.labels).toEqual({ b: '2', c: '3' });
      expect(patched.body.metadata.annotations).toEqual({ z: '1' });
    }
  });

  it('needs no resourceVersion, and so is no compare-and-swap', async () => {
    const { client, path, object } = await labelled(newClient);
    const first = await client.mergePatch(path, { spec: { holderIdentity: 'i' } });
    const second = await client.mergePatch(path, { spec: { holderIdentity: 'j' } });
    expect([first.status, second.status]).toEqual([200, 200]);
    const versions = [object, first.body, second.body].map((lease) => BigInt(lease.metadata.resourceVersion));
    expect(versions.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(versions);
  });

  it('is a compare-and-swap with a resourceVersion', async () => {
    const { client, path, object } = await labelled(newClient);
    const { resourceVersion } = object.metadata;
    const patch = (version: string) => ({ metadata: { resourceVersion: version }, spec: { holderIdentity: 'i' } });
    expectStatus(await client.mergePatch(path, patch('1')), {
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on leases.coordination.k8s.io "x": the object has been modified; please apply your changes to the latest version and try again',
      details: leaseDetails('x'),
    });
    expect((await client.mergePatch(path, patch(resourceVersion))).status).toBe(200);
  });

  it('does nothing for an empty patch: the resourceVersion stays', async () => {
    const { client, path, object } = await labelled(newClient);
    for (const patch of [{}, { spec: { holderIdentity: 'h' } }, { spec: { unknown: 1 } }]) {
      const patched = await client.mergePatch(path, patch);
      expect([patched.status, patched.body]).toEqual([200, object]);
    }
  });

  it('answers 404 for an absent Lease', async () => {
    const client = await newClient();
    for (const send of [client.mergePatch, client.strategicPatch]) {
      expectStatus(await send(`${client.leases}/x`, {}), {
        code: 404,
        reason: 'NotFound',
        message: 'leases.coordination.k8s.io "x" not found',
        details: leaseDetails('x'),
      });
    }
  });

  it('refuses another name with 400 and another uid with 422', async () => {
    const { client, path } = await labelled(newClient);
    expectStatus(await client.mergePatch(path, { metadata: { name: 'z' } }), {
      code: 400,
      reason: 'BadRequest',
      message: 'the name of the object (z) does not match the name on the URL (x)',
    });
    expectStatus(await client.mergePatch(path, { metadata: { uid: 'u' } }), {
      code: 422,
      reason: 'Invalid',
      message: 'Lease.coordination.k8s.io "x" is invalid: metadata.uid: Invalid value: "u": field is immutable',
    });
  });

  it('validates the result', async () => {
    const { client, path } = await labelled(newClient);
    const cause = { field: 'spec.leaseDurationSeconds', message: 'Invalid value: 0: must be greater than 0' };
    expectInvalidLease(await client.mergePatch(path, { spec: { leaseDurationSeconds: 0 } }), 'x', cause);
  });

  it('refuses wrong types in the result with 422', async () => {
    const { client, path } = await labelled(newClient);
    const mistyped = { spec: { leaseDurationSeconds: 'x' } };
    const mistimed = { spec: { renewTime: '2024-01-02T03:04:05.000Z' } };
    const cases = [
      [client.mergePatch, mistyped, /json: cannot unmarshal string into Go struct field .* of type int32$/],
      [client.strategicPatch, mistyped, /: unrecognized type: int32$/],
      [client.mergePatch, mistimed, /cannot parse "\.000Z" as "\.000000"$/],
      [client.strategicPatch, mistimed, /cannot parse "\.000Z" as "\.000000"$/],
    ] as const;
    for (const [send, patch, message] of cases) {
      const refused = await send(path, patch);
      expectStatus(refused, { code: 422, reason: 'Invalid', message });
      expect(refused.body.details.causes).toMatchObject([{ reason: 'FieldValueInvalid', field: 'patch' }]);
    }
  });

  it('refuses a body that is no patch with 400', async () => {
    const { client, path } = await labelled(newClient);
    for (const send of [client.mergePatch, client.strategicPatch, client.jsonPatch]) {
      expectStatus(await send(path, '{bad'), { code: 400, reason: 'BadRequest' });
    }
    expectStatus(await client.mergePatch(path, []), { code: 400, reason: 'BadRequest' });
    expectStatus(await client.jsonPatch(path, {}), { code: 400, reason: 'BadRequest' });
  });

  it('refuses another media type with 415', async () => {
    const { client, path } = await labelled(newClient);
    expectStatus(await client.send('PATCH', path, {}), {
      code: 415,
      reason: 'UnsupportedMediaType',
      message: '415: Unsupported Media Type',
      details: {},
    });
  });

  it('applies JSON patches: add, replace, remove, copy, move, test', async () => {
    const { client, path } = await labelled(newClient);
    const patched = await client.jsonPatch(path, [
      { op: 'test', path: '/spec/leaseDurationSeconds', value: 5 },
      { op: 'replace', path: '/spec/leaseDurationSeconds', value: 9 },
      { op: 'add', path: '/metadata/labels/q~1r', value: '9' },
      { op: 'copy', from: '/metadata/labels/a', path: '/metadata/labels/c' },
      { op: 'move', from: '/metadata/labels/a', path: '/metadata/labels/d' },
      { op: 'remove', path: '/metadata/labels/b' },
    ]);
    expect(patched.status).toBe(200);
    expect(patched.body.spec.leaseDurationSeconds).toBe(9);
    expect(patched.body.metadata.labels).toEqual({ 'q/r': '9', c: '1', d: '1' });
  });

  it('refuses JSON patches that do not apply with 422, and changes nothing', async () => {
    const { client, path, object } = await labelled(newClient);
    const patches = [
      [
        { op: 'replace', path: '/spec/leaseDurationSeconds', value: 9 },
        { op: 'test', path: '/metadata/labels/a', value: '2' },
      ],
      [{ op: 'remove', path: '/metadata/labels/absent' }],
      [{ op: 'zap', path: '/metadata/labels/a' }],
    ];
    for (const patch of patches) {
      expectStatus(await client.jsonPatch(path, patch), {
        code: 422,
        reason: 'Invalid',
        message: 'the server rejected our request due to an error in our request',
        details: {},
      });
    }
    expect((await client.get(path)).body).toEqual(object);
  });

  it('obeys $patch: replace in a strategic merge patch', async () => {
    const { client, path } = await labelled(newClient);
    const patched = await client.strategicPatch(path, { metadata: { labels: { $patch: 'replace', only: '1' } } });
    expect(patched.body.metadata.labels).toEqual({ only: '1' });
  });

  it('merges owner references by uid in a strategic merge patch', async () => {
    const { client, path } = await labelled(newClient);
    const owner = (uid: string, name: string) => ({ apiVersion: 'v1', kind: 'Pod', name, uid });
    const patch = (...ownerReferences: unknown[]) => client.strategicPatch(path, { metadata: { ownerReferences } });
    await patch(owner('1', 'a'), owner('2', 'b'));
    const merged = await patch({ uid: '2', name: 'c' }, { $patch: 'delete', uid: '1' });
    expect(merged.body.metadata.ownerReferences).toEqual([owner('2', 'c')]);
  });

  it('changes nothing in a dry run', async () => {
    const { client, path, object } = await labelled(newClient);
    const dry = await client.mergePatch(`${path}?dryRun=All`, { spec: { holderIdentity: 'dry' } });
    expect([dry.status, dry.body.spec.holderIdentity]).toEqual([200, 'dry']);
    expect((await client.get(path)).body).toEqual(object);
  });
}
