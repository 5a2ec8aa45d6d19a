import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { CASES, GOLDEN, injected } from './cases.fixture.ts';
import { type Finding, formatReport } from './report.ts';
import { isAddedValue, uninject } from './uninject.ts';

// After a change that is meant: vitest run src/inject/golden.test.ts -u, and read the difference.

const accepted = CASES.filter(({ name }) => !name.startsWith('refused-'));
const refused = CASES.filter(({ name }) => name.startsWith('refused-'));
const codes = (report: readonly Finding[]) => report.map(({ code }) => code);

describe.each(accepted.map((each) => [each.name, each] as const))('%s', (name, { text, args }) => {
  const once = injected(text, args);

  test('is injected as its golden file says', async () => {
    expect(once.text).not.toBeNull();
    await expect(once.text).toMatchFileSnapshot(join(GOLDEN, `${name}.out.yaml`));
    await expect(formatReport(once.report)).toMatchFileSnapshot(join(GOLDEN, `${name}.report.txt`));
  });

  test('is not changed by a second run', () => {
    const twice = injected(once.text!, args);
    expect(twice.text).toBe(once.text);
    expect(codes(twice.report)).not.toContain('INJECTED');
    expect(codes(twice.report)).not.toContain('REINJECTED');
  });

  test('is restored to the byte', () => {
    const { text: restored, report } = uninject([{ name: 'stdin', text: once.text! }], []);
    expect(restored).toBe(text);
    expect(codes(report)).not.toContain('RESTORED_WITH_EDITS');
  });

  test('differs only in what was to be added', () => {
    const before = valuesOf(text);
    const after = valuesOf(once.text!).filter((value) => !isAddedValue(value));
    expect(after).toHaveLength(before.length);
    for (const [index, value] of before.entries()) expect(additionsTo(value, after[index])).toEqual([]);
  });

  test('keeps every line of the input, in its order', () => {
    const lines = (whole: string) => whole.split('\n').map((line) => line.trim());
    const after = lines(once.text!);
    // Lines that were written anew: an empty value that got one, the end of a flow collection, a targetPort.
    const kept = lines(text).filter((line) => !/^$|[{[\]},~]$|null$|: \[\]|targetPort|"\s*$/.test(line));
    let at = 0;
    for (const line of kept) {
      const found = after.indexOf(line, at);
      expect(found, line).toBeGreaterThanOrEqual(at);
      at = found + 1;
    }
  });
});

test.each(refused.map((each) => [each.name, each] as const))(
  '%s: nothing is printed, and the report says why',
  async (name, { text, args }) => {
    const { text: printed, report } = injected(text, args);
    expect(printed).toBeNull();
    await expect(formatReport(report)).toMatchFileSnapshot(join(GOLDEN, `${name}.report.txt`));
  },
);

test('there are golden files enough', () => {
  expect(accepted.length).toBeGreaterThanOrEqual(25);
});

function valuesOf(text: string): unknown[] {
  return [...parseAllDocuments(text, { merge: true })].map((document) => document.toJS());
}

/** Where `after` is not `before` with something added that speaks of Leasegate, or with an emptiness filled. */
function additionsTo(before: unknown, after: unknown, path = ''): string[] {
  if (Array.isArray(before) && Array.isArray(after)) {
    const rest = after.filter((item) => !before.some((each) => JSON.stringify(each) === JSON.stringify(item)));
    if (/\/(initContainers|volumes|readinessGates)$/.test(path)) {
      const foreign = rest.filter((item) => !JSON.stringify(item).includes('leasegate'));
      return foreign.map((item) => `${path}: ${JSON.stringify(item)}`);
    }
    return before.flatMap((item, index) => additionsTo(item, after[index], `${path}/${index}`));
  }
  if (isObject(before) && isObject(after)) {
    const added = Object.keys(after).filter(
      (key) => !(key in before) && !JSON.stringify(after[key]).includes('leasegate'),
    );
    return [
      ...added.filter((key) => !/leasegate|targetPort/.test(key)).map((key) => `${path}/${key} is new`),
      ...Object.keys(before).flatMap((key) => additionsTo(before[key], after[key], `${path}/${key}`)),
    ];
  }
  const filled = (before === null || before === undefined) && JSON.stringify(after)?.includes('leasegate');
  if (filled || before === after || /\/targetPort$/.test(path)) return [];
  return [`${path}: ${JSON.stringify(before)} became ${JSON.stringify(after)}`];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
