import {
  type Answer,
  type Claimant,
  type Grant,
  merge,
  overlaps,
  tokenRegressions,
  type Window,
  windowsOf,
} from '../cluster/replica/history.ts';
import type { Fault } from './fault.ts';
import type { Entry, Phase } from './history.ts';

export type Rule = Pick<Fault, 'recoversFrom' | 'recoversWithinMs'>;

/** Something that was promised and did not hold. */
export interface Finding {
  readonly kind: 'overlap' | 'token' | 'contradiction' | 'not-recovered' | 'interrupted';
  readonly text: string;
}

export interface TrialResult {
  readonly trial: number;
  /** The longest stretch between the fault's begin and the recovery in which no answer claims leadership. */
  readonly withoutLeaderMs: number;
  /** From the fault's begin or end, as its rule says, until somebody led and none was missing any more; null: never. */
  readonly recoveredAfterMs: number | null;
  readonly recovered: boolean;
}

export interface Verdict {
  readonly findings: readonly Finding[];
  readonly overlapMs: number;
  readonly trials: readonly TrialResult[];
}

type Of<Type extends Entry['type']> = Extract<Entry, { readonly type: Type }>;

/**
 * Judges a history by itself, without the processes that it came from.
 *
 * - Overlap: an answer claims leadership from its receipt until its question's sending + `validForMs`, for the application
 *   that asked, and so for its pod: a process that is killed takes nothing back. Claims of two pods may never overlap. Only
 *   SIGTERM ends claims early, as documented: the application has ended before its sidecar.
 * - Tokens grow from grant to grant, whoever it is that is granted; anew after a restore of etcd.
 * - Each trial has a leader again in the time that the rule gives, and none is missing between trials.
 */
export function check(history: readonly Entry[], rule: Rule): Verdict {
  const claimants = claimantsOf(history);
  const led = merge(claimants.flatMap(({ windows }) => windows));
  const trials = trialsOf(history);
  const found = overlaps(claimants);
  const results = trials.map((trial) => judge(trial, led, rule));
  return {
    findings: [
      ...found.map(({ text }) => ({ kind: 'overlap' as const, text })),
      ...regressions(history, claimants),
      ...contradictions(history),
      ...results.filter(({ recovered }) => !recovered).map((result) => notRecovered(result, rule)),
      ...interruptions(trials, led),
    ],
    overlapMs: found.reduce((sum, { forMs }) => sum + forMs, 0),
    trials: results,
  };
}

function claimantsOf(history: readonly Entry[]): Claimant[] {
  const processes = history.filter((entry): entry is Of<'started'> => entry.type === 'started');
  const pods = Map.groupBy(processes, ({ pod }) => pod);
  return [...pods].map(([name, members]) => ({
    name,
    windows: merge(members.flatMap(({ process }) => windowsOf(answersOf(history, process), stopsOf(history, process)))),
    grants: members.flatMap(({ process }) => grantsOf(history, process)),
  }));
}

function answersOf(history: readonly Entry[], process: string): Answer[] {
  const sent = new Map<number, number>();
  const answers: Answer[] = [];
  for (const entry of history) {
    if (!('process' in entry) || entry.process !== process) continue;
    if (entry.type === 'invoke') sent.set(entry.op, entry.t);
    if (entry.type !== 'ok') continue;
    const sentMs = sent.get(entry.op);
    if (sentMs === undefined) throw new Error(`an answer of ${process} without its question: ${JSON.stringify(entry)}`);
    answers.push({ ...entry, sentMs, receivedMs: entry.t });
  }
  return answers;
}

function stopsOf(history: readonly Entry[], process: string): number[] {
  return history
    .filter((entry): entry is Of<'stopped'> => entry.type === 'stopped')
    .filter((stop) => stop.process === process && stop.reason === 'shutdown')
    .map(({ t }) => t);
}

/** By the first trace of each token. */
function grantsOf(history: readonly Entry[], process: string): Grant[] {
  const grants = new Map<string, Grant>();
  for (const entry of history) {
    if (!('process' in entry) || entry.process !== process) continue;
    const token = entry.type === 'granted' ? entry.token : entry.type === 'ok' ? entry.fencingToken : null;
    if (token !== null && !grants.has(token)) grants.set(token, { atMs: entry.t, token });
  }
  return [...grants.values()];
}

