import { expect, test } from 'vitest';
import { Holders } from './holders.ts';

test('what is free remembers who held it last', () => {
  const holders = new Holders();
  expect(holders.note('s1', null, 0)).toEqual({ name: 's1', holder: null, former: null });
  expect(holders.note('s1', 'a', 1)).toEqual({ name: 's1', holder: 'a', former: null });
  expect(holders.note('s1', null, 2)).toEqual({ name: 's1', holder: null, former: 'a' });
  expect(holders.note('s1', null, 3)).toEqual({ name: 's1', holder: null, former: 'a' });
  expect(holders.note('s1', 'b', 4)).toEqual({ name: 's1', holder: 'b', former: null });
  expect(holders.changedMonoMs).toBe(4);
});

test('whoever gave something up may not want anything, until it is heard of again', () => {
  const holders = new Holders();
  holders.note('s1', 'a', 0);
  expect(holders.gaveUpSince('a', 0)).toBe(false);
  holders.note('s1', 'b', 10);
  expect(holders.gaveUpSince('a', 9)).toBe(true);
  expect(holders.gaveUpSince('a', 11)).toBe(false);
  expect(holders.gaveUpSince('b', 0)).toBe(false);
  holders.forgetAllBut(new Set(['b']));
  expect(holders.gaveUpSince('a', 9)).toBe(false);
});
