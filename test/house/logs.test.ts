import { expect, test } from 'vitest';
import { filesIn, isTestCode } from './files.fixture.ts';

const sources = filesIn('src', ['.ts']).filter((file) => !isTestCode(file));
const page = filesIn('docs', ['logs.md'])[0]!.text;

/** Each call of a log: its fields, written out or under a name, and how its message begins. */
const LOG_CALL = /\blog\.(?:fatal|error|warn|info|debug)\(\s*(?:\{((?:[^}]|\}(?!,))*)\}|(\w+)),\s*(?:['`]([^'`]*))?/g;
const CODE = /\bcode: '([A-Z_]+)'/;

const calls = sources.flatMap(({ path, text }) =>
  [...text.matchAll(LOG_CALL)].map(([call, written, named, message = '']) => {
    const fields = written ?? new RegExp(`const ${named} = \\{([^}]*)\\}`).exec(text)?.[1] ?? '';
    return { call: `${path}: ${call}`, fields, code: CODE.exec(fields)?.[1] ?? null, message };
  }),
);

/** The codes that are made of what went wrong with a request. */
function troubleCodes(): string[] {
  const textOf = (name: string) => sources.find(({ path }) => path.endsWith(name))!.text;
  const words = (text: string | undefined) => [...(text ?? '').matchAll(/'([a-z-]+)'/g)].map(([, word]) => word!);
  const failures = words(/readonly code:([^;]*);/.exec(textOf('kube/errors.ts'))?.[1]);
  const normal = words(/const NORMAL[^=]*= (\[[^\]]*\])/.exec(textOf('kube/trouble.ts'))?.[1]);
  expect(normal).not.toEqual([]);
  return failures
    .filter((code) => !normal.includes(code))
    .map((code) => `API_${code.toUpperCase().replaceAll('-', '_')}`);
}

test('docs/logs.md has every code that is logged, and no other', () => {
  const logged = [...calls.flatMap(({ code }) => code ?? []), ...troubleCodes()];
  const documented = [...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
  expect(documented.toSorted()).toEqual([...new Set(logged)].toSorted());
});

test('docs/logs.md has the message of each line that is logged without a code', () => {
  const without = calls.filter(({ code, fields }) => code === null && !fields.includes('code: `API_'));
  expect(without.filter(({ message }) => message === '' || !page.includes(`\`${message}\``))).toEqual([]);
  const documented = [...page.slice(page.indexOf('## The HTTP API')).matchAll(/`([A-Z][^`]+)`/g)].map(
    ([, each]) => each,
  );
  expect(documented.toSorted()).toEqual(without.map(({ message }) => message).toSorted());
});

test('no call of a log escapes these tests', () => {
  const found = sources.flatMap(({ text }) => [...text.matchAll(/\blog\.(?:fatal|error|warn|info|debug)\(/g)]);
  expect(calls).toHaveLength(found.length);
});
