import { expect, test } from 'vitest';
import { TestContext } from './context.fixture.ts';
import { demo } from './demo.ts';

test('a script that does not exist is refused with those that do', async () => {
  const context = new TestContext();
  expect(await demo(['--script', 'failsafe'], context)).toBe(2);
  expect(context.err).toMatch(/^leasegate: OPTION_INVALID --script "failsafe": .*failover/);
  expect(context.out).toBe('');
});

test('an unknown option is refused before anything is started', async () => {
  const context = new TestContext();
  expect(await demo(['--scirpt', 'failover'], context)).toBe(2);
  expect(context.err).toMatch(/OPTION_UNKNOWN --scirpt .*did you mean --script\?/);
  expect(context.out).toBe('');
});
