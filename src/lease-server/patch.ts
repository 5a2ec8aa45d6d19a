import { isDeepStrictEqual } from 'node:util';
import { isObject, type JsonObject } from './object.ts';

/** RFC 7386. Neither argument is changed. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const members = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) members.delete(key);
    else members.set(key, mergePatch(members.get(key), value));
  }
  // Unlike assignments, this makes `__proto__` a member like any other.
  return Object.fromEntries(members);
}

/**
 * Applies an RFC 6902 document; undefined when an operation can't be done or a test fails. Neither argument is changed.
 *
 * Like kube-apiserver's library it takes more than the RFC does: a member that is missing reads as null (in `test` and
 * `copy`; `replace` adds it), a missing `value` is null, and indexes may be signed, negative ones counting from the end.
 */
export function jsonPatch(target: JsonObject, operations: readonly unknown[]): unknown {
  let document: unknown = structuredClone(target);
  for (const operation of operations) {
    if (!isObject(operation)) return undefined;
    if (operation.op === 'replace' && operation.path === '') document = structuredClone(operation.value ?? null);
    else if (!apply(document, operation)) return undefined;
  }
  return document;
}

/** Changes `document`; false when that can't be done. */
function apply(document: unknown, { op, path, from, value = null }: JsonObject): boolean {
  const place = locate(document, path);
  switch (op) {
    case 'add':
      return add(place, structuredClone(value));
    case 'replace':
      return replace(place, structuredClone(value));
    case 'remove':
      return remove(place);
    case 'test':
      return place !== undefined && isDeepStrictEqual(read(place), value);
    case 'copy':
    case 'move': {
      const source = locate(document, from);
      const taken = structuredClone(source && read(source));
      if (taken === undefined || (op === 'move' && !remove(source))) return false;
      return add(locate(document, path), taken);
    }
    default:
      return false;
  }
}

/** A list or an object, and which part of it an RFC 6901 pointer names. */
interface Place {
  readonly parent: unknown[] | JsonObject;
  readonly key: string;
}

function locate(document: unknown, pointer: unknown): Place | undefined {
  if (typeof pointer !== 'string' || !pointer.includes('/')) return undefined;
  const keys = pointer.split('/').map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const key = keys.pop() ?? '';
  let parent = document;
  for (const step of keys.slice(1)) {
    if (!Array.isArray(parent) && !isObject(parent)) return undefined;
    parent = read({ parent, key: step });
  }
  return Array.isArray(parent) || isObject(parent) ? { parent, key } : undefined;
}

/** An index below `length`; undefined where the key is none. */
function indexOf(key: string, length: number): number | undefined {
  if (!/^[+-]?\d+$/.test(key)) return undefined;
  const index = Number(key) < 0 ? Number(key) + length : Number(key);
  return index >= 0 && index < length ? index : undefined;
}

/** Undefined beyond the end of a list. */
function read({ parent, key }: Place): unknown {
  if (!Array.isArray(parent)) return Object.hasOwn(parent, key) ? parent[key] : null;
  const index = indexOf(key, parent.length);
  return index === undefined ? undefined : parent[index];
}

function add(place: Place | undefined, value: unknown): boolean {
  if (place === undefined || !Array.isArray(place.parent)) return replace(place, value);
  const { parent, key } = place;
  const index = key === '-' ? parent.length : indexOf(key, parent.length + 1);
  if (index !== undefined) parent.splice(index, 0, value);
  return index !== undefined;
}

function replace(place: Place | undefined, value: unknown): boolean {
  if (place === undefined || read(place) === undefined) return false;
  const { parent, key } = place;
  const name = Array.isArray(parent) ? indexOf(key, parent.length)! : key;
  Object.defineProperty(parent, name, { value, writable: true, enumerable: true, configurable: true });
  return true;
}

function remove(place: Place | undefined): boolean {
  if (place === undefined) return false;
  const { parent, key } = place;
  if (!Array.isArray(parent)) return Object.hasOwn(parent, key) && delete parent[key];
  const index = indexOf(key, parent.length);
  if (index !== undefined) parent.splice(index, 1);
  return index !== undefined;
}
