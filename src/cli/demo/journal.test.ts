import { expect, test } from 'vitest';
import { Journal } from './journal.ts';

test('what a replica wrote stays on one line and sends the terminal nothing', () => {
  const journal = new Journal(() => {});
  journal.add('Error: no\n    at main\x1b[2J\x07 (run.ts)');
  expect(journal.entries[0]?.text).toBe('Error: no at main [2J (run.ts)');
});

test('forgets the oldest, and cuts what is too long', () => {
  const journal = new Journal(() => {});
  for (let number = 0; number < 1_000; number++) journal.add(`${number} ${'x'.repeat(10_000)}`);
  expect(journal.entries).toHaveLength(100);
  expect(journal.entries.at(-1)?.text).toMatch(/^999 x{396}$/);
});

test('tells of each entry as it comes', () => {
  const told: string[] = [];
  const journal = new Journal(({ text }) => told.push(text));
  journal.add('one');
  journal.add('two');
  expect(told).toEqual(['one', 'two']);
});
