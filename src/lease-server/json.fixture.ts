import fc from 'fast-check';
import { expect } from 'vitest';
import type { JsonObject } from './object.ts';

/** What JSON can hold. */
export type Json = unknown;
export const isMap = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Names that need escapes, look like indexes or mean something to JavaScript. */
export const key = fc.constantFrom(
  'a',
  'b',
  'c',
  '',
  '0',
  '1',
  '-',
  'x/y',
  'm~n',
  '~1',
  '__proto__',
  'constructor',
  'length',
  'é',
);
const scalar = fc.constantFrom(null, true, false, 0, 1, -1.5, 1e21, '', 'a', '0', '\u0000');
export const { json, map } = fc.letrec<{ json: Json; map: JsonObject; pair: [string, Json] }>((tie) => ({
  json: fc.oneof({ maxDepth: 3, depthSize: 'medium' }, scalar, fc.array(tie('json'), { maxLength: 4 }), tie('map')),
  // From entries, which makes `__proto__` a member like any other.
  map: fc.array(tie('pair'), { maxLength: 5 }).map((pairs) => Object.fromEntries(pairs)),
  pair: fc.tuple(key, tie('json')),
}));

export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}

/** Every object in it is a plain one: nothing was lost to, or taken from, a prototype. */
export function expectPlain(value: Json): void {
  if (typeof value !== 'object' || value === null) return;
  expect(Object.getPrototypeOf(value)).toBe(Array.isArray(value) ? Array.prototype : Object.prototype);
  for (const part of Object.values(value)) expectPlain(part);
}

/** The own member of that name, whatever the name means to JavaScript. */
export const member = (value: JsonObject, name: string): Json =>
  Object.keys(value).includes(name) ? Object.entries(value).find(([known]) => known === name)?.[1] : undefined;

/** With the members of each object in one order, for comparisons. */
export function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isMap(value)) return value;
  const members = Object.entries(value).map(([name, item]) => [name, sorted(item)]);
  return { members: members.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)) };
}

/** RFC 7386, section 2, as it stands there. */
export function rfc7386(target: Json, patch: Json): Json {
  if (!isMap(patch)) return patch;
  const kept = isMap(target) ? target : {};
  const names = [...new Set([...Object.keys(kept), ...Object.keys(patch)])];
  return Object.fromEntries(
    names.flatMap((name) => {
      const [was, change] = [member(kept, name), member(patch, name)];
      if (change === null) return [];
      return [[name, change === undefined ? was : rfc7386(was, change)]];
    }),
  );
}
