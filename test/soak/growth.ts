import { median } from '../bench/support/statistics.ts';
import type { SeededRandom } from '../sim/random.ts';
import { medianSlope, type Reading, type Slope, spanMinutes, theilSen } from './slope.ts';

/** How one quantity of one process went. */
export interface Growth {
  readonly name: string;
  readonly slope: Slope;
  readonly spanMinutes: number;
  /** The slope, over that time. */
  readonly grown: number;
  readonly median: number;
  readonly readings: number;
}

/** How one quantity went in a group of like processes. */
export interface GroupGrowth {
  readonly processes: readonly Growth[];
  /** Of the processes' slopes. */
  readonly median: Slope;
  readonly worst: Growth;
}

/** Null where there are too few readings. */
export function growthOf(name: string, readings: readonly Reading[], sinceMinutes: number): Growth | null {
  const measured = readings.filter(({ minutes }) => minutes >= sinceMinutes);
  const slope = theilSen(measured);
  if (slope === null) return null;
  const span = spanMinutes(measured);
  return {
    name,
    slope,
    spanMinutes: span,
    grown: slope.perMinute * span,
    median: median(measured.map(({ value }) => value)),
    readings: measured.length,
  };
}

/** Null when no process was measured. */
export function groupGrowth(growths: readonly (Growth | null)[], random: SeededRandom): GroupGrowth | null {
  const processes = growths.filter((growth) => growth !== null);
  const [first] = processes;
  if (first === undefined) return null;
  return {
    processes,
    median: medianSlope(
      processes.map(({ slope }) => slope.perMinute),
      random,
    ),
    worst: processes.reduce((worst, growth) => (growth.grown > worst.grown ? growth : worst), first),
  };
}
