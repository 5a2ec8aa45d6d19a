import type { Node, YAMLMap } from 'yaml';
import { ELECTION_LABEL } from '../publish/names.ts';
import { type Edit, endOf, pairOf } from './edit.ts';
import { type Manifest, type ObjectValue, readInputs, readStream, type Stream } from './manifests.ts';
import { type Selector, selects } from './options.ts';
import { FOR_ANNOTATION, MANAGED_BY } from './rbac.ts';
import { checksum, find, parseRecord, RECORD_ANNOTATION } from './record.ts';
import { type Finding, type Outcome, Refused } from './report.ts';
import { type Input, nextLine, type Source } from './source.ts';

/** Takes out what `inject` brought in. Manifests that were not injected stay as they are. */
export function uninject(inputs: readonly Input[], only: readonly Selector[]): Outcome {
  const [source, stream] = readInputs(inputs);
  return stream.problems.length > 0 ? { text: null, report: stream.problems } : restore(source, stream, only);
}

export function restore(source: Source, { manifests }: Stream, only: readonly Selector[]): Outcome {
  const report: Finding[] = [];
  const refusals: Finding[] = [];
  const chosen = manifests.filter((manifest) => recordOf(manifest) !== undefined && selects(only, ownerOf(manifest)));
  let { text } = source;
  const edits: Edit[] = [];
  const restored: { readonly index: number; readonly original: number; readonly manifest: Manifest }[] = [];
  for (const manifest of chosen) {
    try {
      const { original, own } = undo(manifest, text);
      edits.push(...own);
      restored.push({ index: manifests.indexOf(manifest), original, manifest });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      refusals.push(refusal(error, manifest, source));
    }
  }
  if (refusals.length > 0) return { text: null, report: refusals };
  const added = manifests.filter(
    (manifest) => isAdded(manifest) && selects(only, String(annotation(manifest, FOR_ANNOTATION))),
  );
  edits.push(...added.flatMap((manifest) => removals(manifest, source.text, added)));
  text = applyEdits(text, edits);

  const after = edits.length === 0 ? manifests : readStream({ ...source, text }).manifests;
  const gone = new Set(added.map((manifest) => manifests.indexOf(manifest)));
  for (const { index, original, manifest } of restored) {
    const position = [...gone].filter((each) => each < index).length;
    const now = after[index - position];
    const exact = now !== undefined && checksum(textOf(now, text)) === original;
    const at = source.locate(manifest.start);
    const { subject } = manifest;
    report.push(
      exact
        ? {
            code: 'RESTORED',
            severity: 'info',
            subject,
            at,
            message: 'is what it was before, to the byte',
            remedy: null,
          }
        : {
            code: 'RESTORED_WITH_EDITS',
            severity: 'warning',
            subject,
            at,
            message: 'what was injected is taken out; what was edited since is kept',
            remedy: null,
          },
    );
  }
  report.push(...leftOf(added));
  if (chosen.length === 0) {
    const message = 'nothing in it was injected; it stays as it is';
    report.push({ code: 'NOT_INJECTED', severity: 'info', subject: 'input', at: null, message, remedy: null });
  }
  return { text, report };
}

/** `kubectl apply` of what is restored deletes nothing. */
function leftOf(added: readonly Manifest[]): Finding[] {
  const bySubject = Map.groupBy(added, (manifest) => String(annotation(manifest, FOR_ANNOTATION)));
  return [...bySubject].flatMap(([subject, documents]): Finding[] => {
    const { namespace, labels } = documents[0]!.value.metadata;
    const election = labels?.[ELECTION_LABEL];
    const kinds = documents.map(({ value }) => String(value.kind).toLowerCase());
    // A Lease's name may be too long for a label: then each object is named.
    const which =
      election === undefined
        ? documents.map(({ value }, index) => `${kinds[index]}/${value.metadata.name}`).join(' ')
        : `${kinds.join()} -l app.kubernetes.io/managed-by=${MANAGED_BY},${ELECTION_LABEL}=${election}`;
    const message = 'what was added for it stays in a cluster where it was applied';
    const remedy = `when its pods are replaced: kubectl delete -n ${namespace ?? '<namespace>'} ${which}`;
    return [{ code: 'LEFT_IN_CLUSTER', severity: 'info', subject, at: null, message, remedy }];
  });
}

/** Whose record this is: a Service was changed for a workload. */
export function ownerOf(manifest: Manifest): string {
  return parseRecord(recordOf(manifest))?.owner ?? manifest.subject;
}

export function recordOf(manifest: Manifest): string | undefined {
  const text = annotation(manifest, RECORD_ANNOTATION);
  return text === undefined ? undefined : String(text);
}

