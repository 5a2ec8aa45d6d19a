import type { Hazard } from './hazards.ts';
import type { Violation } from './oracle.ts';

/** What one history showed. */
export interface HistoryResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly steps: number;
  /** What shows that something went on in it: grants of a Lease, say. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Called with each thing that happens; for reading a history. */
export type Trace = (atMs: number, line: string) => void;

export type RunSeed = (seed: number, trace?: Trace) => Promise<HistoryResult>;

/** One of the things that are simulated. */
export interface System {
  readonly name: string;
  /** How many of the seeds that are asked for are run: all are 1. */
  readonly share: number;
  /** One seed is one history. */
  readonly runSeed: RunSeed;
  /** From the root of the tree: a module that exports the same `runSeed`, to put mistakes back into what it imports. */
  readonly entry: string;
  readonly hazards: readonly Hazard[];
}
