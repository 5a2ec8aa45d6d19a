import { expect, test } from 'vitest';
import { editDistance, nearest } from './suggest.ts';

test.each([
  ['', '', 0],
  ['', 'abc', 3],
  ['abc', 'abc', 0],
  ['kitten', 'sitting', 3],
  ['lease', 'leased', 1],
])('from %j to %j it takes %d edits', (a, b, edits) => {
  expect(editDistance(a, b)).toBe(edits);
  expect(editDistance(b, a)).toBe(edits);
});

test('the nearest name is suggested, and none when all are far', () => {
  const names = ['lease-name', 'lease-duration', 'namespace'];
  expect(nearest('lease-nmae', names)).toBe('lease-name');
  expect(nearest('name-space', names)).toBe('namespace');
  expect(nearest('gateway', names)).toBeUndefined();
  expect(nearest('x'.repeat(100_000), names)).toBeUndefined();
});
