import { isCollection, isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap, type YAMLSeq } from 'yaml';
import { blockLines, type Layout, pairLines, type Value } from './emit.ts';
import { Refused } from './report.ts';
import { columnOf, leadingBlanks, lineStart, nextLine } from './source.ts';

/** A replacement in a text: what stood from `start` to `end` becomes `text`. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** What an edit is made with. */
export interface Scene {
  readonly text: string;
  readonly eol: string;
  readonly layout: Layout;
}

/** What comes into a mapping or a sequence that may not be there yet. */
export type Entry =
  | { readonly kind: 'pair'; readonly key: string; readonly value: Value }
  | { readonly kind: 'item'; readonly value: Value; readonly first?: boolean };

/** The pair of a key in a mapping; merge keys are not looked into. */
export function pairOf(map: YAMLMap, key: string): Pair<Node, Node | null> | undefined {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key) as Pair<Node, Node | null> | undefined;
}

/** Puts a pair into a mapping that has no such key, behind the pair `after` or in front of the pair `before`, else at its end. */
export function addPair(scene: Scene, map: YAMLMap, key: string, value: Value, near: { before?: string } = {}): Edit {
  if (map.flow) return addToFlow(scene, map, `${JSON.stringify(key)}: `, value);
  const column = columnOf(scene.text, startOf(map.items[0]!.key as Node));
  const lines = pairLines(key, value, column, scene.layout);
  const next =
    near.before === undefined ? -1 : map.items.findIndex(({ key: k }) => isScalar(k) && k.value === near.before);
  if (next < 0) return addLines(scene, endOf(map), column, lines);
  return addBefore(scene, startOf(map.items[next]!.key as Node), map.items[next - 1], column, lines);
}

/**
 * Brings an entry into the collection under `key`, which is made where it is missing, null or empty. The parent itself must be
 * there.
 */
export function addUnder(
  scene: Scene,
  parent: YAMLMap,
  key: string,
  entry: Entry,
  near: { before?: string } = {},
): Edit {
  const whole: Value = entry.kind === 'item' ? [entry.value] : { [entry.key]: entry.value };
  const pair = pairOf(parent, key);
  if (pair === undefined) return addPair(scene, parent, key, whole, near);
  const node = pair.value;
  if (node === null || (isScalar(node) && node.value === null)) return fill(scene, parent, pair, node, whole);
  if (!isCollection(node) || isSeq(node) !== (entry.kind === 'item')) {
    const wanted = entry.kind === 'item' ? 'sequence' : 'mapping';
    throw new Refused('UNUSUAL_SHAPE', startOf(pair.key), `${key} is no ${wanted}`, 'mend it');
  }
  if (node.items.length === 0) return fill(scene, parent, pair, node, whole);
  if (entry.kind === 'pair') return addPair(scene, node as YAMLMap, entry.key, entry.value);
  return addItem(scene, node as YAMLSeq, entry.value, entry.first ?? false);
}

/** Replaces a scalar. */
export function replaceScalar(node: Node, value: string | number): Edit {
  return { start: node.range![0], end: node.range![1], text: String(value) };
}

function addItem(scene: Scene, seq: YAMLSeq, value: Value, first: boolean): Edit {
  if (seq.flow) return addToFlow(scene, seq, '', value, first);
  const dash = startOf(seq);
  const column = columnOf(scene.text, dash);
  const own = seq.items[0] as Node;
  const besideDash = lineStart(scene.text, startOf(own)) === lineStart(scene.text, dash);
  const dashWidth = besideDash ? startOf(own) - dash : scene.layout.dashWidth;
  const lines = blockLines([value], column, { ...scene.layout, dashWidth });
  return first ? addBefore(scene, dash, undefined, column, lines) : addLines(scene, endOf(seq), column, lines);
}

/** Whole lines behind the line in which something ends. */
function addLines({ text, eol }: Scene, end: number, column: number, lines: readonly string[]): Edit {
  const at = nextLine(text, end);
  const own = ' '.repeat(column) + lines.join(eol);
  // A last line without its end stays one.
  const unended = at > 0 && text[at - 1] !== '\n';
  return { start: at, end: at, text: unended ? eol + own : own + eol };
}

/** Whole lines in front of a key or dash, and of the comments that stand directly above it. */
function addBefore(
  { text, eol }: Scene,
  at: number,
  previous: Pair | undefined,
  column: number,
  lines: readonly string[],
): Edit {
  let start = lineStart(text, at);
  // Something else stands before it in its line: a dash.
  if (text.slice(start, at).replace('\ufeff', '').trim() !== '') {
    return { start: at, end: at, text: `${lines.join(eol)}${eol}${' '.repeat(column)}` };
  }
  const floor = previous === undefined ? start : nextLine(text, endOfPair(previous));
  while (start > floor) {
    const above = lineStart(text, start - 1);
    const comment = /^( *)#/.exec(text.slice(above, start));
    if (above < floor || comment === null || comment[1]!.length !== column) break;
    start = above;
  }
  return { start, end: start, text: ' '.repeat(column) + lines.join(eol) + eol };
}

