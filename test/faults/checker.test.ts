import { describe, expect, test } from 'vitest';
import { check, type Rule } from './checker.ts';
import type { Entry } from './history.ts';

const RULE: Rule = { recoversFrom: 'begin', recoversWithinMs: 8_000 };

/** A process that leads from one moment to another, asked every 10 ms; each answer holds for `validForMs`. */
function leads(
  process: string,
  token: string,
  { fromMs, untilMs, validForMs = 100 }: { fromMs: number; untilMs: number; validForMs?: number },
): Entry[] {
  const entries: Entry[] = [];
  for (let t = fromMs; t < untilMs; t += 10) {
    const op = t;
    entries.push({ t, type: 'invoke', process, op });
    entries.push({ t: t + 1, type: 'ok', process, op, isLeader: true, validForMs, fencingToken: token });
  }
  return entries;
}

const started = (process: string, pod = process): Entry => ({ t: 0, type: 'started', process, pod });
const trial = (number: number, begins: number, ends: number, over: number): Entry[] => [
  { t: begins, type: 'fault', phase: 'begins', trial: number },
  { t: ends, type: 'fault', phase: 'ends', trial: number },
  { t: over, type: 'fault', phase: 'over', trial: number },
];
const history = (...parts: (Entry | Entry[])[]): Entry[] => parts.flat().sort((a, b) => a.t - b.t);
const kinds = (entries: Entry[], rule = RULE) => check(entries, rule).findings.map(({ kind }) => kind);

describe('accepted', () => {
  test('a leader that fails and another that takes over in time', () => {
    const verdict = check(
      history(
        started('a'),
        started('b'),
        leads('a', '5', { fromMs: 0, untilMs: 1_000 }),
        leads('b', '9', { fromMs: 3_000, untilMs: 5_000 }),
        trial(1, 1_000, 4_000, 5_000),
      ),
      RULE,
    );
    expect(verdict).toMatchObject({ findings: [], overlapMs: 0 });
    // The last answer of a was asked for at 990, and b's first one came at 3001.
    expect(verdict.trials).toEqual([{ trial: 1, withoutLeaderMs: 1_911, recoveredAfterMs: 2_001, recovered: true }]);
  });

  test('a leader that no fault harms', () => {
    const entries = history(
      started('a'),
      leads('a', '5', { fromMs: 0, untilMs: 9_000 }),
      trial(1, 1_000, 6_000, 8_000),
    );
    expect(check(entries, RULE)).toEqual({
      findings: [],
      overlapMs: 0,
      trials: [{ trial: 1, withoutLeaderMs: 0, recoveredAfterMs: 0, recovered: true }],
    });
  });

  test('an answer that comes after its own validity: it was held up, and nobody can act on it', () => {
    const late: Entry[] = [
      { t: 500, type: 'invoke', process: 'a', op: 1 },
      { t: 2_000, type: 'ok', process: 'a', op: 1, isLeader: true, validForMs: 300, fencingToken: '5' },
    ];
    const successor = leads('b', '9', { fromMs: 1_000, untilMs: 3_000 });
    // Its token is older than what was granted meanwhile, but was granted before: the log tells.
    const granted: Entry = { t: 400, type: 'granted', process: 'a', token: '5' };
    expect(kinds(history(started('a'), started('b'), granted, late, successor))).toEqual([]);
  });

  test('an answer that was cut short by SIGTERM', () => {
    const stopped: Entry = { t: 1_001, type: 'stopped', process: 'a', reason: 'shutdown' };
    const first = leads('a', '5', { fromMs: 0, untilMs: 1_000, validForMs: 3_000 });
    expect(
      kinds(history(started('a'), started('b'), first, stopped, leads('b', '9', { fromMs: 1_010, untilMs: 2_000 }))),
    ).toEqual([]);
  });

  test('the next process of a killed leader’s pod: the application is the same', () => {
    const first = leads('a', '5', { fromMs: 0, untilMs: 1_000, validForMs: 3_000 });
    const next = leads('a#2', '9', { fromMs: 1_500, untilMs: 2_000 });
    expect(kinds(history(started('a'), started('a#2', 'a'), first, next))).toEqual([]);
  });

  test('a token that goes back once, after a restore of etcd', () => {
    const restore: Entry = { t: 1_500, type: 'restore' };
    const before = leads('a', '50', { fromMs: 0, untilMs: 1_000 });
    expect(
      kinds(history(started('a'), started('b'), before, restore, leads('b', '9', { fromMs: 2_000, untilMs: 3_000 }))),
    ).toEqual([]);
  });

  test('time to recover that counts from the fault’s end', () => {
    const entries = history(
      started('a'),
      leads('a', '5', { fromMs: 0, untilMs: 1_000 }),
      leads('a', '9', { fromMs: 60_400, untilMs: 62_000 }),
      trial(1, 1_000, 60_000, 61_000),
    );
    const [result] = check(entries, { recoversFrom: 'end', recoversWithinMs: 500 }).trials;
    expect(result).toMatchObject({ recoveredAfterMs: 401, recovered: true });
    expect(kinds(entries)).toEqual(['not-recovered']);
  });
});

