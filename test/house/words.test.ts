import { expect, test } from 'vitest';
import { filesIn } from './files.fixture.ts';

const ENDINGS = [
  '.ts',
  '.js',
  '.mjs',
  '.go',
  '.mod',
  '.md',
  '.json',
  '.yaml',
  '.yml',
  '.sh',
  '.py',
  '.java',
  '.xml',
  '.txt',
  '.pml',
  'Dockerfile',
  'run',
];
const files = filesIn('.', ENDINGS);

/** Put together here, so that this file does not contain what it looks for. */
const word = (...parts: string[]) => new RegExp(parts.join(''), 'i');

const FORBIDDEN: [string, RegExp][] = [
  ['a path of one machine', word('(?<![\\w.])/(wo', 'rk|ho', 'me/\\w+)/')],
  [
    'the host of a package registry',
    word('registry\\.npm', 'js|npm', 'js\\.(com|org)|proxy\\.go', 'lang|py', 'pi\\.org|sum\\.go', 'lang'),
  ],
  ['a mark left by a merge', word('^(<<<', '<<<<|>>>', '>>>>) ')],
];

test.each(FORBIDDEN)('no file contains %s', (_, pattern) => {
  const found = files.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 100)}`] : [])),
  );
  expect(found).toEqual([]);
});

test('no test is skipped, left to do, or run alone', () => {
  const pattern = word('\\b(?:test|it|describe)(?:\\.\\w+)*\\.(?:sk', 'ip|on', 'ly|to', 'do|fa', 'ils)\\b');
  const found = files.filter(({ path, text }) => /test\.ts$/.test(path) && pattern.test(text)).map(({ path }) => path);
  expect(found).toEqual([]);
});
