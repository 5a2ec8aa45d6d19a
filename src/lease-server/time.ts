/** Layouts in Go's notation, as error messages name them. */
const LAYOUTS = { seconds: '2006-01-02T15:04:05Z07:00', micros: '2006-01-02T15:04:05.000000Z07:00' } as const;

const TWO = /^\d\d/;
const HEAD: readonly (readonly [RegExp, string])[] = [
  [/^\d{4}/, '2006'],
  [/^-/, '-'],
  [TWO, '01'],
  [/^-/, '-'],
  [TWO, '02'],
  [/^T/, 'T'],
  [TWO, '15'],
  [/^:/, ':'],
  [TWO, '04'],
  [/^:/, ':'],
  [TWO, '05'],
];
const ZONE = [/^(?:Z|[+-]\d\d:\d\d)$/, 'Z07:00'] as const;
/** `MicroTime` wants exactly six digits; `Time` takes any fraction and drops it. */
const PIECES = {
  micros: [...HEAD, [/^[.,]\d{6}/, '.000000'] as const, ZONE],
  seconds: [...HEAD, [/^(?:[.,]\d+)?/, ''] as const, ZONE],
};

/** All pieces at once: year, month, day, hour, minute, second, zone. */
const WHOLE = {
  micros: /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)[.,]\d{6}(Z|[+-]\d\d:\d\d)$/,
  seconds: /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,]\d+)?(Z|[+-]\d\d:\d\d)$/,
};

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
  if (matched === null) return { ok: false, error: layoutError(text, precision) };
  const [year, month, day] = [Number(matched[1]), Number(matched[2]), Number(matched[3])];
  const [hour, minute, second] = [Number(matched[4]), Number(matched[5]), Number(matched[6])];
  const zone = matched[7]!;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const outOfRange =
    month < 1 || month > 12
      ? 'month'
      : day < 1 || date.getUTCMonth() !== month - 1
        ? 'day'
        : hour > 23
          ? 'hour'
          : minute > 59
            ? 'minute'
            : second > 59
              ? 'second'
              : null;
  if (outOfRange !== null) return { ok: false, error: `parsing time "${text}": ${outOfRange} out of range` };
  const fraction = precision === 'micros' ? `.${text.slice(20, 26)}` : '';
  if (zone === 'Z' && year > 1) return { ok: true, value: `${text.slice(0, 19)}${fraction}Z` };
  date.setUTCHours(hour, minute - offsetMinutes(zone), second);
  if (date.getUTCFullYear() <= 1) return { ok: true, value: null };
  return { ok: true, value: `${date.toISOString().slice(0, 19)}${fraction}Z` };
}

/** Go's words for the first piece that does not fit. */
function layoutError(text: string, precision: Precision): string {
  let rest = text;
  let wanted = '';
  for (const [pattern, piece] of PIECES[precision]) {
    const matched = pattern.exec(rest);
    wanted = piece;
    if (matched === null) break;
    rest = rest.slice(matched[0].length);
  }
  return `parsing time "${text}" as "${LAYOUTS[precision]}": cannot parse "${rest}" as "${wanted}"`;
}

/** Of `Z` or `±hh:mm`. */
function offsetMinutes(zone: string): number {
  if (zone === 'Z') return 0;
  return (zone[0] === '-' ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4)));
}

/** A wall-clock instant as `metav1.Time`: RFC 3339, whole seconds. */
export function formatSeconds(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
}
