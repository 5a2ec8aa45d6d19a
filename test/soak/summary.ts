import { median, round } from '../bench/support/statistics.ts';
import type { GroupGrowth, Growth } from './growth.ts';
import type { Sighting } from './soak.ts';

/** What is printed of a run. */
export interface SummaryInput {
  readonly sighting: Sighting;
  readonly heldKiB: GroupGrowth | null;
  readonly objectsKiB: GroupGrowth | null;
  readonly codeKiB: GroupGrowth | null;
  readonly leftAloneKiB: GroupGrowth | null;
  readonly descriptors: GroupGrowth | null;
  readonly threads: GroupGrowth | null;
  readonly serverKiB: Growth | null;
  readonly serverDescriptors: Growth | null;
  readonly objectsAtEndKiB: { readonly collected: readonly number[]; readonly leftAlone: readonly number[] };
  readonly reasons: readonly string[];
}

const MINUTES_PER_DAY = 1_440;
const mib = (kib: number) => `${round(kib / 1_024)} MiB`;
const signed = (value: number, digits = 1) => `${value < 0 ? '' : '+'}${round(value, digits)}`;

/** One line per subject. */
export function summary(input: SummaryInput): string {
  const { sighting } = input;
  const { collected, leftAlone } = input.objectsAtEndKiB;
  const amiss = sighting.strikes.filter(({ error }) => error !== undefined).length;
  const lines: [string, string][] = [
    ['faults', `${sighting.strikes.length}: ${counts(sighting.strikes.map(({ kind }) => kind))}; ${amiss} went amiss`],
    [
      'leaders',
      `${sighting.terms} terms; the longest time without a leader ${seconds(sighting.longestWithoutLeaderMs)}`,
    ],
    [
      '',
      `${sighting.leadership.length} overlaps of leaders or tokens that did not grow; at the end ${sighting.leaderAtEnd ?? 'nobody'} led`,
    ],
    ['requests', `${sighting.requests.local} to the replicas, ${sighting.requests.api} to the API server`],
    ['memory', `held after a collection: ${memory(input.heldKiB)}`],
    ['', `of that in objects: ${memory(input.objectsKiB)}`],
    ['', `of that in code that V8 compiled: ${memory(input.codeKiB)}`],
    ['', `left alone, garbage and all: ${memory(input.leftAloneKiB)}`],
    [
      '',
      `objects at the end, after a collection: ${held(collected)}; of those left alone until then ${held(leftAlone)}`,
    ],
    ['', `the most that any replica had resident at any moment: ${mib(sighting.residentKiBMax)}`],
    ['descriptors', handles(input.descriptors)],
    ['threads', handles(input.threads)],
    ['lease server', server(input.serverKiB, input.serverDescriptors)],
    ['verdict', input.reasons.length === 0 ? 'flat, and one leader at a time' : 'FAILED'],
    ...input.reasons.map((reason): [string, string] => ['', reason]),
  ];
  return lines.map(([subject, text]) => `${subject.padEnd(13)}${text}`).join('\n');
}

function memory(group: GroupGrowth | null): string {
  if (group === null) return 'too few readings';
  const { median: slope, worst, processes } = group;
  const day = mib(slope.perMinute * MINUTES_PER_DAY);
  return [
    `${processes.length} processes, median ${mib(median(processes.map((process) => process.median)))}`,
    `slope ${signed(slope.perMinute)} KiB/min [${signed(slope.low)}, ${signed(slope.high)}], ${day} if it went on for a day`,
    `worst ${worst.name} ${signed(worst.grown, 0)} KiB in ${round(worst.spanMinutes)} min`,
  ].join('; ');
}

function handles(group: GroupGrowth | null): string {
  if (group === null) return 'too few readings';
  const { median: slope, worst, processes } = group;
  const typical = round(median(processes.map((process) => process.median)));
  const interval = `[${signed(slope.low, 3)}, ${signed(slope.high, 3)}]`;
  return `median ${typical}; slope ${signed(slope.perMinute, 3)} a minute ${interval}; worst ${worst.name} ${signed(worst.grown)}`;
}

function server(memoryKiB: Growth | null, descriptors: Growth | null): string {
  if (memoryKiB === null || descriptors === null) return 'not measured';
  const memoryText = `median ${mib(memoryKiB.median)}, slope ${signed(memoryKiB.slope.perMinute)} KiB/min`;
  return `not judged, it keeps Events for an hour: ${memoryText}; median ${descriptors.median} descriptors`;
}

const held = (kib: readonly number[]) => (kib.length === 0 ? 'unknown' : mib(median(kib)));
const seconds = (ms: number) => `${round(ms / 1_000)} s`;

function counts(kinds: readonly string[]): string {
  const by = Object.groupBy(kinds, (kind) => kind);
  return Object.entries(by)
    .map(([kind, all]) => `${kind} ${all?.length}`)
    .sort()
    .join(', ');
}
