/** The value to label a series with: itself, or `other` where there are too many of its kind. */
export type BoundLabel = (kind: string, value: string) => string;

/** Lets the first `valuesMax` values of each kind pass and calls the rest `other`: a series per value is never freed. */
export function boundedLabels(valuesMax: number): BoundLabel {
  const seen = new Map<string, Set<string>>();
  return (kind, value) => {
    const values = seen.get(kind) ?? new Set();
    seen.set(kind, values);
    if (!values.has(value) && values.size >= valuesMax) return 'other';
    values.add(value);
    return value;
  };
}
