import { expect, test } from 'vitest';
import { jsonOf, type Reported, textOf } from './report.ts';

const findings: Reported[] = [
  { code: 'A', level: 'ok', message: 'all is well', remedy: null, rule: null },
  {
    code: 'B',
    level: 'error',
    message: 'no\nerror  FAKE\u001b[31m',
    remedy: 'add this:',
    rule: '- apiGroups: [""]\n  verbs: [get]',
  },
];

test('the text has a line for each finding, its remedy below, and the rule to copy; no line is anybody else’s', () => {
  expect(textOf(findings)).toBe(
    [
      'ok       A  all is well',
      'error    B  no error  FAKE [31m',
      '         → add this:',
      '           - apiGroups: [""]',
      '             verbs: [get]',
      '',
      '1 error, no warnings',
      '',
    ].join('\n'),
  );
});

test('the JSON is one line, and has the worst level', () => {
  const text = jsonOf('1.2.3', findings);
  expect(text).toMatch(/^[^\n]*\n$/);
  expect(JSON.parse(text)).toEqual({ version: '1.2.3', level: 'error', findings });
  expect(JSON.parse(jsonOf('1.2.3', [{ ...findings[0]!, level: 'skipped' }]))).toMatchObject({ level: 'ok' });
});
