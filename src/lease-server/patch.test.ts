import { describe, expect, it } from 'vitest';
import { jsonPatch, mergePatch } from './patch.ts';
import { struct } from './schema.ts';
import { strategicMerge } from './strategic-merge.ts';

const document = { name: 'n', list: ['a', 'b', 'c'] };

describe('a JSON patch is taken and refused as kube-apiserver 1.36 does it', () => {
  it.for([
    ['-1', ['a', 'b', 'c', 'z']],
    ['-4', ['z', 'a', 'b', 'c']],
    ['+1', ['a', 'z', 'b', 'c']],
    ['01', ['a', 'z', 'b', 'c']],
    ['-', ['a', 'b', 'c', 'z']],
  ] as const)('an item added at %j', ([index, list]) => {
    expect(jsonPatch(document, [{ op: 'add', path: `/list/${index}`, value: 'z' }])).toEqual({ ...document, list });
  });

  it.for(['', '1e0', '0x1', ' 1', '4', '-5'])('no item is added at %j, which is no index of the list', (index) => {
    expect(jsonPatch(document, [{ op: 'add', path: `/list/${index}`, value: 'z' }])).toBeUndefined();
  });

  it.for(['', 'name'])('%j names no part of a document: nothing is added there, tested, removed or copied', (path) => {
    for (const op of ['add', 'test', 'remove'])
      expect(jsonPatch(document, [{ op, path, value: document }])).toBeUndefined();
    expect(jsonPatch(document, [{ op: 'copy', from: path, path: '/copy' }])).toBeUndefined();
  });

  it('a missing member reads as null, an item beyond the list does not', () => {
    expect(jsonPatch({}, [{ op: 'test', path: '/x', value: null }])).toEqual({});
    expect(jsonPatch({}, [{ op: 'test', path: '/x' }])).toEqual({});
    expect(jsonPatch({}, [{ op: 'replace', path: '/x', value: 1 }])).toEqual({ x: 1 });
    expect(jsonPatch({}, [{ op: 'copy', from: '/x', path: '/y' }])).toEqual({ y: null });
    expect(jsonPatch({}, [{ op: 'move', from: '/x', path: '/y' }])).toBeUndefined();
    expect(jsonPatch({}, [{ op: 'remove', path: '/x' }])).toBeUndefined();
    for (const op of ['test', 'replace', 'remove']) {
      expect(jsonPatch(document, [{ op, path: '/list/3', value: null }])).toBeUndefined();
    }
  });
});

it('a member that is called __proto__ is merged like any other', () => {
  const target = JSON.parse('{"a":{"b":1}}');
  const patch = JSON.parse('{"a":{"__proto__":{"c":1}},"__proto__":{"d":1}}');
  const text = '{"a":{"b":1,"__proto__":{"c":1}},"__proto__":{"d":1}}';
  expect(JSON.stringify(mergePatch(target, patch))).toBe(text);
  const merged = strategicMerge(target, patch, struct('Any', {}));
  expect(merged.ok && JSON.stringify(merged.value)).toBe(text);
});