function annotation({ value }: Manifest, name: string): unknown {
  return value.metadata?.annotations?.[name] ?? undefined;
}

/** A document that inject brought in. */
export function isAdded({ path, value }: Manifest): boolean {
  return path.length === 0 && isAddedValue(value);
}

export function isAddedValue(value: unknown): boolean {
  const { labels, annotations } = (value as ObjectValue | null)?.metadata ?? {};
  return labels?.['app.kubernetes.io/managed-by'] === MANAGED_BY && annotations?.[FOR_ANNOTATION] !== undefined;
}

/** Where a document can be put in front of this one, and whether this one begins with a marker (`---`) of its own. */
export function documentStart(
  { document, documentIndex, start }: Manifest,
  text: string,
): { at: number; marked: boolean } {
  const at = document.range[0];
  if (document.directives?.yaml.explicit === true) {
    const remedy = 'take it out (kubectl can’t read it either), or use --no-rbac';
    throw new Refused('UNUSUAL_SHAPE', start, 'its document begins with a directive (%YAML)', remedy);
  }
  if (text.startsWith('---', at)) return { at, marked: true };
  // The first document begins with its comments, right behind the byte order mark.
  return { at: documentIndex > 0 ? at : text.startsWith('\ufeff') ? 1 : 0, marked: false };
}

function undo(manifest: Manifest, text: string): { original: number; own: Edit[] } {
  const edited = (offset: number, what: string) =>
    new Refused(
      'EDITED_SINCE',
      offset,
      `${what} was edited since it was injected`,
      'undo that edit, or take it out by hand, together with the annotation leasegate.dev/injected',
    );
  const record = parseRecord(recordOf(manifest));
  const pair = annotationPair(manifest);
  if (record === null || pair === null) throw edited(manifest.start, 'the annotation leasegate.dev/injected');
  const { frame } = record;
  const [keyStart, valueEnd] = [(pair.key as Node).range![0], pair.value!.range![1]];
  const [start, end] = [keyStart - frame.before, valueEnd + frame.behind];
  if (checksum(text.slice(start, keyStart) + text.slice(valueEnd, end)) !== frame.sum) {
    throw edited(keyStart, 'what is around the annotation leasegate.dev/injected');
  }
  const own: Edit[] = [{ start, end, text: frame.replaced }];
  // The object as it is without the annotation: the places are those of that text.
  const shift = frame.replaced.length - (end - start);
  const objectEnd = nextLine(text, endOf(manifest.node));
  const body = text.slice(manifest.start, start) + frame.replaced + text.slice(end, Math.max(end, objectEnd));
  let drift = 0;
  for (const each of record.edits) {
    const at = find(body, each, each.at + drift);
    if (at < 0) throw edited(manifest.start, 'what was injected');
    drift = at - each.at;
    const before = manifest.start + at;
    const place = before < start + frame.replaced.length ? before : before - shift;
    own.push({ start: place, end: place + each.length, text: each.replaced });
  }
  return { original: record.original, own };
}

function annotationPair({ node }: Manifest) {
  const metadata = pairOf(node, 'metadata')?.value as YAMLMap | undefined;
  const annotations = (metadata?.items && pairOf(metadata, 'annotations')?.value) as YAMLMap | undefined;
  const pair = annotations?.items && pairOf(annotations, RECORD_ANNOTATION);
  return pair?.value ? pair : null;
}

/** The whole document, with the marker that parts it from others. */
function removals(manifest: Manifest, text: string, added: readonly Manifest[]): Edit[] {
  const start = manifest.document.range[0];
  const end = nextLine(text, endOf(manifest.node));
  const whole = { start, end, text: '' };
  if (text.startsWith('---', start)) return [whole];
  // The first of the stream has no marker in front. That of what comes next is ours: it goes with the last of those that go.
  let next = end;
  for (const { document, node } of added) if (document.range[0] === next) next = nextLine(text, endOf(node));
  return text.startsWith('---', next) ? [whole, { start: next, end: nextLine(text, next + 1), text: '' }] : [whole];
}

/** An object's text, without the comments behind it. */
export function textOf({ node, start }: Manifest, text: string): string {
  return text.slice(start, endOf(node));
}

/** Edits that don't overlap, in any order; of those at one place the first given stays first. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let result = '';
  let at = 0;
  for (const edit of [...edits].sort((a, b) => a.start - b.start)) {
    result += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return result + text.slice(at);
}

export function refusal(error: Refused, { subject }: Manifest, { locate }: Source): Finding {
  const { code, message, remedy, offset } = error;
  return { code, severity: 'refusal', subject, at: locate(offset), message, remedy };
}
