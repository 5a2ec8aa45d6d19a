import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deepFreeze, expectPlain, isMap, type Json, json, key, map, member, rfc7386, sorted } from './json.fixture.ts';
import type { JsonObject } from './object.ts';
import { jsonPatch, mergePatch } from './patch.ts';

const escaped = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1');

/** The pointers to all parts of a document, itself included. */
function pointersIn(value: Json, at = ''): string[] {
  const parts = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return [at, ...parts.flatMap(([name, part]) => pointersIn(part, `${at}/${escaped(name)}`))];
}

const REFUSED = new Error('refused');
const orRefuse = <T>(value: T | undefined): T => {
  if (value === undefined) throw REFUSED;
  return value;
};

/** RFC 6902 by rebuilding the document, with the liberties that kube-apiserver takes. */
function model(document: Json, operations: readonly Json[]): Json {
  try {
    return operations.reduce(modelOne, document);
  } catch (error) {
    if (error === REFUSED) return undefined;
    throw error;
  }
}

function modelOne(document: Json, operation: Json): Json {
  const { op, path, from, value = null } = isMap(operation) ? operation : {};
  if (op === 'replace' && path === '') return value;
  switch (op) {
    case 'add':
      return insert(document, path, value);
    case 'replace':
      return rebuild(document, path, (parent, name) => {
        const index = Array.isArray(parent) ? position(name, parent.length) : -1;
        return Array.isArray(parent) ? parent.with(index, value) : withMember(parent, name, value);
      });
    case 'remove':
      return without(document, path);
    case 'test': {
      const found = part(document, path);
      if (JSON.stringify(sorted(found)) !== JSON.stringify(sorted(value))) throw REFUSED;
      return document;
    }
    case 'copy':
      return insert(document, path, part(document, from));
    case 'move':
      return insert(without(document, from), path, part(document, from));
    default:
      throw REFUSED;
  }
}

/** The document with the list or object that holds what the pointer names put through `change`. */
function rebuild(document: Json, pointer: Json, change: (parent: Json[] | JsonObject, name: string) => Json): Json {
  const [, ...names] = tokens(pointer);
  const descend = (value: Json, [name = '', ...rest]: string[]): Json => {
    if (!Array.isArray(value) && !isMap(value)) throw REFUSED;
    if (rest.length === 0) return change(value, name);
    if (Array.isArray(value)) {
      const index = position(name, value.length);
      return value.with(index, descend(value[index], rest));
    }
    return withMember(value, name, descend(orRefuse(member(value, name)), rest));
  };
  return descend(document, names);
}

function tokens(pointer: Json): string[] {
  if (typeof pointer !== 'string' || !pointer.includes('/')) throw REFUSED;
  return pointer.split('/').map((name) => name.replace(/~1/g, '/').replace(/~0/g, '~'));
}

const withMember = (value: JsonObject, name: string, next: Json): JsonObject =>
  Object.fromEntries([...Object.entries(value).filter(([known]) => known !== name), [name, next]]);

function position(name: string, length: number): number {
  if (!/^[-+]?[0-9]+$/.test(name)) throw REFUSED;
  const index = Number.parseInt(name, 10);
  const fromStart = index < 0 ? length + index : index;
  if (fromStart < 0 || fromStart >= length) throw REFUSED;
  return Math.abs(fromStart);
}

const insert = (document: Json, pointer: Json, value: Json): Json =>
  rebuild(document, pointer, (parent, name) =>
    Array.isArray(parent)
      ? parent.toSpliced(name === '-' ? parent.length : position(name, parent.length + 1), 0, value)
      : withMember(parent, name, value),
  );

const without = (document: Json, pointer: Json): Json =>
  rebuild(document, pointer, (parent, name) => {
    if (Array.isArray(parent)) return parent.toSpliced(position(name, parent.length), 1);
    orRefuse(member(parent, name));
    return Object.fromEntries(Object.entries(parent).filter(([known]) => known !== name));
  });

/** A member that is missing reads as null; an item beyond a list does not. */
function part(document: Json, pointer: Json): Json {
  let found: Json;
  rebuild(document, pointer, (parent, name) => {
    found = Array.isArray(parent) ? parent[position(name, parent.length)] : (member(parent, name) ?? null);
    return parent;
  });
  return found;
}

/** How to choose an operation once it is known what it would meet. */
const plan = fc.record({
  op: fc.constantFrom('add', 'replace', 'remove', 'test', 'copy', 'move'),
  at: fc.tuple(fc.nat(), fc.nat()),
  /** What is named: a part that is there, something below one, or something beside one. */
  where: fc.constantFrom('there', 'below', 'beside'),
  name: fc.oneof(
    key.map(escaped),
    fc.constantFrom('-', '-1', '+1', '01', '00', '9', '1e0', '0x1', ' 1', '1.0', '-0', '~', '~2'),
  ),
  value: fc.option(json, { nil: undefined }),
  testsTruly: fc.boolean(),
  /** Left out where it does not apply, so that others behind it are met. */
  optional: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.constant(false)),
});
const noOperation = fc.constantFrom<Json>(
  ...[
    null,
    [],
    'add',
    {},
    { op: 'ADD', path: '/a' },
    { op: '__proto__', path: '' },
    { op: 'add', path: 'a', value: 1 },
  ],
  ...[
    { op: 'remove', path: '' },
    { op: 'copy', path: '/a' },
    { op: 'test', path: 1 },
    { op: 'move', from: '', path: '/a' },
  ],
);

