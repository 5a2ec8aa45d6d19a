import { describe, expect, test } from 'vitest';
import { type Answer, checkHistory, merge, reignsOf, windowsOf } from '../cluster/replica/history.ts';

const answer = (sentMs: number, receivedMs: number, validForMs: number): Answer => ({
  sentMs,
  receivedMs,
  isLeader: validForMs > 0,
  validForMs,
  fencingToken: validForMs > 0 ? '7' : null,
});

const claimant = (name: string, ...windows: [fromMs: number, untilMs: number][]) => ({
  name,
  windows: windows.map(([fromMs, untilMs]) => ({ fromMs, untilMs })),
  grants: [],
});

const granted = (name: string, ...grants: [atMs: number, token: string][]) => ({
  name,
  windows: [],
  grants: grants.map(([atMs, token]) => ({ atMs, token })),
});

describe('what an answer claims', () => {
  test('begins when it was received and is counted from when the question was sent', () => {
    expect(windowsOf([answer(100, 104, 50)], [])).toEqual([{ fromMs: 104, untilMs: 150 }]);
  });

  test('is nothing when the replica does not lead, or when it came after its own end', () => {
    expect(windowsOf([answer(100, 104, 0), answer(200, 260, 50)], [])).toEqual([]);
  });

  test('ends when the replica said that it stopped', () => {
    expect(windowsOf([answer(100, 104, 50)], [120])).toEqual([{ fromMs: 104, untilMs: 120 }]);
  });

  test('is nothing when the replica stopped between question and receipt', () => {
    expect(windowsOf([answer(100, 104, 50)], [102])).toEqual([]);
    expect(windowsOf([answer(100.5, 104, 50)], [100])).toEqual([]);
  });

  test('is not cut by a stop of an earlier term', () => {
    expect(windowsOf([answer(100, 104, 50)], [80])).toEqual([{ fromMs: 104, untilMs: 150 }]);
  });

  test('joins the claims of other answers that it meets', () => {
    expect(windowsOf([answer(100, 104, 50), answer(120, 121, 50), answer(300, 301, 50)], [])).toEqual([
      { fromMs: 104, untilMs: 170 },
      { fromMs: 301, untilMs: 350 },
    ]);
    expect(
      merge([
        { fromMs: 0, untilMs: 10 },
        { fromMs: 2, untilMs: 3 },
      ]),
    ).toEqual([{ fromMs: 0, untilMs: 10 }]);
  });
});

describe('the check of a history', () => {
  test('accepts leaders one after another', () => {
    expect(checkHistory([claimant('a', [0, 10], [20, 30]), claimant('b', [10, 20])])).toEqual([]);
  });

  test('finds two leaders at once', () => {
    const findings = checkHistory([claimant('a', [0, 10]), claimant('b', [9, 20])]);
    expect(findings).toEqual([expect.stringContaining('two leaders for 1.0 ms')]);
  });

  test('finds a short claim inside a long one, with others in between', () => {
    const findings = checkHistory([
      claimant('a', [0, 1_000]),
      claimant('b', [400, 401]),
      claimant('c', [2_000, 2_001]),
    ]);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toContain('a claims until 1000.0, b from 400.0');
  });

  test('finds a claim that never ended', () => {
    expect(checkHistory([claimant('a', [0, Infinity]), claimant('b', [50, 60])])).toHaveLength(1);
  });

  test('accepts tokens that grow over a digit more', () => {
    expect(checkHistory([granted('a', [0, '98'], [20, '100']), granted('b', [10, '99'])])).toEqual([]);
  });

  test('finds a token that fell, and one that was given twice', () => {
    expect(checkHistory([granted('a', [0, '100']), granted('b', [10, '99'])])).toEqual([
      'token 99 of b is not higher than 100 of a before it',
    ]);
    expect(checkHistory([granted('a', [0, '100']), granted('b', [10, '100'])])).toHaveLength(1);
  });
});

test('the reigns tell who led and how long nobody did', () => {
  expect(reignsOf([claimant('a', [0, 10], [25, 30]), claimant('b', [12.4, 20])])).toEqual({
    leaders: ['a', 'b', 'a'],
    gapsMs: [2, 5],
  });
});
