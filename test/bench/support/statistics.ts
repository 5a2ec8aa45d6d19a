/** What is reported of a series. */
export interface Summary {
  readonly count: number;
  readonly median: number;
  readonly p90: number;
  readonly worst: number;
}

/** All NaN (null in JSON) when nothing was measured. */
export function summarise(values: readonly number[]): Summary {
  return {
    count: values.length,
    median: quantile(values, 0.5),
    p90: quantile(values, 0.9),
    worst: quantile(values, 1),
  };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Between two values the quantile is interpolated, as R and NumPy do by default. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** Rounded for print and JSON. */
export function round(value: number, digits = 1): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}

/** The same, for each field of a summary. */
export function rounded(summary: Summary, digits = 1): Summary {
  const { count, median, p90, worst } = summary;
  return { count, median: round(median, digits), p90: round(p90, digits), worst: round(worst, digits) };
}
