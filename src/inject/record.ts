/**
 * The annotation by which `uninject` finds what `inject` did: each edit by its place, its length and a checksum of what was
 * inserted, with the text that it replaced. Places are counted from the object's begin, as they are once the annotation itself
 * is taken out again.
 */
export const RECORD_ANNOTATION = 'leasegate.dev/injected';

export interface RecordedEdit {
  readonly at: number;
  readonly length: number;
  readonly sum: number;
  /** What stood there before. */
  readonly replaced: string;
}

export interface InjectionRecord {
  /** The workload for which it was done: `Deployment/web`. */
  readonly owner: string;
  /** Of the object as it was. */
  readonly original: number;
  /** What stands around the annotation that came in with it. */
  readonly frame: { readonly before: number; readonly behind: number; readonly sum: number; readonly replaced: string };
  readonly edits: readonly RecordedEdit[];
}

/** `v1 <owner> <original> <before>+<behind>:<sum>[=replaced] <at>+<length>:<sum>[=replaced] …` */
export function formatRecord({ owner, original, frame, edits }: InjectionRecord): string {
  const tail = (sum: number, replaced: string) =>
    `:${hex(sum)}${replaced === '' ? '' : `=${Buffer.from(replaced).toString('base64url')}`}`;
  return [
    'v1',
    owner.replaceAll(/[\s%]/g, encodeURIComponent),
    hex(original),
    `${frame.before}+${frame.behind}${tail(frame.sum, frame.replaced)}`,
    ...edits.map(({ at, length, sum, replaced }) => `${at}+${length}${tail(sum, replaced)}`),
  ].join(' ');
}

/** Null where it is none. */
export function parseRecord(text: unknown): InjectionRecord | null {
  const [version, owner, original, ...rest] = String(text).split(' ');
  const parts = rest.map((part) => /^(\d+)\+(\d+):([0-9a-f]{1,8})(?:=([\w-]+))?$/.exec(part));
  if (version !== 'v1' || !/^[0-9a-f]{1,8}$/.test(original ?? '') || parts.length === 0 || parts.includes(null))
    return null;
  const [frame, ...edits] = parts.map((match) => {
    const [, first, second, sum, replaced = ''] = match!;
    const decoded = Buffer.from(replaced, 'base64url').toString();
    return { at: Number(first), length: Number(second), sum: Number.parseInt(sum!, 16), replaced: decoded };
  });
  return {
    owner: decoded(owner!),
    original: Number.parseInt(original!, 16),
    frame: { before: frame!.at, behind: frame!.length, sum: frame!.sum, replaced: frame!.replaced },
    edits,
  };
}

function decoded(owner: string): string {
  return owner.replaceAll(/%[0-9A-F]{2}(%[89AB][0-9A-F])*/g, (code) => {
    try {
      return decodeURIComponent(code);
    } catch {
      return code;
    }
  });
}

function hex(sum: number): string {
  return sum.toString(16);
}

const BASE = 0x01000193;

/** A polynomial checksum of 32 bits, which {@link find} can roll along a text. */
export function checksum(text: string): number {
  let sum = 0;
  for (let index = 0; index < text.length; index += 1) sum = (Math.imul(sum, BASE) + text.charCodeAt(index)) >>> 0;
  return sum;
}

/** Where in the text, nearest to `expected`, something of that length and checksum stands; -1 where nothing does. */
export function find(text: string, { length, sum }: Pick<RecordedEdit, 'length' | 'sum'>, expected: number): number {
  if (length === 0 || length > text.length) return -1;
  if (expected >= 0 && checksum(text.slice(expected, expected + length)) === sum) return expected;
  let power = 1;
  for (let index = 0; index < length; index += 1) power = Math.imul(power, BASE) >>> 0;
  let best = -1;
  let rolling = checksum(text.slice(0, length));
  for (let at = 0; at + length <= text.length; at += 1) {
    if (rolling === sum && (best < 0 || Math.abs(at - expected) < Math.abs(best - expected))) best = at;
    const leaving = Math.imul(text.charCodeAt(at), power);
    rolling = (Math.imul(rolling, BASE) + text.charCodeAt(at + length) - leaving) >>> 0;
  }
  return best;
}
