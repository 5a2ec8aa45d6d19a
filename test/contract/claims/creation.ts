import { expect, it } from 'vitest';
import { expectInvalidLease, expectStatus, leaseContent, leaseDetails } from '../expectations.ts';
import type { NewClient } from '../lease-api-contract.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const SUBDOMAIN = /^Invalid value: ".*": a lowercase RFC 1123 subdomain must consist of /;

export function creationClaims(newClient: NewClient): void {
  it('answers 201 with what it stored, under a new uid and a decimal resourceVersion', async () => {
    const client = await newClient();
    const spec = { holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 0 };
    const created = await client.post(client.leases, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'x', namespace: client.namespace, labels: { app: 'demo' }, annotations: { 'a.b/c': '' } },
      spec,
    });
    expect(created.status).toBe(201);
    expect(created.body).toEqual({
      kind: 'Lease',
      apiVersion: 'coordination.k8s.io/v1',
      metadata: {
        name: 'x',
        namespace: client.namespace,
        uid: expect.stringMatching(UUID),
        resourceVersion: expect.stringMatching(/^[1-9]\d*$/),
        creationTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        labels: { app: 'demo' },
        annotations: { 'a.b/c': '' },
      },
      spec,
    });
    expect((await client.get(`${client.leases}/x`)).body).toEqual(created.body);
  });

  it('takes a Lease without kind, apiVersion or any field of its spec', async () => {
    const client = await newClient();
    for (const [name, spec] of Object.entries({ absent: undefined, empty: {}, null: null })) {
      const created = await client.post(client.leases, { metadata: { name }, spec });
      expect([created.status, created.body.spec]).toEqual([201, {}]);
    }
  });

  it('keeps an empty holder, and leaves a null one out', async () => {
    const client = await newClient();
    const empty = await client.post(client.leases, { metadata: { name: 'empty' }, spec: { holderIdentity: '' } });
    expect(empty.body.spec).toEqual({ holderIdentity: '' });
    const none = await client.post(client.leases, { metadata: { name: 'null' }, spec: { holderIdentity: null } });
    expect(none.body.spec).toEqual({});
  });

  it('sets uid and creationTimestamp itself, whatever is sent', async () => {
    const client = await newClient();
    const metadata = { name: 'x', uid: 'mine', creationTimestamp: '2020-01-01T00:00:00Z' };
    const created = await client.post(client.leases, { metadata });
    expect(created.body.metadata.uid).toMatch(UUID);
    expect(created.body.metadata.creationTimestamp).not.toBe('2020-01-01T00:00:00Z');
  });

  it('appends five characters to generateName', async () => {
    const client = await newClient();
    const created = await client.post(client.leases, { metadata: { generateName: 'lease-' } });
    expect(created.body.metadata).toMatchObject({
      name: expect.stringMatching(/^lease-[a-z0-9]{5}$/),
      generateName: 'lease-',
    });
  });

  it('refuses a name that is taken with 409 AlreadyExists', async () => {
    const client = await newClient();
    await client.post(client.leases, { metadata: { name: 'x' } });
    expectStatus(await client.post(client.leases, { metadata: { name: 'x' } }), {
      code: 409,
      reason: 'AlreadyExists',
      message: 'leases.coordination.k8s.io "x" already exists',
      details: leaseDetails('x'),
    });
  });

  it('refuses an absent namespace with 404, naming the namespace', async () => {
    const client = await newClient();
    const path = '/apis/coordination.k8s.io/v1/namespaces/no-such-namespace/leases';
    expectStatus(await client.post(path, { metadata: { name: 'x' } }), {
      code: 404,
      reason: 'NotFound',
      message: 'namespaces "no-such-namespace" not found',
      details: { name: 'no-such-namespace', kind: 'namespaces' },
    });
  });

  it('refuses the namespace of another path', async () => {
    const client = await newClient();
    expectStatus(await client.post(client.leases, { metadata: { name: 'x', namespace: 'other' } }), {
      code: 400,
      reason: 'BadRequest',
      message: 'the namespace of the provided object does not match the namespace sent on the request',
    });
  });

  it('refuses a resourceVersion on an object to be created', async () => {
    const client = await newClient();
    expectStatus(await client.post(client.leases, { metadata: { name: 'x', resourceVersion: '5' } }), {
      code: 500,
      message: 'resourceVersion should not be set on objects to be created',
    });
  });

  it.for([
    [{ leaseDurationSeconds: 0 }, 'spec.leaseDurationSeconds', 'Invalid value: 0: must be greater than 0'],
    [{ leaseDurationSeconds: -1 }, 'spec.leaseDurationSeconds', 'Invalid value: -1: must be greater than 0'],
    [{ leaseTransitions: -1 }, 'spec.leaseTransitions', 'Invalid value: -1: must be greater than or equal to 0'],
  ] as const)('refuses %j with 422', async ([spec, field, message]) => {
    const client = await newClient();
    const refused = await client.post(client.leases, { metadata: { name: 'x' }, spec });
    expectInvalidLease(refused, 'x', { field, message });
  });

  it('names all problems at once', async () => {
    const client = await newClient();
    const spec = { leaseDurationSeconds: 0, leaseTransitions: -1 };
    const refused = await client.post(client.leases, { metadata: { name: 'x' }, spec });
    expectStatus(refused, {
      code: 422,
      reason: 'Invalid',
      message:
        'Lease.coordination.k8s.io "x" is invalid: [spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0, spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0]',
    });
    expect(refused.body.details.causes).toHaveLength(2);
  });

  it.for([
    [{ holderIdentity: 5 }, 'number', 'holderIdentity', 'string'],
    [{ leaseDurationSeconds: '5' }, 'string', 'leaseDurationSeconds', 'int32'],
    [{ leaseDurationSeconds: 1.5 }, 'number 1.5', 'leaseDurationSeconds', 'int32'],
    [{ leaseDurationSeconds: 3000000000 }, 'number 3000000000', 'leaseDurationSeconds', 'int32'],
    [{ renewTime: 5 }, 'number', 'renewTime', 'string'],
  ] as const)('refuses the type of %j with 400', async ([spec, found, field, wanted]) => {
    const client = await newClient();
    expectStatus(await client.post(client.leases, { metadata: { name: 'x' }, spec }), {
      code: 400,
      reason: 'BadRequest',
      message: `Lease in version "v1" cannot be handled as a Lease: json: cannot unmarshal ${found} into Go struct field LeaseSpec.spec.${field} of type ${wanted}`,
    });
  });

  it.for([
    [{ metadata: 'x' }, 'string', 'Lease.metadata', 'v1.ObjectMeta'],
    [{ metadata: { name: 7 } }, 'number', 'ObjectMeta.metadata.name', 'string'],
    [{ metadata: { name: 'x', labels: 'a' } }, 'string', 'ObjectMeta.metadata.labels', 'map[string]string'],
    [{ metadata: { name: 'x', labels: { a: 5 } } }, 'number', 'ObjectMeta.metadata.labels', 'string'],
    [
      { metadata: { name: 'x', ownerReferences: {} } },
      'object',
      'ObjectMeta.metadata.ownerReferences',
      '[]v1.OwnerReference',
    ],
    [{ metadata: { name: 'x' }, spec: [] }, 'array', 'Lease.spec', 'v1.LeaseSpec'],
  ] as const)('refuses the shape of %j with 400', async ([body, found, field, wanted]) => {
    const client = await newClient();
    expectStatus(await client.post(client.leases, body), {
      code: 400,
      reason: 'BadRequest',
      message: `Lease in version "v1" cannot be handled as a Lease: json: cannot unmarshal ${found} into Go struct field ${field} of type ${wanted}`,
    });
  });

  it.for(['', '{bad', '[1]', '{"metadata":{"name":"x"}} trailing'])('refuses the body %j with 400', async (body) => {
    const client = await newClient();
    expectStatus(await client.post(client.leases, body), {
      code: 400,
      reason: 'BadRequest',
      message:
        /^the object provided is unrecognized \(must be of type Lease\): couldn't get version\/kind; json parse error: /,
    });
  });

  it('refuses another media type with 415', async () => {
    const client = await newClient();
    const refused = await client.post(client.leases, { metadata: { name: 'x' } }, { contentType: 'text/plain' });
    expectStatus(refused, {
      code: 415,
      reason: 'UnsupportedMediaType',
      message: /^the body of the request was in an unknown format - accepted media types include: application\/json/,
    });
  });

  it('refuses another kind or API version with 400', async () => {
    const client = await newClient();
    const bodies = [
      { apiVersion: 'coordination.k8s.io/v1', kind: 'Pod', metadata: { name: 'x' } },
      { apiVersion: 'v1', metadata: { name: 'x' } },
      { apiVersion: 'coordination.k8s.io/v1beta1', kind: 'Lease', metadata: { name: 'x' } },
    ];
    const refusals = await Promise.all(bodies.map((body) => client.post(client.leases, body)));
    for (const refused of refusals) expectStatus(refused, { code: 400, reason: 'BadRequest' });
    expect(refusals.at(-1)?.body.message).toBe(
      'the API version in the data (coordination.k8s.io/v1beta1) does not match the expected API version (coordination.k8s.io/v1)',
    );
  });

  it('wants a name', async () => {
    const client = await newClient();
    for (const body of [{ metadata: {} }, 'null']) {
      expectInvalidLease(await client.post(client.leases, body), '', {
        reason: 'FieldValueRequired',
        field: 'metadata.name',
        message: 'Required value: name or generateName is required',
      });
    }
  });

  it('wants a DNS-1123 subdomain of at most 253 characters as the name', async () => {
    const client = await newClient();
    for (const name of ['Bad_Name', 'a/b', '-a', 'a..b']) {
      const refused = await client.post(client.leases, { metadata: { name } });
      expectStatus(refused, { code: 422, reason: 'Invalid' });
      expect(refused.body.details).toMatchObject({
        ...leaseContent(name),
        causes: [{ reason: 'FieldValueInvalid', field: 'metadata.name', message: expect.stringMatching(SUBDOMAIN) }],
      });
    }
    const long = 'x'.repeat(254);
    const message = `Invalid value: "${long}": must be no more than 253 characters`;
    expectInvalidLease(await client.post(client.leases, { metadata: { name: long } }), long, {
      field: 'metadata.name',
      message,
    });
    expect((await client.post(client.leases, { metadata: { name: 'x'.repeat(253) } })).status).toBe(201);
  });

  it('wants label values of at most 63 bytes, and keys with a name part', async () => {
    const client = await newClient();
    const long = 'x'.repeat(64);
    expectInvalidLease(await client.post(client.leases, { metadata: { name: 'x', labels: { a: long } } }), 'x', {
      field: 'metadata.labels',
      message: `Invalid value: "${long}": must be no more than 63 bytes`,
    });
    const keys = await client.post(client.leases, {
      metadata: { name: 'x', labels: { 'a b': 'x' }, annotations: { 'c d': 'x' }, finalizers: ['e f'] },
    });
    expectStatus(keys, { code: 422, reason: 'Invalid' });
    expect(keys.body.details.causes.map((cause: { field: string }) => cause.field).toSorted()).toEqual([
      'metadata.annotations',
      'metadata.finalizers',
      'metadata.labels',
    ]);
    const fits = { labels: { 'example.com/a': 'x'.repeat(63) } };
    expect((await client.post(client.leases, { metadata: { name: 'x', ...fits } })).status).toBe(201);
  });

  it('wants complete owner references, and keeps them', async () => {
    const client = await newClient();
    const partial = { apiVersion: 'v1', kind: 'Pod' };
    const refused = await client.post(client.leases, { metadata: { name: 'x', ownerReferences: [partial] } });
    expect(refused.body.message).toBe(
      'Lease.coordination.k8s.io "x" is invalid: [metadata.ownerReferences.name: Invalid value: "": must not be empty, metadata.ownerReferences.uid: Invalid value: "": must not be empty]',
    );
    const owner = { ...partial, name: 'p', uid: 'u', controller: true };
    const created = await client.post(client.leases, { metadata: { name: 'x', ownerReferences: [owner] } });
    expect(created.body.metadata.ownerReferences).toEqual([owner]);
  });

  it('drops unknown fields and warns of them', async () => {
    const client = await newClient();
    const body = { metadata: { name: 'x', foo: 1 }, spec: { zap: 2, holderIdentity: 'h' }, hum: 1 };
    const created = await client.post(client.leases, body);
    expect(created.status).toBe(201);
    expect(created.body.spec).toEqual({ holderIdentity: 'h' });
    expect(created.headers.warning).toBe(
      String.raw`299 - "unknown field \"metadata.foo\"", 299 - "unknown field \"spec.zap\"", 299 - "unknown field \"hum\""`,
    );
    const ignored = await client.post(`${client.leases}?fieldValidation=Ignore`, { ...body, metadata: { name: 'y' } });
    expect([ignored.status, ignored.headers.warning]).toEqual([201, undefined]);
  });

  it('refuses unknown fields on request', async () => {
    const client = await newClient();
    const body = { metadata: { name: 'x', foo: 1 }, spec: { zap: 2 }, hum: 1 };
    expectStatus(await client.post(`${client.leases}?fieldValidation=Strict`, body), {
      code: 400,
      reason: 'BadRequest',
      message:
        'Lease in version "v1" cannot be handled as a Lease: strict decoding error: unknown field "metadata.foo", unknown field "spec.zap", unknown field "hum"',
    });
    const refused = await client.post(`${client.leases}?fieldValidation=Bogus`, { metadata: { name: 'x' } });
    expectStatus(refused, { code: 422, reason: 'Invalid' });
    expect(refused.body.details.causes).toEqual([
      {
        reason: 'FieldValueNotSupported',
        message: 'Unsupported value: "Bogus": supported values: "", "Ignore", "Strict", "Warn"',
        field: 'fieldValidation',
      },
    ]);
  });

  it('drops strategy and preferredHolder, whose feature gate is off', async () => {
    const client = await newClient();
    const spec = { strategy: 'OldestEmulationVersion', preferredHolder: 'p', holderIdentity: 'h' };
    const created = await client.post(client.leases, { metadata: { name: 'x' }, spec });
    expect([created.status, created.body.spec]).toEqual([201, { holderIdentity: 'h' }]);
  });

  it('creates nothing in a dry run', async () => {
    const client = await newClient();
    const dry = await client.post(`${client.leases}?dryRun=All`, { metadata: { name: 'x' } });
    expect(dry.status).toBe(201);
    expect(dry.body.metadata).not.toHaveProperty('resourceVersion');
    expect((await client.get(`${client.leases}/x`)).status).toBe(404);
  });
}
