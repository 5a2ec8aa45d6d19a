import { expect, test } from 'vitest';
import { Rates } from './rates.ts';

test('one request a second shows as 1, whatever came before', () => {
  const rates = new Rates();
  let shown = {};
  for (let second = 0; second <= 20; second++) shown = rates.sample(second * 1_000, { update: 100 + second, list: 7 });
  expect(shown).toEqual({ update: 1, list: 0 });
});

test('requests that have stopped fade within the window', () => {
  const rates = new Rates();
  rates.sample(0, {});
  expect(rates.sample(1_000, { update: 5 })).toEqual({ update: 1 });
  rates.sample(5_000, { update: 5 });
  rates.sample(6_000, { update: 5 });
  expect(rates.sample(7_000, { update: 5 })).toEqual({ update: 0 });
});

test('a burst at the very start is not taken for many a second', () => {
  const rates = new Rates();
  rates.sample(0, {});
  expect(rates.sample(100, { list: 1, watch: 1 })).toEqual({ list: 0.2, watch: 0.2 });
});
