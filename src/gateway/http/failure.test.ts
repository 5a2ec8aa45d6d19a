import { expect, test } from 'vitest';
import { failureOf } from './failure.ts';

test.each([
  ['connect', 'connect-timeout'],
  ['read', 'reset'],
  ['write', 'reset'],
])('a time-out of the kernel in %s is told as %s', (syscall, kind) => {
  expect(failureOf(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT', syscall }))).toBe(kind);
});
