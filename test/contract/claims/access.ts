import { expect, it } from 'vitest';
import { expectStatus, leaseDetails } from '../expectations.ts';
import type { NewClient } from '../lease-api-contract.ts';
import type { ContractTarget } from '../target.ts';

const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

export function accessClaims(newClient: NewClient, target: () => ContractTarget): void {
  it('answers an unknown token with 401', async () => {
    const client = await newClient();
    const extras = { token: 'no-such-token' };
    for (const path of [client.leases, `${client.leases}/x`, '/version']) {
      expectStatus(await client.get(path, extras), { code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
    }
    expectStatus(await client.post(client.leases, {}, extras), { code: 401, reason: 'Unauthorized' });
  });

  it('answers no token with 403, as the anonymous user', async () => {
    const client = await newClient();
    expectStatus(await client.get(`${client.leases}/x`, { token: '' }), {
      code: 403,
      reason: 'Forbidden',
      message: `leases.coordination.k8s.io "x" is forbidden: User "system:anonymous" cannot get resource "leases" in API group "coordination.k8s.io" in the namespace "${client.namespace}"`,
      details: leaseDetails('x'),
    });
  });

  it('says in a 403 who may not do what, and on which Lease', async () => {
    const client = await newClient();
    const { token, user } = target().nobody;
    const cannot = (verb: string) =>
      `User "${user}" cannot ${verb} resource "leases" in API group "coordination.k8s.io" in the namespace "${client.namespace}"`;
    const onItem = (verb: string) => ({
      code: 403,
      reason: 'Forbidden',
      message: `leases.coordination.k8s.io "x" is forbidden: ${cannot(verb)}`,
      details: leaseDetails('x'),
    });
    const onAll = (verb: string) => ({
      code: 403,
      reason: 'Forbidden',
      message: `leases.coordination.k8s.io is forbidden: ${cannot(verb)}`,
      details: { group: 'coordination.k8s.io', kind: 'leases' },
    });
    const path = `${client.leases}/x`;
    expectStatus(await client.get(path, { token }), onItem('get'));
    expectStatus(await client.put(path, { metadata: { name: 'x' } }, { token }), onItem('update'));
    expectStatus(await client.delete(path, undefined, { token }), onItem('delete'));
    expectStatus(await client.get(client.leases, { token }), onAll('list'));
    expectStatus(await client.get(`${client.leases}?watch=true`, { token }), onAll('watch'));
    expectStatus(await client.post(client.leases, { metadata: { name: 'x' } }, { token }), onAll('create'));
  });

  it('names the subresource and the core group in a 403', async () => {
    const client = await newClient();
    const { token, user } = target().nobody;
    const extras = { token, contentType: 'application/merge-patch+json' };
    expectStatus(await client.send('PATCH', `${client.pods}/p/status`, {}, extras), {
      code: 403,
      reason: 'Forbidden',
      message: `pods "p" is forbidden: User "${user}" cannot patch resource "pods/status" in API group "" in the namespace "${client.namespace}"`,
      details: { name: 'p', kind: 'pods' },
    });
    expectStatus(await client.get('/api/v1/pods', { token }), {
      code: 403,
      reason: 'Forbidden',
      message: `pods is forbidden: User "${user}" cannot list resource "pods" in API group "" at the cluster scope`,
      details: { kind: 'pods' },
    });
  });

  it('reviews what the asker may do', async () => {
    const client = await newClient();
    const resourceAttributes = {
      namespace: client.namespace,
      verb: 'get',
      group: 'coordination.k8s.io',
      resource: 'leases',
    };
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes },
    };
    const mine = await client.post(REVIEWS, review);
    expect([mine.status, mine.body]).toEqual([201, { ...review, metadata: {}, status: { allowed: true } }]);
    const theirs = await client.post(REVIEWS, review, { token: target().nobody.token });
    expect([theirs.status, theirs.body.status.allowed]).toEqual([201, false]);
  });

  it('wants to know what to review', async () => {
    const client = await newClient();
    const refused = await client.post(REVIEWS, { spec: {} });
    expectStatus(refused, { code: 422, reason: 'Invalid' });
    expect(refused.body.details.causes).toMatchObject([{ field: 'spec.resourceAttributes' }]);
    expectStatus(await client.get(REVIEWS), { code: 405, reason: 'MethodNotAllowed', details: {} });
  });
}
