import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatWorkload,
  isNamedAfter,
  LEASE_NAME_OF,
  nameClaimOf,
  PREFIX_LENGTH_MAX,
  parseWorkload,
  type Workload,
  workloadLeaseName,
} from './workload-lease.ts';

const web: Workload = { apiGroup: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' };

const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/);
const workload: fc.Arbitrary<Workload> = fc.record({
  apiGroup: fc.oneof(fc.constant(''), fc.stringMatching(/^[a-z]{1,10}(\.[a-z]{1,10}){0,3}$/)),
  kind: fc.stringMatching(/^[A-Z][A-Za-z0-9]{0,20}$/),
  namespace: name,
  name: fc.oneof(name, fc.stringMatching(/^[a-z0-9]{1,10}(\.[a-z0-9]{1,10}){1,3}$/)),
});

describe("a workload's Lease", () => {
  test('has this name for good: another version would elect a second leader beside the first', () => {
    expect(workloadLeaseName('worker', web, 'shop')).toBe('worker-fj34tzc2vlo6xxd75v4stwpefq');
    expect(workloadLeaseName('worker', web, 'leases')).toBe('worker-4pjiwd4xiehibypue2huap4y7a');
  });

  test.each<[string, Partial<Workload>]>([
    ['of another name', { name: 'web-2' }],
    ['of another kind', { kind: 'StatefulSet' }],
    ['of another API group', { apiGroup: 'apps.kruise.io' }],
  ])('is another one for a workload %s', (_what, other) => {
    expect(workloadLeaseName('worker', { ...web, ...other }, 'shop')).not.toBe(
      workloadLeaseName('worker', web, 'shop'),
    );
  });

  test('in one namespace for several is another one for each namespace', () => {
    const names = ['shop', 'wine', 'leases'].map((namespace) =>
      workloadLeaseName('worker', { ...web, namespace }, 'leases'),
    );
    expect(new Set(names).size).toBe(3);
  });

  test('in its own namespace has the same name wherever that is', () => {
    expect(workloadLeaseName('worker', { ...web, namespace: 'wine' }, 'wine')).toBe(
      workloadLeaseName('worker', web, 'shop'),
    );
  });

  test('is never that of another workload', () => {
    fc.assert(
      fc.property(workload, workload, name, (one, other, namespace) => {
        fc.pre(JSON.stringify(Object.values(one)) !== JSON.stringify(Object.values(other)));
        expect(workloadLeaseName('p', one, namespace)).not.toBe(workloadLeaseName('p', other, namespace));
      }),
    );
  });

  test('has a name that the API server takes, with the longest prefix, too', () => {
    const long = workloadLeaseName('a'.repeat(PREFIX_LENGTH_MAX), web, 'shop');
    expect(long).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
    expect(long).toHaveLength(253);
  });
});

describe('the text of a workload', () => {
  test('is what kubectl would call it, with its namespace where the Lease is elsewhere', () => {
    expect(formatWorkload(web, 'shop')).toBe('Deployment.apps/web');
    expect(formatWorkload(web, 'leases')).toBe('Deployment.apps/shop/web');
    expect(formatWorkload({ ...web, apiGroup: '', kind: 'ReplicationController' }, 'shop')).toBe(
      'ReplicationController/web',
    );
  });

  test('is read as it was written', () => {
    fc.assert(
      fc.property(workload, name, (each, namespace) => {
        expect(parseWorkload(formatWorkload(each, namespace), namespace)).toEqual(each);
      }),
    );
  });

  test.each(['', 'web', '/web', 'Deployment.apps/', 'a/b/c/d', 'Deployment/a b', `D/${'a'.repeat(2_000)}`])(
    '%j is none',
    (text) => {
      expect(parseWorkload(text, 'shop')).toBeNull();
    },
  );
});

describe('what a Lease says of its name', () => {
  const lease = (annotations?: Record<string, string>) => ({
    namespace: 'shop',
    name: workloadLeaseName('worker', web, 'shop'),
    annotations,
  });

  test('is true where the hash is that of the workload', () => {
    expect(nameClaimOf(lease({ [LEASE_NAME_OF]: 'Deployment.apps/web' }))).toEqual({
      workload: 'Deployment.apps/web',
      verified: true,
    });
    expect(isNamedAfter(lease(), web)).toBe(true);
  });

  test.each(['Deployment.apps/api', 'Deployment.apps/shop2/web', 'nonsense'])('is not, as %j', (text) => {
    expect(nameClaimOf(lease({ [LEASE_NAME_OF]: text }))).toEqual({ workload: text, verified: false });
  });

  test('is nothing without the annotation', () => {
    expect(nameClaimOf(lease())).toBeNull();
    expect(nameClaimOf(lease({}))).toBeNull();
  });
});
