import { type Document, isMap, isScalar, type Node, visit, type YAMLMap } from 'yaml';
import { addPair, addUnder, type Edit, type Entry, pairOf, replaceScalar, type Scene } from './edit.ts';
import type { Value } from './emit.ts';
import type { Manifest, ObjectValue } from './manifests.ts';
import { Refused } from './report.ts';
import { refuseElsewhere, walk } from './walk.ts';

type Path = readonly (string | number)[];

/** One intended change of an object. It is made in the text, and in the object's value to check the text by. */
export type Change =
  /** An entry into the collection under `key`, which is made if need be. */
  | {
      readonly kind: 'under';
      readonly path: Path;
      readonly key: string;
      readonly entry: Entry;
      readonly before?: string;
    }
  /** A key that is not there yet. */
  | {
      readonly kind: 'pair';
      readonly path: Path;
      readonly key: string;
      readonly value: Value;
      readonly before?: string;
    }
  /** Another scalar for a key that has one. */
  | { readonly kind: 'scalar'; readonly path: Path; readonly key: string; readonly value: string | number };

/** An edit, and how deep in its object it is: of two at one place the deeper comes first. */
export interface PlacedEdit extends Edit {
  readonly depth: number;
}

/** @throws Refused where the text can't be changed there without changing something else, too */
export function editFor(change: Change, manifest: Manifest, scene: Scene): PlacedEdit {
  const { key } = change;
  const map = placeOf(change, manifest);
  const depth = change.path.length;
  switch (change.kind) {
    case 'under': {
      const inExisting = pairOf(map, key) !== undefined;
      const near = change.before === undefined ? {} : { before: change.before };
      return { ...addUnder(scene, map, key, change.entry, near), depth: depth + (inExisting ? 1 : 0) };
    }
    case 'pair':
      if (pairOf(map, key) !== undefined)
        throw unusual(map, `${key} is there, and empty`, 'give it a value, or take it out');
      return {
        ...addPair(scene, map, key, change.value, change.before === undefined ? {} : { before: change.before }),
        depth,
      };
    case 'scalar':
      return { ...replaceScalar(pairOf(map, key)!.value!, change.value), depth };
  }
}

/** The mapping that gets the change. @throws Refused where it, or the key in it, belongs to another place, too */
function placeOf({ path, key }: Change, manifest: Manifest): YAMLMap {
  const shared = sharedAnchors(manifest.document);
  const map = walk(manifest.node, manifest.around, path, shared);
  const merged = pairOf(map, key) === undefined && valueAt(manifest.value, path)?.[key] !== undefined;
  refuseElsewhere(map, key, merged, shared);
  return map;
}

/** Whether {@link editFor} would make it: the place is neither an alias, nor shared with others, nor of another shape. */
export function isEditable(change: Change, manifest: Manifest): boolean {
  try {
    const pair = pairOf(placeOf(change, manifest), change.key);
    if (change.kind === 'pair') return pair === undefined;
    return !pair?.value || isMap(pair.value) || isNull(pair.value);
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}

function isNull(node: unknown): boolean {
  return isScalar(node) && node.value === null;
}

function unusual(node: YAMLMap, message: string, remedy: string): Refused {
  return new Refused('UNUSUAL_SHAPE', node.range![0], message, remedy);
}

/** The value with the change made. */
export function changed(value: ObjectValue, change: Change): ObjectValue {
  const copy = structuredClone(value) as ObjectValue;
  const target = valueAt(copy, change.path) as Record<string, unknown>;
  if (change.kind !== 'under') {
    target[change.key] = change.value;
  } else if (change.entry.kind === 'pair') {
    target[change.key] = { ...(target[change.key] as object | null), [change.entry.key]: change.entry.value };
  } else {
    const before = (target[change.key] as unknown[] | null | undefined) ?? [];
    target[change.key] = change.entry.first ? [change.entry.value, ...before] : [...before, change.entry.value];
  }
  return copy;
}

export function valueAt(value: ObjectValue, path: Path): ObjectValue | undefined {
  let found: ObjectValue | undefined = value;
  for (const key of path) found = found?.[key] ?? undefined;
  return found;
}

const anchors = new WeakMap<Document.Parsed, ReadonlySet<string>>();

/** The anchors of a document that an alias speaks of. */
function sharedAnchors(document: Document.Parsed): ReadonlySet<string> {
  const known = anchors.get(document);
  if (known !== undefined) return known;
  const found = new Set<string>();
  visit(document, { Alias: (_, { source }) => void found.add(source) });
  anchors.set(document, found);
  return found;
}

/** How an object is indented: as its pod template is, else as its first nested mapping. */
export function layoutOf(manifest: Manifest, podSpecPath: Path, text: string): Scene['layout'] {
  const { column, first } = reader(text);
  let node: unknown = manifest.node;
  let step = 0;
  const path = podSpecPath.length > 0 ? podSpecPath : ['metadata'];
  for (const key of path) {
    const pair = isMap(node) ? pairOf(node as YAMLMap, String(key)) : undefined;
    if (pair === undefined) break;
    if (isMap(pair.value) && !pair.value.flow && pair.value.items.length > 0) {
      step = column(first(pair.value)) - column(pair.key.range![0]);
    }
    node = pair.value;
  }
  const containers = isMap(node) ? pairOf(node as YAMLMap, 'containers') : undefined;
  const list = containers?.value as (Node & { flow?: boolean; items?: Node[] }) | null | undefined;
  const [item] = list?.items ?? [];
  if (!list || list.flow || item === undefined) return { step: step > 0 ? step : 2, dashAt: 2, dashWidth: 2 };
  const dash = list.range![0];
  const dashWidth = column(item.range![0]) - column(dash);
  return {
    step: step > 0 ? step : 2,
    dashAt: Math.max(0, column(dash) - column(containers!.key.range![0])),
    dashWidth: dashWidth >= 2 && dashWidth <= 8 ? dashWidth : 2,
  };
}

function reader(text: string) {
  return {
    column: (offset: number) => offset - (text.lastIndexOf('\n', offset - 1) + 1),
    first: (map: YAMLMap) => (map.items[0]!.key as Node).range![0],
  };
}
