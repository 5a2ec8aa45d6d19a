import { expect, it } from 'vitest';
import type { Client } from '../client.ts';
import { expectStatus, leaseDetails } from '../expectations.ts';
import type { NewClient } from '../lease-api-contract.ts';

async function three(newClient: NewClient): Promise<Client> {
  const client = await newClient();
  const leases = { b: { app: 'x', tier: 'one' }, c: { app: 'y' }, a: { app: 'x', tier: 'two' } };
  for (const [name, labels] of Object.entries(leases)) await client.post(client.leases, { metadata: { name, labels } });
  return client;
}

export function listClaims(newClient: NewClient): void {
  it('answers 404 for an absent Lease', async () => {
    const client = await newClient();
    expectStatus(await client.get(`${client.leases}/x`), {
      code: 404,
      reason: 'NotFound',
      message: 'leases.coordination.k8s.io "x" not found',
      details: leaseDetails('x'),
    });
  });

  it('lists by name, items without kind, under a version not older than theirs', async () => {
    const client = await three(newClient);
    const { body } = await client.get(client.leases);
    expect(body).toMatchObject({ kind: 'LeaseList', apiVersion: 'coordination.k8s.io/v1' });
    expect(body.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual(['a', 'b', 'c']);
    expect(Object.keys(body.items[0]).toSorted()).toEqual(['metadata', 'spec']);
    for (const item of body.items) {
      expect(BigInt(body.metadata.resourceVersion)).toBeGreaterThanOrEqual(BigInt(item.metadata.resourceVersion));
    }
  });

  it('lists nothing in an absent namespace, and finds nothing there', async () => {
    const client = await newClient();
    const path = '/apis/coordination.k8s.io/v1/namespaces/no-such-namespace/leases';
    const { status, body } = await client.get(path);
    expect([status, body.items]).toEqual([200, []]);
    expectStatus(await client.get(`${path}/x`), { code: 404, reason: 'NotFound', details: leaseDetails('x') });
  });

  it('lists all namespaces together', async () => {
    const client = await three(newClient);
    const { body } = await client.get('/apis/coordination.k8s.io/v1/leases');
    const mine = body.items.filter(
      (item: { metadata: { namespace: string } }) => item.metadata.namespace === client.namespace,
    );
    expect(mine).toHaveLength(3);
  });

  it.for([
    ['fieldSelector=metadata.name%3Da', 'a'],
    ['fieldSelector=metadata.name%3D%3Da', 'a'],
    ['fieldSelector=metadata.name!%3Da', 'b c'],
    ['fieldSelector=metadata.namespace%3Dother', ''],
    ['labelSelector=app%3Dx', 'a b'],
    ['labelSelector=app%3D%3Dx,tier%3Dtwo', 'a'],
    ['labelSelector=app!%3Dx', 'c'],
    ['labelSelector=tier!%3Done', 'a c'],
    ['labelSelector=tier', 'a b'],
    ['labelSelector=!tier', 'c'],
    ['labelSelector=app+in+(x,+z)', 'a b'],
    ['labelSelector=tier+notin+(one)', 'a c'],
    ['labelSelector=app%3Dx&fieldSelector=metadata.name%3Dc', ''],
  ] as const)('selects by %s: %s', async ([query, names]) => {
    const client = await three(newClient);
    const { body } = await client.get(`${client.leases}?${query}`);
    expect(body.items.map((item: { metadata: { name: string } }) => item.metadata.name).join(' ')).toBe(names);
  });

  it.for([
    ['fieldSelector=metadata.name', /^invalid selector: 'metadata.name'; can't understand 'metadata.name'$/],
    [
      'fieldSelector=spec.holderIdentity%3Dx',
      /^"spec.holderIdentity" is not a known field selector: only "metadata.name", "metadata.namespace"$/,
    ],
    ['labelSelector=((', /./],
    ['labelSelector=a+b', /^unable to parse requirement: found 'b'/],
    ['labelSelector=a%3Dx%20y', /found 'y'/],
    [
      'resourceVersion=abc',
      /^invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax$/,
    ],
  ] as const)('refuses ?%s with 400', async ([query, message]) => {
    const client = await newClient();
    expectStatus(await client.get(`${client.leases}?${query}`), { code: 400, reason: 'BadRequest', message });
  });

  it('serves any version up to the present one, and answers 504 beyond', async () => {
    const client = await three(newClient);
    for (const version of ['', '0', '1']) {
      expect((await client.get(`${client.leases}?resourceVersion=${version}`)).status).toBe(200);
    }
    for (const path of [client.leases, `${client.leases}/a`]) {
      const refused = await client.get(`${path}?resourceVersion=99999999`);
      expectStatus(refused, {
        code: 504,
        reason: 'Timeout',
        message: /^Timeout: Too large resource version: 99999999, current: \d+$/,
      });
      expect(refused.body.details).toEqual({
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
        retryAfterSeconds: 1,
      });
    }
  });

  it('answers 406 to those who take no JSON', async () => {
    const client = await three(newClient);
    const refused = await client.get(`${client.leases}/a`, { accept: 'text/html' });
    expectStatus(refused, { code: 406, reason: 'NotAcceptable', details: {} });
    expect((await client.get(`${client.leases}/a`, { accept: '*/*' })).status).toBe(200);
  });
}
