import { expect, test } from 'vitest';
import { formatProblems } from './problem.ts';

const problem = { code: 'OPTION_INVALID', option: 'POD_NAME', message: 'is wrong', remedy: 'mend it' } as const;

test('each problem is one line with code, option, value, message and remedy', () => {
  const text = formatProblems([
    { ...problem, value: 'a\nb' },
    { ...problem, value: null },
  ]);
  expect(text).toBe(
    'leasegate: OPTION_INVALID POD_NAME "a\\nb": is wrong; mend it\nleasegate: OPTION_INVALID POD_NAME: is wrong; mend it\n',
  );
});

test('a long value is cut', () => {
  expect(formatProblems([{ ...problem, value: 'x'.repeat(10_000) }]).length).toBeLessThan(200);
});

test('an unknown name can neither break its line nor fill the screen', () => {
  const names = ['--x\ny', '\u001b[2J', 'y'.repeat(10_000)];
  const lines = formatProblems(names.map((option) => ({ ...problem, option, value: null }))).split('\n');
  expect(lines.map((line) => line.length < 200)).toEqual([true, true, true, true]);
  expect(lines[0]).toBe('leasegate: OPTION_INVALID "--x\\ny": is wrong; mend it');
  expect(lines[1]).toBe('leasegate: OPTION_INVALID "\\u001b[2J": is wrong; mend it');
});
