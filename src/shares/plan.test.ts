import { expect, test } from 'vitest';
import { planShares, type SharedLease } from './plan.ts';

/** `a: 's1 s2', '': 's3'` */
function leases(held: Record<string, string>): SharedLease[] {
  return Object.entries(held).flatMap(([holder, names]) =>
    names
      .split(' ')
      .filter((name) => name !== '')
      .map((name) => ({ name, holder: holder === '' ? null : holder, former: null })),
  );
}

const plan = (held: Record<string, string>, ...members: string[]) => planShares({ elections: leases(held), members });

test('what is free goes to whoever leads fewest', () => {
  const { moves, heirs } = plan({ a: 's1 s2 s3', b: 's4', '': 's5 s6' }, 'a', 'b');
  expect(moves).toEqual([]);
  expect([heirs.get('s5'), heirs.get('s6')]).toEqual(['b', 'b']);
});

test('as few as can be are handed over, the last by name first', () => {
  expect(plan({ a: 's1 s2 s3', b: 's4 s5 s6', c: 's7 s8 s9' }, 'a', 'b', 'c', 'd').moves).toEqual([
    { election: 's9', from: 'c', to: 'd' },
    { election: 's6', from: 'b', to: 'd' },
  ]);
});

test.each([[{ a: 's1 s2', b: 's3' }], [{ a: 's1', b: 's2 s3' }], [{ a: 's1', b: '' }]])(
  'nothing moves while one leads at most one more than another: %o',
  (held) => {
    expect(plan(held, 'a', 'b').moves).toEqual([]);
  },
);

test('each has an heir for when its leader goes: the others share what that led, and as evenly', () => {
  const { heirs } = plan({ a: 's1 s2 s3', b: 's4 s5 s6', c: 's7 s8 s9' }, 'a', 'b', 'c');
  expect(Object.fromEntries(heirs)).toEqual({
    ...{ s1: 'b', s2: 'c', s3: 'b' },
    ...{ s4: 'a', s5: 'c', s6: 'a' },
    ...{ s7: 'a', s8: 'b', s9: 'a' },
  });
});

test('the heirs stay the same while a leader that goes frees one after the other', () => {
  const held = leases({ a: 's1 s2 s3', b: 's4 s5 s6', c: 's7 s8 s9' });
  const members = ['a', 'b', 'c'];
  const before = planShares({ elections: held, members }).heirs;
  for (let freed = 1; freed <= 3; freed += 1) {
    const elections = held.map((lease, i) => (i < freed ? { ...lease, holder: null, former: 'a' } : lease));
    const { heirs } = planShares({ elections, members });
    for (const name of ['s1', 's2', 's3']) expect(heirs.get(name)).toBe(before.get(name));
  }
});

test('whoever may be leaving is no heir, and still has its share of what is moved', () => {
  const elections = leases({ a: 's1 s2 s3 s4', b: '', c: 's5' });
  const { moves, heirs } = planShares({ elections, members: ['a', 'b', 'c'], leaving: new Set(['b']) });
  expect([...heirs.values()]).not.toContain('b');
  expect(moves.map(({ to }) => to)).toContain('b');
});

test('the only member has nobody to wait for', () => {
  const { moves, heirs } = plan({ a: 's1', '': 's2' }, 'a');
  expect(moves).toEqual([]);
  expect(Object.fromEntries(heirs)).toEqual({ s2: 'a' });
});

test('what somebody holds who is no member is left alone, and counts for nobody', () => {
  expect(plan({ stranger: 's1 s2 s3 s4', a: 's5', b: 's6' }, 'a', 'b').moves).toEqual([]);
});

test('without members nothing is planned', () => {
  expect(plan({ a: 's1 s2 s3', '': 's4' })).toEqual({ moves: [], heirs: new Map() });
});

test('whoever is known not to take one gets another', () => {
  const refuses = (election: string, member: string) => election === 's4' && member === 'b';
  const { moves } = planShares({ elections: leases({ a: 's1 s2 s3 s4' }), members: ['a', 'b'], refuses });
  expect(moves).toEqual([
    { election: 's3', from: 'a', to: 'b' },
    { election: 's2', from: 'a', to: 'b' },
  ]);
});

test('whoever would lead a few only gets its share of these', () => {
  const refuses = (election: string, member: string) => member === 'b' && !['s1', 's2'].includes(election);
  const all = leases({ a: 's1 s2 s3 s4 s5 s6 s7 s8' });
  const { moves, heirs } = planShares({ elections: all, members: ['a', 'b'], refuses });
  expect(moves.map(({ election }) => election)).toEqual(['s2', 's1']);
  expect([...heirs.keys()]).toEqual(['s1', 's2']);
});

test('what is free counts for whom it can only go to', () => {
  const refuses = (election: string, member: string) => election === 's4' && member === 'a';
  const elections = leases({ a: 's1 s2 s3', b: '', '': 's4' });
  const { moves, heirs } = planShares({ elections, members: ['a', 'b'], refuses });
  expect([moves.length, heirs.get('s4')]).toEqual([1, 'b']);
});

test('what nobody takes has no heir: anybody may claim it', () => {
  const { heirs } = planShares({ elections: leases({ '': 's1' }), members: ['a', 'b'], refuses: () => true });
  expect(heirs.size).toBe(0);
});
