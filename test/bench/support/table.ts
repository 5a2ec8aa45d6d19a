/** Prints rows in columns as wide as they need to be; numbers to the right. The first row is the heading. */
export function printTable(title: string, rows: readonly (readonly (string | number)[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => String(row[column] ?? '').length)));
  const line = (row: readonly (string | number)[]) =>
    widths
      .map((width, column) => {
        const cell = String(row[column] ?? '');
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ');
  console.log(`\n${title}\n${rows.map(line).join('\n')}`);
}

/** A figure beside its budget: `✓ ≤ 72`, or `✗ ≤ 72`. */
export function against(value: number, limit: number, direction: '≤' | '≥' = '≤'): string {
  const met = direction === '≤' ? value <= limit : value >= limit;
  return `${met ? '✓' : '✗'} ${direction} ${limit}`;
}
