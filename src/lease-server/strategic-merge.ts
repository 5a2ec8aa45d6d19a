import { isObject, type JsonObject } from './object.ts';
import type { ObjectSchema, Schema } from './schema.ts';
import { fail, ok, type Result, unforeseen } from './status.ts';

/** Hints of kubectl that change only the order of lists, or union types; the result is the same without them. */
const HINT = /^\$(?:setElementOrder|retainKeys|deleteFromPrimitiveList)(?:\/|$)/;

/**
 * A strategic merge patch: objects are merged, lists of a type with a merge key are merged item by item (pod conditions by
 * `type`), others are replaced; `$patch: delete` and `$patch: replace` are obeyed. Neither argument is changed.
 */
export function strategicMerge(target: JsonObject, patch: JsonObject, schema: ObjectSchema): Result<JsonObject> {
  return mergeObjects(target, patch, schema);
}

function mergeObjects(target: JsonObject, patch: JsonObject, schema: Schema | undefined): Result<JsonObject> {
  if (patch.$patch === 'delete') return ok({});
  const result = new Map(Object.entries(patch.$patch === 'replace' ? {} : target));
  for (const [key, value] of Object.entries(patch)) {
    if (key === '$patch' || HINT.test(key)) continue;
    if (value === null) {
      result.delete(key);
      continue;
    }
    const field = schema?.type === 'object' && Object.hasOwn(schema.fields, key) ? schema.fields[key] : undefined;
    const merged = mergeValues(result.get(key), value, field);
    if (!merged.ok) return merged;
    result.set(key, merged.value);
  }
  return ok(Object.fromEntries(result));
}

function mergeValues(current: unknown, value: unknown, schema: Schema | undefined): Result<unknown> {
  if (isObject(value)) return mergeObjects(isObject(current) ? current : {}, value, schema);
  if (Array.isArray(value) && schema?.type === 'list' && schema.mergeKey !== undefined) {
    return mergeLists(Array.isArray(current) ? current : [], value, schema.mergeKey, schema.items);
  }
  return ok(value);
}

function mergeLists(
  current: readonly unknown[],
  patch: readonly unknown[],
  key: string,
  items: Schema,
): Result<unknown> {
  if (patch.some((item) => isObject(item) && item.$patch === 'replace')) {
    return ok(patch.filter((item) => !(isObject(item) && item.$patch === 'replace')));
  }
  // Only a list that is merged into another needs the keys.
  if (current.length === 0) return ok(patch.filter((item) => !(isObject(item) && item.$patch === 'delete')));
  const keyOf = (item: unknown): unknown => (isObject(item) ? item[key] : undefined);
  const indexOf = (item: unknown): number => current.findIndex((existing) => keyOf(existing) === keyOf(item));
  const patched: unknown[] = [];
  for (const item of patch) {
    if (keyOf(item) === undefined) {
      return fail(unforeseen(`map: ${goMap(item)} does not contain declared merge key: ${key}`));
    }
    if (isObject(item) && item.$patch === 'delete') continue;
    const merged = mergeValues(current[indexOf(item)], item, items);
    if (!merged.ok) return merged;
    patched.push(merged.value);
  }
  const untouched = current.filter((existing) => !patch.some((item) => keyOf(item) === keyOf(existing)));
  return ok(interleave(untouched, patched, indexOf));
}

/** The real server's order: untouched and patched items by their place in the live list, new ones as early as possible. */
function interleave(untouched: unknown[], patched: unknown[], indexOf: (item: unknown) => number): unknown[] {
  const result: unknown[] = [];
  while (untouched.length > 0 && patched.length > 0) {
    const source = indexOf(untouched[0]) < indexOf(patched[0]) ? untouched : patched;
    result.push(source.shift());
  }
  return [...result, ...untouched, ...patched];
}

/** A map as Go's `%v` prints it. */
export function goMap(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goMap).join(' ')}]`;
  if (!isObject(value)) return String(value);
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${pairs.map(([name, item]) => `${name}:${goMap(item)}`).join(' ')}]`;
}