describe('refused', () => {
  test('two pods that lead for 10 ms', () => {
    const first = leads('a', '5', { fromMs: 0, untilMs: 1_000 });
    const verdict = check(
      history(started('a'), started('b'), first, leads('b', '9', { fromMs: 1_079, untilMs: 2_000 })),
      RULE,
    );
    expect(verdict.findings.map(({ kind }) => kind)).toEqual(['overlap']);
    expect(verdict.overlapMs).toBe(10);
    expect(verdict.findings[0]!.text).toContain('a claims until 1090.0, b from 1080.0');
  });

  test('a second leader within the validity of an answer of a process that was killed', () => {
    const first = leads('a', '5', { fromMs: 0, untilMs: 1_000, validForMs: 3_000 });
    const ended: Entry = { t: 1_000, type: 'ended', process: 'a', pod: 'a' };
    expect(
      kinds(history(started('a'), started('b'), first, ended, leads('b', '9', { fromMs: 2_000, untilMs: 5_000 }))),
    ).toEqual(['overlap']);
  });

  test('an answer that is taken back for another reason than SIGTERM', () => {
    const first = leads('a', '5', { fromMs: 0, untilMs: 1_000, validForMs: 3_000 });
    const stopped: Entry = { t: 1_001, type: 'stopped', process: 'a', reason: 'taken-over' };
    expect(
      kinds(history(started('a'), started('b'), first, stopped, leads('b', '9', { fromMs: 1_010, untilMs: 5_000 }))),
    ).toEqual(['overlap']);
  });

  test('a token that goes back', () => {
    const first = leads('a', '1000', { fromMs: 0, untilMs: 1_000 });
    expect(
      kinds(history(started('a'), started('b'), first, leads('b', '999', { fromMs: 2_000, untilMs: 3_000 }))),
    ).toEqual(['token']);
  });

  test('a token that is given twice', () => {
    const first = leads('a', '5', { fromMs: 0, untilMs: 1_000 });
    expect(
      kinds(history(started('a'), started('b'), first, leads('b', '5', { fromMs: 2_000, untilMs: 3_000 }))),
    ).toEqual(['token']);
  });

  test('a token that goes back after the restore was over and done with', () => {
    const entries = history(
      started('a'),
      started('b'),
      { t: 500, type: 'restore' },
      leads('a', '7', { fromMs: 1_000, untilMs: 2_000 }),
      leads('b', '6', { fromMs: 3_000, untilMs: 4_000 }),
    );
    expect(kinds(entries)).toEqual(['token']);
  });

  test('two leaders around a restore', () => {
    const entries = history(
      started('a'),
      started('b'),
      { t: 500, type: 'restore' },
      leads('a', '7', { fromMs: 0, untilMs: 1_000 }),
      leads('b', '8', { fromMs: 900, untilMs: 2_000 }),
    );
    expect(kinds(entries)).toContain('overlap');
  });

  test('a leader that comes too late', () => {
    const entries = history(
      started('a'),
      leads('a', '5', { fromMs: 0, untilMs: 1_000 }),
      leads('a', '9', { fromMs: 9_500, untilMs: 11_000 }),
      trial(1, 1_000, 4_000, 10_000),
    );
    const verdict = check(entries, RULE);
    expect(verdict.findings).toEqual([
      {
        kind: 'not-recovered',
        text: "trial 1: a leader after 8501 ms, counted from the fault's begin; promised within 8000 ms",
      },
    ]);
    expect(verdict.trials[0]).toMatchObject({ recovered: false, recoveredAfterMs: 8_501 });
  });

  test('a leader that comes in time, and goes again', () => {
    const entries = history(
      started('a'),
      leads('a', '5', { fromMs: 0, untilMs: 1_000 }),
      leads('a', '9', { fromMs: 2_000, untilMs: 3_000 }),
      leads('a', '11', { fromMs: 9_800, untilMs: 11_000 }),
      trial(1, 1_000, 4_000, 10_000),
    );
    expect(kinds(entries)).toEqual(['not-recovered']);
    expect(check(entries, RULE).trials[0]!.withoutLeaderMs).toBe(9_801 - 3_090);
  });

  test('no leader ever again, and a history that ends in the middle of a trial', () => {
    const entries = history(
      started('a'),
      leads('a', '5', { fromMs: 0, untilMs: 1_000 }),
      { t: 1_000, type: 'fault', phase: 'begins', trial: 1 },
      { t: 20_000, type: 'note', text: 'given up' },
    );
    expect(kinds(entries)).toEqual(['not-recovered']);
    expect(check(entries, RULE).trials[0]).toMatchObject({ recoveredAfterMs: null, recovered: false });
  });

  test('nobody leads between two trials', () => {
    const entries = history(
      started('a'),
      leads('a', '5', { fromMs: 0, untilMs: 3_000 }),
      leads('a', '9', { fromMs: 4_000, untilMs: 8_000 }),
      trial(1, 1_000, 2_000, 2_500),
      trial(2, 5_000, 6_000, 7_000),
    );
    expect(kinds(entries)).toEqual(['interrupted']);
  });

  test('an answer that contradicts itself', () => {
    const said = (isLeader: boolean, validForMs: number, fencingToken: string | null): Entry[] => [
      { t: 10, type: 'invoke', process: 'a', op: 1 },
      { t: 11, type: 'ok', process: 'a', op: 1, isLeader, validForMs, fencingToken },
    ];
    expect(kinds(history(started('a'), said(true, 0, '5')))).toEqual(['contradiction']);
    expect(kinds(history(started('a'), said(true, 5, null)))).toEqual(['contradiction']);
    expect(kinds(history(started('a'), said(false, 5, null)))).toEqual(['contradiction']);
    expect(kinds(history(started('a'), said(false, 0, '5')))).toEqual(['contradiction']);
    expect(kinds(history(started('a'), said(false, 0, null)))).toEqual([]);
  });
});