/** Into a flow collection that is not empty: in its own line, or in lines of its own where its first item has one. */
function addToFlow(scene: Scene, collection: YAMLMap | YAMLSeq, name: string, value: Value, first = false): Edit {
  const { text, eol } = scene;
  const [head] = collection.items;
  const headStart = startOf((isMap(collection) ? (head as Pair).key : head) as Node);
  const open = startOf(collection);
  const blanks = leadingBlanks(text, headStart);
  const ownLine = lineStart(text, headStart) > open && lineStart(text, headStart) + blanks.length === headStart;
  const unit = ownLine ? unitOf(blanks, leadingBlanks(text, open)) : '';
  const own = name + (ownLine ? pretty(value, blanks, unit, eol) : JSON.stringify(value));
  const gap = ownLine ? eol + blanks : ' ';
  if (first) return { start: headStart, end: headStart, text: `${own},${gap}` };
  const end = isMap(collection) ? endOfPair(collection.items.at(-1) as Pair) : endOf(collection.items.at(-1) as Node);
  return { start: end, end, text: `,${gap}${own}` };
}

/** Gives a key that is null or has an empty collection a value. */
function fill(scene: Scene, parent: YAMLMap, pair: Pair<Node, Node | null>, node: Node | null, whole: Value): Edit {
  const { text, eol, layout } = scene;
  const keyStart = startOf(pair.key);
  const column = columnOf(text, keyStart);
  const colon = text.indexOf(':', pair.key.range![1]) + 1;
  const [start, end] = node === null ? [colon, colon] : [node.range![0], node.range![1]];
  const empty = start === end;
  const decorated = node !== null && !empty && text.slice(colon, start).trim() !== '';
  const restOfLine = /^[^\r\n]*/.exec(text.slice(end))![0];
  const [, ...lines] = pairLines('', whole, column, layout);
  if (!parent.flow && empty) return addLines(scene, Math.max(colon, end), 0, lines);
  if (!parent.flow && !decorated && /^\s*(#.*)?$/.test(restOfLine) && !text.slice(colon, end).includes('\n')) {
    // A comment behind the emptiness stays behind the key.
    const comment = restOfLine.trim() === '' ? '' : restOfLine;
    return { start: colon, end: end + comment.length, text: comment + eol + lines.join(eol) };
  }
  const blanks = leadingBlanks(text, keyStart);
  const alone = lineStart(text, keyStart) + blanks.length === keyStart;
  const outer = isMap(parent) ? leadingBlanks(text, startOf(parent)) : '';
  const own = alone && parent.flow ? pretty(whole, blanks, unitOf(blanks, outer), eol) : JSON.stringify(whole);
  if (!isCollection(node))
    return { start: empty ? colon : start, end: empty ? colon : end, text: (empty ? ' ' : '') + own };
  // Into its brackets, so that an anchor, a tag or a comment keeps its place.
  return { start: start + 1, end: start + 1, text: own.slice(1, -1) };
}

function unitOf(blanks: string, outer: string): string {
  return blanks.startsWith(outer) && blanks.length > outer.length ? blanks.slice(outer.length) : '  ';
}

function pretty(value: Value, blanks: string, unit: string, eol: string): string {
  return JSON.stringify(value, null, unit).replaceAll('\n', eol + blanks);
}

export function startOf(node: Node): number {
  return node.range![0];
}

/** Where the content of a node ends: behind its last scalar or bracket, and before any comment. */
export function endOf(node: Node): number {
  if (isCollection(node) && !node.flow && node.items.length > 0) {
    const last = node.items.at(-1);
    if (isMap(node)) return endOfPair(last as Pair);
    return Math.max(last === null ? 0 : endOf(last as Node), startOf(node));
  }
  return node.range![1];
}

function endOfPair({ key, value }: Pair): number {
  const end = value === null || value === undefined ? 0 : endOf(value as Node);
  return Math.max(end, (key as Node).range![1]);
}

/** Whether the last scalar of a block collection is a block scalar that keeps its last line end. */
export function endsInBlockScalar(node: unknown): boolean {
  if (isScalar(node)) {
    const { type, srcToken } = node;
    const header =
      srcToken?.type === 'block-scalar'
        ? srcToken.props.map((prop) => ('source' in prop ? prop.source : '')).join('')
        : '';
    return type?.startsWith('BLOCK') === true && !header.includes('-');
  }
  if (!isCollection(node) || node.flow) return false;
  const last = node.items.at(-1);
  return endsInBlockScalar(isMap(node) ? (last as Pair | undefined)?.value : last);
}
