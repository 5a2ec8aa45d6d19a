import { expect, test } from 'vitest';
import { timeOfDay } from './timings.ts';
import { tellDeed, tellStop } from './words.ts';

const NOW = Date.UTC(2026, 0, 1, 12, 0, 10);

test('a replica that tells in time that it stopped is said to have stopped now', () => {
  expect(tellStop('demo-2', 'step-down', 0, NOW)).toBe('demo-2 stopped leading: it was asked to');
  expect(tellStop('demo-2', 'expired', 30, NOW)).toBe('demo-2 stopped leading: its deadline passed without a renewal');
});

test('one that was frozen beyond its deadline is said to notice when its term had ended, not to stop only now', () => {
  const text = tellStop('demo-2', 'expired', 4_000, NOW);
  expect(text).toBe(
    `demo-2 notices that its term ended at ${timeOfDay(NOW - 4_000)}: its deadline passed without a renewal`,
  );
});

test('freezing is not called pausing, which is a state of the election', () => {
  expect(tellDeed('demo-1', 'freeze', true)).toMatch(/^demo-1 was frozen \(SIGSTOP\)\. .*Press f/);
});
