import { describe, expect, test } from 'vitest';
import { electionLabel, hostnameLabel, isMemberLeaseName, memberIdentity, memberLeaseName } from './naming.ts';

const place = { lease: { namespace: 'shop', name: 'cart' }, hostname: 'cart-0', namespace: 'shop' };

describe("a member's Lease", () => {
  test('has the same name after a restart, and another one on another host or for another election', () => {
    const names = [
      place,
      { ...place, hostname: 'cart-1' },
      { ...place, lease: { ...place.lease, name: 'other' } },
      { ...place, namespace: 'elsewhere' },
    ].map(memberLeaseName);
    expect(memberLeaseName({ ...place })).toBe(names[0]);
    expect(new Set(names).size).toBe(4);
    expect(names[0]).toMatch(/^cart-[a-z2-7]{26}$/);
  });

  test('has a name that the API server takes, however long that of the election is', () => {
    const election = `${'a'.repeat(225)}.${'b'.repeat(27)}`;
    const name = memberLeaseName({ ...place, lease: { ...place.lease, name: election } });
    expect(name).toMatch(/^a{225}-[a-z2-7]{26}$/);
    expect(isMemberLeaseName(election, name)).toBe(true);
  });

  test('is told from the Lease that is elected on, and from those of elections with a longer name', () => {
    expect(isMemberLeaseName('cart', memberLeaseName(place))).toBe(true);
    for (const name of ['cart', 'cart-eu', memberLeaseName({ ...place, lease: { ...place.lease, name: 'cart-eu' } })]) {
      expect(isMemberLeaseName('cart', name), name).toBe(false);
    }
  });

  test("is held by its own name and the process's start", () => {
    expect(memberIdentity('cart-x', '1f')).toBe('cart-x_1f');
  });
});

describe('labels', () => {
  test('hold names as they are where they fit', () => {
    expect([electionLabel('cart.eu'), hostnameLabel('cart-0')]).toEqual(['cart.eu', 'cart-0']);
  });

  test('hold no more than 63 characters, and end in a letter or digit', () => {
    const long = `${'a'.repeat(35)}-${'b'.repeat(60)}`;
    expect(electionLabel(long)).toMatch(/^a{35}-[a-z2-7]{26}$/);
    expect(electionLabel(`${long}c`)).not.toBe(electionLabel(long));
    expect(hostnameLabel(`${'a'.repeat(62)}-b`)).toBe('a'.repeat(62));
  });

  test('leave out a host name that can be no value of one', () => {
    expect(hostnameLabel('-odd')).toBeNull();
  });
});
