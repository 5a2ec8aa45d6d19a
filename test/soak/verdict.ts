import { median } from '../bench/support/statistics.ts';
import type { GroupGrowth } from './growth.ts';

/** What is judged. Growths are null where too little was measured. */
export interface Evidence {
  /** Anonymous memory of the processes whose garbage is collected before each reading. */
  readonly heldKiB: GroupGrowth | null;
  /** The objects in it. */
  readonly objectsKiB: GroupGrowth | null;
  readonly descriptors: GroupGrowth | null;
  readonly threads: GroupGrowth | null;
  /** Objects at the end, after a collection. */
  readonly objectsAtEndKiB: { readonly collected: readonly number[]; readonly leftAlone: readonly number[] };
  /** What was wrong about leadership, in plain words. */
  readonly leadership: readonly string[];
  /** What was wrong about processes. */
  readonly processes: readonly string[];
  readonly terms: number;
  readonly leaderAtEnd: string | null;
}

interface Limits {
  /** As it follows a number. */
  readonly unit: string;
  /** Growth from which on a process fails. */
  readonly process: number;
  /** The same for the median of all, by the low end of its interval. */
  readonly median: number;
}

/** V8's compiled code included, which still becomes more after hours, ever more slowly. */
const MEMORY: Limits = { unit: ' KiB', process: 2_048, median: 512 };
const OBJECTS: Limits = { unit: ' KiB', process: 512, median: 128 };
/** Connections come and go: a process has three more or fewer from one minute to the next. */
const HANDLES: Limits = { unit: '', process: 4, median: 1 };

/** What {@link verdict} goes by, for whoever reads the result. */
export const RULE = `Flat means, of the replicas that were never restarted and over the time measured (slope fitted to all readings, times span):
- none holds ${MEMORY.process} KiB more after its garbage has been collected, and the median of them less than ${MEMORY.median} KiB more;
- in JavaScript objects none holds ${OBJECTS.process} KiB more, and the median of them less than ${OBJECTS.median} KiB more;
- none has ${HANDLES.process} descriptors or threads more, and the median of them not one more;
- those whose garbage nobody collected until the end hold then, once it is, less than ${OBJECTS.process} KiB more in objects than the others.
A median counts by the low end of its 95 % interval. Beside that: never two leaders, tokens grow, no process ends by itself
or logs an error, and somebody leads at the end.`;

/** What speaks against the run, in plain words; nothing when it passes. */
export function verdict(evidence: Evidence): string[] {
  return [
    ...evidence.leadership,
    ...evidence.processes,
    ...(evidence.terms === 0 ? ['nobody ever led'] : []),
    ...(evidence.leaderAtEnd === null ? ['nobody led at the end'] : []),
    ...grew('memory', evidence.heldKiB, MEMORY),
    ...grew('objects', evidence.objectsKiB, OBJECTS),
    ...grew('descriptors', evidence.descriptors, HANDLES),
    ...grew('threads', evidence.threads, HANDLES),
    ...garbageThatWasNone(evidence.objectsAtEndKiB),
  ];
}

function grew(what: string, group: GroupGrowth | null, limits: Limits): string[] {
  if (group === null) return [`${what}: too few readings to tell a slope; let it run for longer`];
  const { processes } = group;
  const amount = (grown: number, span: number) => `${grown.toFixed(1)}${limits.unit} in ${span.toFixed(1)} min`;
  const span = median(processes.map(({ spanMinutes }) => spanMinutes));
  const medianGrown = group.median.low * span;
  return [
    ...processes
      .filter(({ grown }) => grown >= limits.process)
      .map(({ name, grown, spanMinutes }) => `${what}: ${name} grew by ${amount(grown, spanMinutes)}`),
    ...(medianGrown < limits.median
      ? []
      : [`${what}: the median process grew by at least ${amount(medianGrown, span)}`]),
  ];
}

function garbageThatWasNone({ collected, leftAlone }: Evidence['objectsAtEndKiB']): string[] {
  if (collected.length === 0 || leftAlone.length === 0) return [];
  const moreKiB = median(leftAlone) - median(collected);
  if (moreKiB < OBJECTS.process) return [];
  return [`objects: processes left alone hold ${moreKiB.toFixed(0)} KiB more after a collection than the others`];
}
