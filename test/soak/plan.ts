import type { SeededRandom } from '../sim/random.ts';

/** What befalls a replica, but spares its process. */
export const SPARING_KINDS = ['freeze', 'wrong-requests', 'flood', 'step-down', 'pause'] as const;
/** What ends a replica's process; the pod starts another. */
export const ENDING_KINDS = ['kill', 'terminate'] as const;
/** What befalls the API server, or the way to it. */
export const API_KINDS = [
  'api-pause',
  'api-restart',
  'api-slow',
  'api-errors',
  'api-resets',
  'api-lost-answers',
  'api-cut-watches',
  'api-cut-off',
] as const;

export type SparingKind = (typeof SPARING_KINDS)[number];
export type EndingKind = (typeof ENDING_KINDS)[number];
export type ApiKind = (typeof API_KINDS)[number];
export type FaultKind = SparingKind | EndingKind | ApiKind;

export interface PlannedFault {
  /** Since the start. */
  readonly atMs: number;
  readonly kind: FaultKind;
  /** How long it lasts; for those that end a process: until the next is started. */
  readonly forMs: number;
  /** Index of the pod, or whoever leads at that moment. API faults have one too: the client that `api-cut-off` cuts off. */
  readonly pod: number | 'leader';
}

export interface PlanOptions {
  readonly random: SeededRandom;
  readonly pods: number;
  /** The first so many pods keep their process for the whole run. */
  readonly core: number;
  readonly totalMs: number;
  /** By its end each of the core has met each kind that spares it. */
  readonly warmUpMs: number;
  /** Nothing begins in the last so many. */
  readonly quietMs: number;
}

/** One fault on a replica in so many milliseconds, on average. */
const LOCAL_EVERY_MS = 2_000;
/** From the end of one fault of the API server to the begin of the next. */
const API_CALM_MS = [6_000, 20_000] as const;
/** One in so many is aimed at the leader: by mere chance it is hardly ever hit. */
const LEADER_SHARE = 0.3;

const LASTS_MS: Readonly<Record<FaultKind, readonly [number, number]>> = {
  freeze: [300, 9_000],
  'wrong-requests': [0, 0],
  flood: [300, 3_000],
  'step-down': [0, 0],
  pause: [500, 6_000],
  kill: [0, 2_000],
  terminate: [0, 2_000],
  'api-pause': [300, 7_000],
  'api-restart': [100, 5_000],
  'api-slow': [2_000, 8_000],
  'api-errors': [1_000, 6_000],
  'api-resets': [300, 5_000],
  'api-lost-answers': [1_000, 4_000],
  'api-cut-watches': [0, 0],
  'api-cut-off': [1_000, 9_000],
};

/** All faults of a run, in order of time. The same seed and numbers give the same plan; when processes react is theirs. */
export function planFaults(options: PlanOptions): PlannedFault[] {
  const { random } = options;
  const untilMs = options.totalMs - options.quietMs;
  const faults = [
    ...firstEncounters(options),
    ...onReplicas(options, untilMs),
    ...onApiServer(random, options, untilMs),
  ];
  return faults.sort((a, b) => a.atMs - b.atMs);
}

/** What is loaded at first use, and what memory the first flood takes, belongs to the warm-up. */
function firstEncounters({ random, core, warmUpMs }: PlanOptions): PlannedFault[] {
  return Array.from({ length: core }, (_, pod) =>
    SPARING_KINDS.map((kind) => {
      const forMs = LASTS_MS[kind][0];
      return { atMs: random.between(0, warmUpMs * 0.75), kind, forMs, pod };
    }),
  ).flat();
}

function onReplicas({ random, pods, core }: PlanOptions, untilMs: number): PlannedFault[] {
  const faults: PlannedFault[] = [];
  for (let atMs = gap(random); atMs < untilMs; atMs += gap(random)) {
    // The core is no larger than the others together may be struck: both kinds of replicas get their share.
    const ending = pods > core && random.chance(0.35);
    const kind = random.pick(ending ? ENDING_KINDS : SPARING_KINDS);
    const pod = random.chance(LEADER_SHARE) ? 'leader' : random.whole(ending ? core : 0, pods - 1);
    faults.push({ atMs, kind, forMs: lasts(random, kind), pod });
  }
  return faults;
}

function onApiServer(random: SeededRandom, { pods }: PlanOptions, untilMs: number): PlannedFault[] {
  const faults: PlannedFault[] = [];
  const calm = () => random.between(...API_CALM_MS);
  for (let atMs = calm(); atMs < untilMs; ) {
    const kind = random.pick(API_KINDS);
    const forMs = lasts(random, kind);
    const pod = random.chance(0.5) ? 'leader' : random.whole(0, pods - 1);
    faults.push({ atMs, kind, forMs, pod });
    atMs += forMs + calm();
  }
  return faults;
}

const gap = (random: SeededRandom): number => random.between(0.1, 1.9) * LOCAL_EVERY_MS;
const lasts = (random: SeededRandom, kind: FaultKind): number => Math.round(random.between(...LASTS_MS[kind]));
