import { isDeepStrictEqual } from 'node:util';
import type { Document } from 'yaml';
import { changed } from './change.ts';
import { type Manifest, type ObjectValue, parseDocuments, type Stream } from './manifests.ts';
import type { Plan } from './plan.ts';
import { RECORD_ANNOTATION } from './record.ts';
import { isAddedValue } from './uninject.ts';

/** Reads the result: every document of the input must be what it was, but for the intended changes. Null where all are. */
export function unexpected(
  text: string,
  { documents: given, manifests }: Stream,
  plans: readonly Plan[],
): { readonly manifest: Manifest | undefined; readonly code: string | undefined } | null {
  const read = (document: Document.Parsed): unknown => document.toJS({ maxAliasCount: -1 });
  const expected = given.map(read);
  for (const { changes } of plans) {
    for (const [manifest, list] of changes) {
      const [key, index] = manifest.path;
      const root = expected[manifest.documentIndex] as Record<string, ObjectValue[]>;
      const own = key === undefined ? (root as ObjectValue) : root[key as string]![index as number]!;
      const result = list.reduce(changed, own);
      if (key === undefined) expected[manifest.documentIndex] = result;
      else root[key as string]![index as number] = result;
    }
  }
  const documents = parseDocuments(text);
  const errors = documents.flatMap((document) => document.errors);
  const actual = errors.length > 0 ? [] : documents.map(read).filter((value) => !isAddedValue(value));
  const wanted = expected.filter((value) => !isAddedValue(value));
  const wrong = wanted.findIndex(
    (each, index) => !isDeepStrictEqual(withoutRecords(each), withoutRecords(actual[index])),
  );
  if (wrong < 0) return null;
  const manifest = manifests.find(({ documentIndex }) => expected[documentIndex] === wanted[wrong]);
  return { manifest, code: errors[0]?.code };
}

/** The value without our annotations, and without the mappings that came for them alone. */
function withoutRecords(value: unknown): unknown {
  const root = value as ObjectValue | null;
  const objects = Array.isArray(root?.items) ? [root, ...root.items] : [root];
  for (const object of objects) {
    const { metadata } = object ?? {};
    if (metadata === undefined || metadata === null) continue;
    const { [RECORD_ANNOTATION]: _, ...rest } = metadata.annotations ?? {};
    if (Object.keys(rest).length > 0) metadata.annotations = rest;
    else delete metadata.annotations;
  }
  return value;
}
