import { expect, test } from 'vitest';
import { electionKey, isPodName, sliceName } from './names.ts';

const LABEL_VALUE = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const key = (name: string, leaseNamespace = 'shop') =>
  electionKey({ lease: { namespace: leaseNamespace, name }, namespace: 'shop' });

test("an election's label is the name of its Lease", () => {
  expect(key('cart')).toBe('cart');
  expect(key('x'.repeat(63))).toBe('x'.repeat(63));
});

test.each(['x'.repeat(64), `${'x'.repeat(51)}.${'y'.repeat(100)}`, `${'x.'.repeat(120)}x`])(
  'a name too long for a label is shortened: %s',
  (name) => {
    expect(key(name)).toMatch(LABEL_VALUE);
    expect(key(name)).not.toBe(key(`${name}z`));
  },
);

test('Leases of one name in two namespaces are two elections', () => {
  expect(key('cart', 'leases')).toMatch(LABEL_VALUE);
  expect(new Set([key('cart'), key('cart', 'leases'), key('cart', 'others')]).size).toBe(3);
});

test('no two Services and elections share an EndpointSlice', () => {
  expect(sliceName('a-b', 'c')).not.toBe(sliceName('a', 'b-c'));
  const long = sliceName('x'.repeat(63), 'y'.repeat(253));
  expect(long).toMatch(NAME);
  expect(long.length).toBeLessThanOrEqual(253);
});

test('only what can be a pod’s name is asked for by it', () => {
  expect(['web-1', 'a', 'web.shop-1'].map(isPodName)).toEqual([true, true, true]);
  expect(['', '..', 'team/app-1', 'Web', '-a', 'a'.repeat(254)].map(isPodName)).toEqual(Array(6).fill(false));
});
