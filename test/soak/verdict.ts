import { median } from '../bench/support/statistics.ts';
import type { GroupGrowth } from './growth.ts';

/** What is judged. Growths are null where too little was measured. */
export interface Evidence {
  /** Anonymous memory of the processes whose garbage is collected before each reading. */
  readonly heldKiB: GroupGrowth | null;
  readonly descriptors: GroupGrowth | null;
  readonly threads: GroupGrowth | null;
  /** JavaScript heap at the end, after a collection. */
  readonly heapAtEndKiB: { readonly collected: readonly number[]; readonly leftAlone: readonly number[] };
  /** What was wrong about leadership, in plain words. */
  readonly leadership: readonly string[];
  /** What was wrong about processes. */
  readonly processes: readonly string[];
  readonly terms: number;
  readonly leaderAtEnd: string | null;
}

const PROCESS_KIB_MAX = 2_048;
const MEDIAN_KIB_MAX = 512;
const HANDLES_MAX = 2;

/** What {@link verdict} goes by, for whoever reads the result. */
export const RULE = [
  'Flat means, of the processes that were never restarted, over the time measured (the slope fitted to all readings, times',
  `that time): none holds ${PROCESS_KIB_MAX / 1_024} MiB more after its garbage has been collected, and the median of them, at the low end of its 95 %`,
  `interval, less than ${MEDIAN_KIB_MAX} KiB more; none has ${HANDLES_MAX} descriptors or threads more; and those whose garbage nobody collects`,
  `hold at the end, once it is, no more than ${PROCESS_KIB_MAX / 1_024} MiB above the others. Beside that: never two leaders, tokens grow, no process ends`,
  'by itself, and somebody leads at the end.',
].join('\n');

/** What speaks against the run, in plain words; nothing when it passes. */
export function verdict(evidence: Evidence): string[] {
  return [
    ...evidence.leadership,
    ...evidence.processes,
    ...(evidence.terms === 0 ? ['nobody ever led'] : []),
    ...(evidence.leaderAtEnd === null ? ['nobody led at the end'] : []),
    ...grew('memory', 'KiB', evidence.heldKiB, PROCESS_KIB_MAX),
    ...medianGrew(evidence.heldKiB),
    ...grew('descriptors', '', evidence.descriptors, HANDLES_MAX),
    ...grew('threads', '', evidence.threads, HANDLES_MAX),
    ...garbageThatWasNone(evidence.heapAtEndKiB),
  ];
}

function grew(what: string, unit: string, group: GroupGrowth | null, limit: number): string[] {
  if (group === null) return [`${what}: too few readings to tell a slope; let it run for longer`];
  return group.processes
    .filter(({ grown }) => grown >= limit)
    .map(({ name, grown, spanMinutes }) => {
      const amount = `${grown.toFixed(1)} ${unit}`.trim();
      return `${what}: ${name} grew by ${amount} in ${spanMinutes.toFixed(1)} min; ${limit} are allowed`;
    });
}

function medianGrew(group: GroupGrowth | null): string[] {
  if (group === null) return [];
  const spanMinutes = median(group.processes.map((process) => process.spanMinutes));
  const grown = group.median.low * spanMinutes;
  if (grown < MEDIAN_KIB_MAX) return [];
  return [`memory: the median process grew by at least ${grown.toFixed(0)} KiB in ${spanMinutes.toFixed(1)} min`];
}

function garbageThatWasNone({ collected, leftAlone }: Evidence['heapAtEndKiB']): string[] {
  if (collected.length === 0 || leftAlone.length === 0) return [];
  const moreKiB = median(leftAlone) - median(collected);
  if (moreKiB < PROCESS_KIB_MAX) return [];
  return [`memory: processes left alone hold ${moreKiB.toFixed(0)} KiB more heap after a collection than the others`];
}