function regressions(history: readonly Entry[], claimants: readonly Claimant[]): Finding[] {
  const restoresMs = history.filter(({ type }) => type === 'restore').map(({ t }) => t);
  const bounds = [Number.NEGATIVE_INFINITY, ...restoresMs, Number.POSITIVE_INFINITY];
  return bounds.slice(1).flatMap((untilMs, index) => {
    const era = claimants.map(({ name, grants }) => ({
      name,
      grants: grants.filter(({ atMs }) => atMs >= bounds[index]! && atMs < untilMs),
    }));
    return tokenRegressions(era).map((text) => ({ kind: 'token' as const, text }));
  });
}

function contradictions(history: readonly Entry[]): Finding[] {
  return history
    .filter((entry): entry is Of<'ok'> => entry.type === 'ok')
    .filter(({ isLeader, validForMs, fencingToken }) =>
      isLeader ? !(validForMs > 0) || fencingToken === null : validForMs !== 0 || fencingToken !== null,
    )
    .map((answer) => ({ kind: 'contradiction', text: `an answer contradicts itself: ${JSON.stringify(answer)}` }));
}

type Trial = { readonly trial: number } & Readonly<Record<Phase, number>>;

function trialsOf(history: readonly Entry[]): Trial[] {
  const phases = history.filter((entry): entry is Of<'fault'> => entry.type === 'fault');
  return phases
    .filter(({ phase }) => phase === 'begins')
    .map(({ trial, t: begins }) => {
      const at = (phase: Phase) => phases.find((entry) => entry.trial === trial && entry.phase === phase)?.t;
      const over = at('over') ?? history.at(-1)!.t;
      return { trial, begins, ends: at('ends') ?? over, over };
    });
}

function judge({ trial, begins, ends, over }: Trial, led: readonly Window[], rule: Rule): TrialResult {
  const gaps = gapsBetween(begins, over, led);
  const last = gaps.at(-1);
  const fromMs = rule.recoversFrom === 'begin' ? begins : ends;
  const endless = last !== undefined && last.untilMs === over;
  const recoveredAfterMs = endless ? null : Math.max(0, (last?.untilMs ?? fromMs) - fromMs);
  return {
    trial,
    withoutLeaderMs: Math.max(0, ...gaps.map((gap) => gap.untilMs - gap.fromMs)),
    recoveredAfterMs,
    recovered: recoveredAfterMs !== null && recoveredAfterMs <= rule.recoversWithinMs,
  };
}

function notRecovered({ trial, recoveredAfterMs }: TrialResult, { recoversFrom, recoversWithinMs }: Rule): Finding {
  const took = recoveredAfterMs === null ? 'no leader' : `a leader after ${recoveredAfterMs.toFixed(0)} ms`;
  const text = `trial ${trial}: ${took}, counted from the fault's ${recoversFrom}; promised within ${recoversWithinMs} ms`;
  return { kind: 'not-recovered', text };
}

/** Times without a leader after one trial and before the next, when nothing hurts. */
function interruptions(trials: readonly Trial[], led: readonly Window[]): Finding[] {
  return trials.slice(1).flatMap(({ begins, trial }, index) =>
    gapsBetween(trials[index]!.over, begins, led).map(({ fromMs, untilMs }) => {
      const text = `${(untilMs - fromMs).toFixed(0)} ms without a leader before trial ${trial}, with no fault at work`;
      return { kind: 'interrupted' as const, text };
    }),
  );
}

/** The stretches of a time that no window covers; `led` is in order and without overlap. */
function gapsBetween(fromMs: number, untilMs: number, led: readonly Window[]): Window[] {
  const gaps: Window[] = [];
  let coveredMs = fromMs;
  for (const window of led) {
    if (window.fromMs >= untilMs) break;
    if (window.fromMs > coveredMs) gaps.push({ fromMs: coveredMs, untilMs: window.fromMs });
    coveredMs = Math.max(coveredMs, window.untilMs);
  }
  if (coveredMs < untilMs) gaps.push({ fromMs: coveredMs, untilMs });
  return gaps;
}
