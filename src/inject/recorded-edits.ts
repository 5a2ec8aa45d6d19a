import { type Change, editFor, layoutOf, type PlacedEdit } from './change.ts';
import type { Edit, Scene } from './edit.ts';
import type { Manifest } from './manifests.ts';
import { checksum, formatRecord, RECORD_ANNOTATION } from './record.ts';
import { eolOf } from './source.ts';
import { textOf } from './uninject.ts';
import type { Workload } from './workload.ts';

/**
 * The edits of one object, and that of the annotation that tells how to undo them.
 *
 * @throws Refused where the text can't be changed there
 */
export function recordedEdits(
  text: string,
  manifest: Manifest,
  changes: readonly Change[],
  workload: Workload,
): Edit[] {
  const podSpecPath = manifest === workload.manifest ? workload.podSpecPath : [];
  const scene: Scene = { text, eol: eolOf(text), layout: layoutOf(manifest, podSpecPath, text) };
  const edits = inOrder(changes.map((change) => editFor(change, manifest, scene)));
  let grown = -manifest.start;
  const recorded = edits.map(({ start, end, text: inserted }) => {
    const at = start + grown;
    grown += inserted.length - (end - start);
    return { at, length: inserted.length, sum: checksum(inserted), replaced: text.slice(start, end) };
  });
  const annotate = (value: string) => editFor(annotationOf(value), manifest, scene);
  const sketch = annotate('? ?');
  const [before = '', behind = ''] = sketch.text.split(/"?leasegate\.dev\/injected"?: ?"\? \?"/);
  const record = formatRecord({
    owner: workload.manifest.subject,
    original: checksum(textOf(manifest, text)),
    frame: {
      before: before.length,
      behind: behind.length,
      sum: checksum(before + behind),
      replaced: text.slice(sketch.start, sketch.end),
    },
    edits: recorded,
  });
  return [...edits, annotate(record)];
}

function annotationOf(value: string): Change {
  return {
    kind: 'under',
    path: ['metadata'],
    key: 'annotations',
    entry: { kind: 'pair', key: RECORD_ANNOTATION, value },
  };
}

/** By place; of those at one place the deeper one comes first, as its collection ends before the outer one does. */
function inOrder(edits: readonly PlacedEdit[]): PlacedEdit[] {
  return [...edits].sort((a, b) => a.start - b.start || b.depth - a.depth);
}
