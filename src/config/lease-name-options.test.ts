import { expect, test } from 'vitest';
import { PREFIX_LENGTH_MAX } from '../naming/workload-lease.ts';
import { loadFrom } from './load.fixture.ts';

const load = (env: Record<string, string>) => loadFrom({ POD_NAME: 'web-1', POD_NAMESPACE: 'shop', ...env });
const leaseOf = (env: Record<string, string>) => {
  const result = load(env);
  return result.ok ? result.config.lease : result.problems;
};
const said = (env: Record<string, string>) => {
  const result = load(env);
  return result.ok
    ? []
    : result.problems.map(({ code, option, message, remedy }) => `${code} ${option}: ${message}; ${remedy}`);
};

test('a prefix is taken instead of the name, which is not known yet', () => {
  expect(leaseOf({ LEASEGATE_LEASE_NAME_PREFIX: 'worker' })).toEqual({ namePrefix: 'worker', namespace: 'shop' });
  expect(leaseOf({ LEASEGATE_LEASE_NAME: 'worker' })).toEqual({ name: 'worker', namespace: 'shop' });
});

test('a name and a prefix are refused together, and so is neither, with both options named', () => {
  const both = said({ LEASEGATE_LEASE_NAME: 'web', LEASEGATE_LEASE_NAME_PREFIX: 'worker' });
  expect(both).toEqual([
    expect.stringMatching(/^OPTION_CONFLICT .*LEASEGATE_LEASE_NAME web and LEASEGATE_LEASE_NAME_PREFIX worker both/),
  ]);
  expect(said({})).toEqual([
    expect.stringMatching(/^OPTION_MISSING .*set LEASEGATE_LEASE_NAME \(.*\), or LEASEGATE_LEASE_NAME_PREFIX \(/),
  ]);
});

test('a prefix is one election, of which nothing can be shared', () => {
  const shared = { LEASEGATE_FAIR_SHARE: 'true', LEASEGATE_MEMBERS: 'true', LEASEGATE_LEASE_NAME_PREFIX: 'worker' };
  expect(said(shared)).toEqual([expect.stringMatching(/^OPTION_CONFLICT .*nothing to share with the one election of/)]);
});

test('a prefix without the name of the pod is refused', () => {
  expect(said({ LEASEGATE_LEASE_NAME_PREFIX: 'worker', POD_NAME: '' })).toEqual([
    expect.stringMatching(/POD_NAME is not set; set POD_NAME from the downward API .* LEASEGATE_LEASE_NAME$/),
  ]);
});

test.each(['worker-', '-worker', 'Worker', 'a_b', 'a..b', 'a'.repeat(PREFIX_LENGTH_MAX + 1)])(
  '%s is refused as a prefix',
  (prefix) => {
    expect(said({ LEASEGATE_LEASE_NAME_PREFIX: prefix })).toEqual([
      expect.stringMatching(/^OPTION_INVALID LEASEGATE_LEASE_NAME_PREFIX .*the "-" behind it is added$/),
    ]);
  },
);

test('the longest prefix leaves room for the hash', () => {
  expect(said({ LEASEGATE_LEASE_NAME_PREFIX: 'a'.repeat(PREFIX_LENGTH_MAX) })).toEqual([]);
});
