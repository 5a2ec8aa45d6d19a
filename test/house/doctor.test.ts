import { expect, test } from 'vitest';
import { FINDING_CODES } from '../../src/doctor/finding.ts';
import { filesIn, isTestCode } from './files.fixture.ts';

const sources = filesIn('src/doctor', ['.ts']).filter((file) => !isTestCode(file));
const page = filesIn('docs', ['doctor.md'])[0]!.text;

test('docs/doctor.md explains every code that the doctor may print, and no other', () => {
  const documented = [...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code!);
  expect(documented.toSorted()).toEqual([...FINDING_CODES].toSorted());
});

test('every code of the doctor is used', () => {
  const unused = FINDING_CODES.filter(
    (code) => !sources.some(({ path, text }) => !path.endsWith('finding.ts') && text.includes(`'${code}'`)),
  );
  expect(unused).toEqual([]);
});
