import { describe, expect, test } from 'vitest';
import { loadFrom, problemsIn } from './load.fixture.ts';

const load = (env: Record<string, string>) => loadFrom({ LEASEGATE_NAMESPACE: 'web', ...env });
const said = (env: Record<string, string>) => problemsIn(load(env));
const named = (LEASEGATE_LEASE_NAME: string, env: Record<string, string> = {}) => ({ LEASEGATE_LEASE_NAME, ...env });

describe('several Leases', () => {
  test('are as many elections in one namespace, and the first is the one of all that knows one only', () => {
    const result = load(named('shard-a, shard-b,c.d'));
    expect(result.ok && [result.config.lease, result.config.leases]).toEqual([
      { name: 'shard-a', namespace: 'web' },
      ['shard-a', 'shard-b', 'c.d'].map((name) => ({ name, namespace: 'web' })),
    ]);
  });

  test.each([
    ['a,B', 'has "B" in it, which is not a DNS-1123 subdomain'],
    ['a,,b', 'has an empty name; take out a comma'],
    ['a,b, ', 'has an empty name; take out a comma'],
    [',', 'has an empty name; take out a comma'],
    ['a,b,a', 'has a twice; write it once'],
    [Array.from({ length: 65 }, (_, i) => `s${i}`).join(), 'names 65 Leases; name 64 at most'],
    ['A', 'is not a DNS-1123 subdomain'],
  ])('%s is refused, and what is wrong with it named', (names, message) => {
    expect(said(named(names))).toEqual([expect.stringContaining(`LEASEGATE_LEASE_NAME (--lease-name): ${message}`)]);
  });

  test('may be 64', () => {
    const result = load(named(Array.from({ length: 64 }, (_, i) => `s${i}`).join()));
    expect(result.ok && result.config.leases).toHaveLength(64);
  });
});

describe('a fair share', () => {
  const FAIR = { LEASEGATE_FAIR_SHARE: 'true' };
  const MEMBERS = { LEASEGATE_MEMBERS: 'true' };

  test('is one of several elections among members', () => {
    const result = load(named('a,b', { ...FAIR, ...MEMBERS }));
    expect(result.ok && result.config.fairShare).toBe(true);
    const without = load(named('a,b'));
    expect(without.ok && without.config.fairShare).toBe(false);
  });

  test('needs members, and says how to have them', () => {
    expect(said(named('a,b', FAIR))).toEqual([
      expect.stringMatching(/^LEASEGATE_FAIR_SHARE .*needs to know the other replicas; set LEASEGATE_MEMBERS=true/),
    ]);
  });

  test('needs several elections, and says how to have them', () => {
    expect(said(named('a', { ...FAIR, ...MEMBERS }))).toEqual([
      expect.stringMatching(/nothing to share with one election; name several in LEASEGATE_LEASE_NAME/),
    ]);
  });

  test('is not taken back by priorities', () => {
    const preempting = { LEASEGATE_PREEMPT: 'true', LEASEGATE_PRIORITY: '5' };
    expect(said(named('a,b', { ...FAIR, ...MEMBERS, ...preempting }))).toEqual([
      expect.stringMatching(/would take back what .*LEASEGATE_FAIR_SHARE.* hands over; leave one of them out$/),
    ]);
  });
});
