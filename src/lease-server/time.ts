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

export type Precision = keyof typeof LAYOUTS;
export type ParsedTime =
  | { readonly ok: true; readonly value: string | null }
  | { readonly ok: false; readonly error: string };

/**
 * Reads a `metav1.Time` or `metav1.MicroTime` as Go does and gives it back in UTC, as the API server stores it. Go's zero
 * time is null. The error is Go's.
 */
export function parseTime(text: string, precision: Precision): ParsedTime {
  let rest = text;
  for (const [pattern, piece] of PIECES[precision]) {
    const matched = pattern.exec(rest);
    if (matched === null) {
      return {
        ok: false,
        error: `parsing time "${text}" as "${LAYOUTS[precision]}": cannot parse "${rest}" as "${piece}"`,
      };
    }
    rest = rest.slice(matched[0].length);
  }
  const [year, month, day, hour, minute, second] = text.slice(0, 19).split(/[-T:]/).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
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
  date.setUTCHours(hour, minute - offsetMinutes(text), second);
  if (date.getUTCFullYear() <= 1) return { ok: true, value: null };
  const fraction = precision === 'micros' ? `.${text.slice(20, 26)}` : '';
  return { ok: true, value: `${date.toISOString().slice(0, 19)}${fraction}Z` };
}

function offsetMinutes(text: string): number {
  const zone = /([+-])(\d\d):(\d\d)$/.exec(text);
  if (zone === null) return 0;
  return (zone[1] === '-' ? -1 : 1) * (Number(zone[2]) * 60 + Number(zone[3]));
}

/** A wall-clock instant as `metav1.Time`: RFC 3339, whole seconds. */
export function formatSeconds(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
}
