import { isDeepStrictEqual } from 'node:util';
import { isObject, type JsonObject } from './object.ts';

/** RFC 7386. Neither argument is changed. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: JsonObject = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** Applies an RFC 6902 document; undefined when an operation can't be done or a test fails. */
export function jsonPatch(target: JsonObject, operations: readonly unknown[]): unknown {
  let document: unknown = structuredClone(target);
  for (const operation of operations) {
    if (!isObject(operation) || typeof operation.path !== 'string') return undefined;
    const next = applyOperation(document, operation, operation.path);
    if (next === undefined) return undefined;
    document = next.document;
  }
  return document;
}

interface Applied {
  readonly document: unknown;
}

function applyOperation(document: unknown, operation: JsonObject, path: string): Applied | undefined {
  const { op, from, value } = operation;
  switch (op) {
    case 'add':
    case 'replace':
      return op === 'replace' && read(document, path) === undefined ? undefined : write(document, path, op, value);
    case 'remove':
      return read(document, path) === undefined ? undefined : write(document, path, op, undefined);
    case 'test':
      return isDeepStrictEqual(read(document, path), value) ? { document } : undefined;
    case 'copy':
    case 'move': {
      const moved = typeof from === 'string' ? structuredClone(read(document, from)) : undefined;
      if (moved === undefined || typeof from !== 'string') return undefined;
      const without = op === 'move' ? write(document, from, 'remove', undefined) : { document };
      return without === undefined ? undefined : write(without.document, path, 'add', moved);
    }
    default:
      return undefined;
  }
}

/** Segments of an RFC 6901 pointer. */
function segments(path: string): string[] {
  return path
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function child(parent: unknown, key: string): unknown {
  if (Array.isArray(parent)) return /^\d+$/.test(key) ? parent[Number(key)] : undefined;
  return isObject(parent) && Object.hasOwn(parent, key) ? parent[key] : undefined;
}

function read(document: unknown, path: string): unknown {
  return segments(path).reduce(child, document);
}

/** Changes the clone that {@link jsonPatch} made. */
function write(document: unknown, path: string, op: 'add' | 'replace' | 'remove', value: unknown): Applied | undefined {
  const keys = segments(path);
  const last = keys.pop();
  if (last === undefined) return op === 'remove' ? undefined : { document: value };
  const parent = keys.reduce(child, document);
  if (Array.isArray(parent)) {
    const index = last === '-' ? parent.length : Number(last);
    if (!Number.isInteger(index) || index < 0 || index > parent.length) return undefined;
    if (op === 'add') parent.splice(index, 0, value);
    else parent.splice(index, 1, ...(op === 'replace' ? [value] : []));
    return { document };
  }
  if (!isObject(parent)) return undefined;
  if (op === 'remove') delete parent[last];
  else Object.defineProperty(parent, last, { value, writable: true, enumerable: true, configurable: true });
  return { document };
}
