import type { HistoryResult } from './system.ts';

/** What is told to a worker at its start. */
export interface WorkerTask {
  /** URL of the simulation's bundle: made once, since loading the sources takes a worker longer than hundreds of histories. */
  readonly bundle: string;
  readonly firstOnly: boolean;
}

/** Seeds to run. */
export interface Batch {
  readonly from: number;
  readonly count: number;
}

/** What they showed. */
export interface BatchResult {
  readonly from: number;
  steps: number;
  readonly counts: Record<string, number>;
  readonly broken: HistoryResult[];
}

export function addCounts(sums: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [what, count] of Object.entries(counts)) sums[what] = (sums[what] ?? 0) + count;
}
