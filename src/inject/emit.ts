/** What manifests are made of. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };

/** How a document is indented. */
export interface Layout {
  /** Columns from a key to the keys under it. */
  readonly step: number;
  /** Columns from a key to the dashes under it; 0 in many. */
  readonly dashAt: number;
  /** Columns from a dash to what follows it. */
  readonly dashWidth: number;
}

export const PLAIN_LAYOUT: Layout = { step: 2, dashAt: 2, dashWidth: 2 };

/** Words that YAML 1.1, which Kubernetes reads, takes for something else than text. */
const WORDS = /^(true|false|yes|no|on|off|null|y|n)$/i;

/** A value as lines of block YAML, the first without its indentation, the others with `column` blanks before them. */
export function blockLines(value: Value, column: number, layout: Layout): string[] {
  if (Array.isArray(value)) {
    return value.flatMap((item: Value, index) => {
      const [first, ...rest] = blockLines(item, column + layout.dashWidth, layout);
      return [`${index === 0 ? '' : ' '.repeat(column)}-${' '.repeat(layout.dashWidth - 1)}${first}`, ...rest];
    });
  }
  if (value === null || typeof value !== 'object') return [scalar(value)];
  return Object.entries(value).flatMap(([key, child], index) => {
    const [first, ...rest] = pairLines(key, child, column, layout);
    return [`${index === 0 ? '' : ' '.repeat(column)}${first}`, ...rest];
  });
}

/** `key: value` likewise. */
export function pairLines(key: string, value: Value, column: number, layout: Layout): string[] {
  const name = `${scalar(key)}:`;
  if (value === null || typeof value !== 'object') return [`${name} ${scalar(value)}`];
  if (Object.keys(value).length === 0) return [`${name} ${Array.isArray(value) ? '[]' : '{}'}`];
  const inner = column + (Array.isArray(value) ? layout.dashAt : layout.step);
  const [first, ...rest] = blockLines(value, inner, layout);
  return [name, ' '.repeat(inner) + first, ...rest];
}

/** Text stands plain only where no reader of any version of YAML could take it for something else. */
function scalar(value: string | number | boolean | null): string {
  if (typeof value !== 'string') return String(value);
  // A number with a unit (a quantity, a duration) is text for all of them, too.
  const word = /^([A-Za-z/]([\w./:@+-]*[\w./-])?|\d+(m|s|ms|Mi|Gi))$/.test(value);
  return word && !WORDS.test(value) ? value : JSON.stringify(value);
}
