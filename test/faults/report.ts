import type { Result } from './suite.ts';

/** Why a result is no success, one line each; empty when it is one. */
export function problemsOf(result: Result): string[] {
  if ('missing' in result) return [`not run: ${result.missing}`];
  const { error, verdict } = result;
  return [...(error === null ? [] : [error]), ...verdict.findings.map(({ kind, text }) => `${kind}: ${text}`)];
}

const HEAD = ['Fault', 'Trials', 'Overlap', 'Without a leader: median', 'worst', 'Recovered', 'slowest', 'promised'];

/** Markdown, its columns aligned for terminals. */
export function table(results: readonly Result[]): string {
  const rows = [HEAD, ...results.map(rowOf)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => pad(cell, widths[i]!, i)).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(rows[0]!), rule, ...rows.slice(1).map(line)].join('\n');
}

function rowOf(result: Result): string[] {
  const { name } = result.fault;
  if ('missing' in result) return [name, '0', ...Array(HEAD.length - 3).fill('–'), `not run: ${result.missing}`];
  const { trials, overlapMs } = result.verdict;
  const gapsMs = trials.map(({ withoutLeaderMs }) => withoutLeaderMs);
  const afterMs = trials.map(({ recoveredAfterMs }) => recoveredAfterMs ?? Number.POSITIVE_INFINITY);
  const recovered = trials.filter((trial) => trial.recovered).length;
  return [
    name,
    String(trials.length),
    overlapMs === 0 ? '0' : `${overlapMs.toFixed(1)} ms`,
    seconds(median(gapsMs)),
    seconds(Math.max(...gapsMs)),
    `${recovered}/${trials.length}`,
    seconds(Math.max(...afterMs)),
    `${seconds(result.fault.recoversWithinMs)} from its ${result.fault.recoversFrom}`,
  ];
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}

function seconds(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  return ms < 1 ? '0 s' : `${(ms / 1_000).toFixed(2)} s`;
}

function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
