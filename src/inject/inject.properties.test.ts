import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { injected } from './cases.fixture.ts';
import { writtenManifest } from './styles.fixture.ts';
import { isAddedValue, uninject } from './uninject.ts';

const RUNS = Number(process.env.INJECT_RUNS ?? 100);
const OPTIONS = [
  [],
  ['--publish', 'label'],
  ['--position', 'first'],
  ['--no-rbac'],
  ['--gateway', '8080:3000'],
  ['--only', 'app-0'],
];

const valuesOf = (text: string) => parseAllDocuments(text).map((document) => document.toJS());

test('in whatever style a manifest is written: inject adds only its own, twice is once, and uninject restores every byte', () => {
  let refused = 0;
  fc.assert(
    fc.property(fc.gen(), fc.constantFrom(...OPTIONS), (random, args) => {
      const { text } = writtenManifest(random as never);
      const documents = parseAllDocuments(text);
      for (const { errors } of documents) expect(errors).toEqual([]);
      const once = injected(text, args);
      if (once.text === null) {
        refused += 1;
        // The one place where it can't: a text that ends within a block scalar.
        expect(once.report.map(({ code }) => code)).toContain('EDIT_IMPOSSIBLE');
        expect(text.endsWith('\n')).toBe(false);
        return;
      }
      expect(injected(once.text, args).text).toBe(once.text);
      expect(uninject([{ name: 'stdin', text: once.text }], [])).toMatchObject({ text });
      const before = valuesOf(text);
      const after = valuesOf(once.text).filter((value) => !isAddedValue(value));
      expect(after).toHaveLength(before.length);
      for (const [index, value] of before.entries()) expect(stripped(after[index])).toEqual(stripped(value));
    }),
    { numRuns: RUNS },
  );
  expect(refused).toBeLessThan(RUNS / 4);
}, 600_000);

/** A manifest without what is ours and without what may be missing or empty. */
function stripped(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => !String(item?.name).startsWith('leasegate')).map(stripped);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(
        ([key, child]) =>
          !key.startsWith('leasegate.dev/') && !(/^serviceAccount(Name)?$/.test(key) && /-leasegate$/.test(child)),
      )
      .map(([key, child]) => [key, stripped(child)] as const)
      .filter(
        ([, child]) => child !== null && Object.keys(Object(child)).length + (typeof child === 'object' ? 0 : 1) > 0,
      )
      .sort(),
  );
}
