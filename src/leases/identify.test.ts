import { describe, expect, test } from 'vitest';
import { apiServerLeaseName, kindOf, memberOf, type StoredLease } from './identify.ts';

const lease = (metadata: Partial<StoredLease['metadata']>, spec?: StoredLease['spec']): StoredLease => ({
  metadata: { namespace: 'shop', name: 'web', uid: 'u', resourceVersion: '1', ...metadata },
  ...(spec && { spec }),
});

test.each([
  ['master-1', 'apiserver-wj467rbl25eeviqacfhvg2yvnm'],
  ['node-a', 'apiserver-kcaaxytsc3gyd2kyybqqvf4bl4'],
])('the API server on %s is called %s', (hostname, name) => {
  expect(apiServerLeaseName(hostname)).toBe(name);
});

describe('a Lease is known', () => {
  test('as a node’s by its namespace and its owner or holder', () => {
    const owner = { ownerReferences: [{ kind: 'Node', name: 'n1' }] };
    expect(kindOf(lease({ namespace: 'kube-node-lease', name: 'n1', ...owner }))).toBe('node-heartbeat');
    expect(kindOf(lease({ namespace: 'kube-node-lease', name: 'n1' }, { holderIdentity: 'n1' }))).toBe(
      'node-heartbeat',
    );
    expect(kindOf(lease({ namespace: 'kube-node-lease', name: 'x' }, { holderIdentity: 'y' }))).toBe('other');
    expect(kindOf(lease({ name: 'n1', ...owner }))).toBe('other');
  });

  test('as an API server’s by the hash in its name', () => {
    const labels = { 'apiserver.kubernetes.io/identity': 'kube-apiserver', 'kubernetes.io/hostname': 'master-1' };
    const name = apiServerLeaseName('master-1');
    expect(kindOf(lease({ namespace: 'kube-system', name, labels }))).toBe('api-server-identity');
    expect(kindOf(lease({ namespace: 'kube-system', name: 'apiserver-forged', labels }))).toBe('other');
    const { 'kubernetes.io/hostname': _, ...nameless } = labels;
    expect(kindOf(lease({ namespace: 'kube-system', name, labels: nameless }))).toBe('api-server-identity');
    expect(kindOf(lease({ namespace: 'kube-system', name: 'apiserver-x', labels: nameless }))).toBe('other');
  });

  test('as an election’s by its terms, also when it was released or never held', () => {
    const held = { holderIdentity: 'a', leaseDurationSeconds: 15, acquireTime: 't', leaseTransitions: 3 };
    expect(kindOf(lease({}, held))).toBe('leader-election');
    expect(kindOf(lease({}, { ...held, holderIdentity: '', leaseDurationSeconds: 1 }))).toBe('leader-election');
    expect(kindOf(lease({ labels: { 'app.kubernetes.io/name': 'leasegate' } }))).toBe('leader-election');
    expect(kindOf(lease({}, { ...held, strategy: 'OldestEmulationVersion' }))).toBe('coordinated-election');
  });

  test('as a member’s by its label, and otherwise as something else', () => {
    const labels = { 'leasegate.dev/election': 'web', 'leasegate.dev/lease': 'member' };
    const member = lease({ labels, annotations: { 'leasegate.dev/pod': 'web-0' } }, { holderIdentity: 'a' });
    expect([kindOf(member), memberOf(member)]).toEqual(['member', { election: 'web', pod: 'web-0' }]);
    expect(memberOf(lease({ labels }))).toEqual({ election: 'web', pod: null });
    const election = lease({ labels: { 'leasegate.dev/election': 'web' } }, { holderIdentity: 'a' });
    expect([kindOf(election), memberOf(election)]).toEqual(['other', null]);
    expect(kindOf(lease({}, { holderIdentity: 'a', leaseDurationSeconds: 40 }))).toBe('other');
    expect(kindOf(lease({}))).toBe('other');
  });
});
