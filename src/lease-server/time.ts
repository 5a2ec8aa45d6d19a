/** Layouts in Go's notation, as error messages name them. */
const LAYOUTS = { seconds: '2006-01-02T15:04:05Z07:00', micros: '2006-01-02T15:04:05.000000Z07:00' } as const;

const TWO = /^\d\d/;
const HEAD: readonly Piece[] = [
  { pattern: /^\d{4}/, name: '2006' },
  { pattern: /^-/, name: '-' },
  { pattern: TWO, name: '01', outOfRange: (month) => (month === '00' || Number(month) > 12) && 'month' },
  { pattern: /^-/, name: '-' },
  { pattern: TWO, name: '02' },
  { pattern: /^T/, name: 'T' },
  { pattern: TWO, name: '15', outOfRange: (hour) => Number(hour) > 23 && 'hour' },
  { pattern: /^:/, name: ':' },
  { pattern: TWO, name: '04', outOfRange: (minute) => Number(minute) > 59 && 'minute' },
  { pattern: /^:/, name: ':' },
  { pattern: TWO, name: '05', outOfRange: (second) => Number(second) > 59 && 'second' },
];
const ZONE: Piece = {
  pattern: /^(?:Z|[+-]\d\d:\d\d)/,
  name: 'Z07:00',
  // Some people do write 24 hours or 60 minutes.
  outOfRange: (zone) =>
    (Number(zone.slice(4)) > 60 && 'time zone offset minute') ||
    (Number(zone.slice(1, 3)) > 24 && 'time zone offset hour'),
};

/** A part of a layout, as Go names it. */
interface Piece {
  readonly pattern: RegExp;
  readonly name: string;
  /** What Go calls the number when it is out of its range. */
  readonly outOfRange?: (text: string) => string | false;
}

/** `MicroTime` wants exactly six digits; `Time` takes any fraction and drops it. */
const PIECES: Readonly<Record<Precision, readonly Piece[]>> = {
  micros: [...HEAD, { pattern: /^[.,]\d{6}/, name: '.000000' }, ZONE],
  seconds: [...HEAD, { pattern: /^(?:[.,]\d+)?/, name: '' }, ZONE],
};

/** All pieces at once: year, month, day, hour, minute, second, zone. */
const WHOLE = {
  micros: /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)[.,]\d{6}(Z|[+-]\d\d:\d\d)$/,
  seconds: /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,]\d+)?(Z|[+-]\d\d:\d\d)$/,
};
const ZERO = '0001-01-01T00:00:00';

export type Precision = keyof typeof LAYOUTS;
export type ParsedTime =
  | { readonly ok: true; readonly value: string | null }
  | { readonly ok: false; readonly error: string };

/**
 * Reads a `metav1.Time` or `metav1.MicroTime` as Go does and gives it back in UTC, as the API server stores it. Go's zero
 * time is null. The error is Go's.
 */
export function parseTime(text: string, precision: Precision): ParsedTime {
  const matched = WHOLE[precision].exec(text);
  if (matched === null) return { ok: false, error: errorOf(text, precision) };
  const [year, month, day] = [Number(matched[1]), Number(matched[2]), Number(matched[3])];
  const [hour, minute, second] = [Number(matched[4]), Number(matched[5]), Number(matched[6])];
  const zone = matched[7]!;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!exists || hour > 23 || minute > 59 || second > 59 || ZONE.outOfRange!(zone)) {
    return { ok: false, error: errorOf(text, precision) };
  }
  date.setUTCHours(hour, minute - offsetMinutes(zone), second);
  const seconds = zone === 'Z' ? text.slice(0, 19) : formatGo(date);
  const fraction = precision === 'micros' ? `.${text.slice(20, 26)}` : '';
  const isZero = seconds === ZERO && !/[1-9]/.test(fraction);
  return { ok: true, value: isZero ? null : `${seconds}${fraction}Z` };
}

/** Go's words for the first piece that does not fit; a day that its month does not have is noticed last. */
function errorOf(text: string, precision: Precision): string {
  let rest = text;
  for (const { pattern, name, outOfRange } of PIECES[precision]) {
    const matched = pattern.exec(rest)?.[0];
    if (matched === undefined) {
      return `parsing time "${text}" as "${LAYOUTS[precision]}": cannot parse "${rest}" as "${name}"`;
    }
    const unit = outOfRange?.(matched);
    if (unit) return `parsing time "${text}": ${unit} out of range`;
    rest = rest.slice(matched.length);
  }
  return `parsing time "${text}": ${rest === '' ? 'day out of range' : `extra text: "${rest}"`}`;
}

/** Of `Z` or `±hh:mm`. */
function offsetMinutes(zone: string): number {
  if (zone === 'Z') return 0;
  return (zone[0] === '-' ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4)));
}

/** An offset may lead out of the years that JavaScript writes with four digits. */
function formatGo(date: Date): string {
  const year = date.getUTCFullYear();
  const afterYear = date.toISOString().slice(-'-01-02T15:04:05.000Z'.length, -'.000Z'.length);
  return `${year < 0 ? '-' : ''}${String(Math.abs(year)).padStart(4, '0')}${afterYear}`;
}

/** A wall-clock instant as `metav1.Time`: RFC 3339, whole seconds. */
export function formatSeconds(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
}