function operationOf(
  document: Json,
  { op, at, where, name, value, testsTruly }: typeof plan extends fc.Arbitrary<infer P> ? P : never,
) {
  const known = pointersIn(document);
  const [target = '', from] = at.map((index) => known[index % known.length]!);
  const path = where === 'there' ? target : where === 'below' ? `${target}/${name}` : target.replace(/[^/]*$/, name);
  const right =
    op === 'test' && testsTruly && target !== '' ? { path: target, value: part(document, target) } : { path, value };
  return { op, ...right, ...((op === 'copy' || op === 'move') && { from }) };
}

const patched = fc
  .tuple(map, fc.array(fc.oneof({ weight: 20, arbitrary: plan }, noOperation), { maxLength: 6 }))
  .map(([document, plans]) => {
    let current: Json = document;
    const operations: Json[] = [];
    for (const planned of plans) {
      const isPlan = isMap(planned) && 'optional' in planned;
      const operation = isPlan ? operationOf(current, planned as never) : planned;
      const next = model(current, [operation]);
      if (next === undefined && isPlan && planned.optional) continue;
      operations.push(operation);
      current = next ?? current;
    }
    return [document, operations] as const;
  });

describe('a JSON patch', () => {
  test('does what RFC 6902 says, or nothing at all, and changes neither the document nor the patch', () => {
    fc.assert(
      fc.property(patched, ([document, operations]) => {
        const result = jsonPatch(deepFreeze(document), deepFreeze(operations));
        expect(sorted(result)).toEqual(sorted(model(document, operations)));
        expectPlain(result);
      }),
      { numRuns: 800 },
    );
  });

  test('that tells the differences of two documents leads from one to the other, its tests included', () => {
    fc.assert(
      fc.property(map, map, (before, after) => {
        const operations = differences(before, after);
        expect(sorted(jsonPatch(before, operations))).toEqual(sorted(after));
        const tested = [...pointersIn(after)].slice(1).map((path) => ({ op: 'test', path, value: part(after, path) }));
        expect(sorted(jsonPatch(before, [...operations, ...tested]))).toEqual(sorted(after));
      }),
      { numRuns: 300 },
    );
  });
});

/** A plain patch from one value to another: members one by one, lists from their ends. */
function differences(before: Json, after: Json, at = ''): JsonObject[] {
  if (isMap(before) && isMap(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => {
      const [was, is, path] = [member(before, name), member(after, name), `${at}/${escaped(name)}`];
      if (is === undefined) return [{ op: 'remove', path }];
      return was === undefined ? [{ op: 'add', path, value: is }] : differences(was, is, path);
    });
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const shared = Math.min(before.length, after.length);
    return [
      ...before.slice(shared).map((_, index) => ({ op: 'remove', path: `${at}/${before.length - 1 - index}` })),
      ...before.slice(0, shared).flatMap((item, index) => differences(item, after[index], `${at}/${index}`)),
      ...after.slice(shared).map((value) => ({ op: 'add', path: `${at}/-`, value })),
    ];
  }
  return before === after ? [] : [{ op: 'replace', path: at, value: after }];
}

const withoutNulls = (value: Json): Json =>
  isMap(value)
    ? Object.fromEntries(
        Object.entries(value).flatMap(([name, item]) => (item === null ? [] : [[name, withoutNulls(item)]])),
      )
    : value;

/** The merge patch from one document to another that holds no nulls in its objects. */
function mergeDifferences(before: Json, after: Json): Json {
  if (!isMap(before) || !isMap(after)) return after;
  const gone = Object.keys(before).flatMap((name) => (member(after, name) === undefined ? [[name, null]] : []));
  const kept = Object.entries(after).map(([name, item]) => [name, mergeDifferences(member(before, name), item)]);
  return Object.fromEntries([...gone, ...kept]);
}

describe('a merge patch', () => {
  test('does what RFC 7386 says, twice the same as once, and changes neither argument', () => {
    fc.assert(
      fc.property(json, json, (target, patch) => {
        const result = mergePatch(deepFreeze(target), deepFreeze(patch));
        expect(sorted(result)).toEqual(sorted(rfc7386(target, patch)));
        expect(sorted(mergePatch(result, patch))).toEqual(sorted(result));
        expectPlain(result);
      }),
      { numRuns: 600 },
    );
  });

  test('that tells the differences of two documents leads from one to the other', () => {
    fc.assert(
      fc.property(json, json.map(withoutNulls), (before, after) => {
        expect(sorted(mergePatch(before, mergeDifferences(before, after)))).toEqual(sorted(after));
      }),
      { numRuns: 300 },
    );
  });
});
