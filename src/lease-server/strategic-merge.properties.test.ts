import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deepFreeze, expectPlain, type Json, map, rfc7386, sorted } from './json.fixture.ts';
import { list, string, struct } from './schema.ts';
import { strategicMerge } from './strategic-merge.ts';

const KEYED = struct('Keyed', {
  items: list(struct('Item', { name: string, value: string }), 'name'),
  plain: list(string),
});
const item = fc.record(
  { name: fc.constantFrom('p', 'q', 'r', 's'), value: fc.constantFrom('1', '2', '3') },
  { requiredKeys: ['name'] },
);
const items = fc.uniqueArray(item, { maxLength: 4, selector: ({ name }) => name });
const directive = fc
  .tuple(item, fc.boolean())
  .map(([one, gone]) => (gone ? { name: one.name, $patch: 'delete' } : one));
const changes = fc.uniqueArray(directive, { maxLength: 4, selector: ({ name }) => name });

describe('a strategic merge patch', () => {
  test('is a merge patch where the schema knows no keyed list', () => {
    fc.assert(
      fc.property(map, map, (target, patch) => {
        const merged = strategicMerge(deepFreeze(target), deepFreeze(patch), struct('Any', {}));
        expect(merged.ok && sorted(merged.value)).toEqual(sorted(rfc7386(target, patch)));
        if (merged.ok) expectPlain(merged.value);
      }),
      { numRuns: 500 },
    );
  });

  test('merges a keyed list item by item: each key once, deleted ones gone, untouched ones as they were and in their order', () => {
    fc.assert(
      fc.property(items, changes, (current, patch) => {
        const target = deepFreeze({ items: current, plain: ['x'] });
        const merged = strategicMerge(target, deepFreeze({ items: patch, plain: ['y'] }), KEYED);
        if (!merged.ok) throw new Error(merged.error.message);
        const expected = new Map<string, Json>(current.map((one) => [one.name, one]));
        for (const one of patch) {
          if ('$patch' in one) expected.delete(one.name);
          else expected.set(one.name, { ...(expected.get(one.name) as object), ...one });
        }
        const result = merged.value.items as { name: string }[];
        expect(new Map(result.map((one) => [one.name, one]))).toEqual(expected);
        expect(result).toHaveLength(expected.size);
        const touched: string[] = patch.map(({ name }) => name);
        const names = (from: readonly { name: string }[]): string[] => from.map(({ name }) => name);
        const untouched = names(current).filter((name) => !touched.includes(name));
        expect(names(result).filter((name) => untouched.includes(name))).toEqual(untouched);
        // Where the patch names them in the order of the list, the patched ones keep their places between the others.
        const live = names(current).filter((name) => expected.has(name));
        const rightlyOrdered =
          names(current)
            .filter((name) => touched.includes(name))
            .join() === touched.filter((name) => names(current).includes(name)).join();
        if (rightlyOrdered) expect(names(result).filter((name) => live.includes(name))).toEqual(live);
        expect(merged.value.plain).toEqual(['y']);
      }),
      { numRuns: 500 },
    );
  });
});
