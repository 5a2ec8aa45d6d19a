import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../sim/random.ts';
import { API_KINDS, ENDING_KINDS, type FaultKind, type PlannedFault, planFaults, SPARING_KINDS } from './plan.ts';

const MINUTE_MS = 60_000;
const shape = { pods: 50, core: 20, totalMs: 20 * MINUTE_MS, warmUpMs: 4 * MINUTE_MS, quietMs: 20_000 };
const plan = (seed: number, options: Partial<typeof shape> = {}) =>
  planFaults({ random: new SeededRandom(seed), ...shape, ...options });
const isOneOf = (kinds: readonly FaultKind[]) => (fault: PlannedFault) => kinds.includes(fault.kind);

describe('the plan of a soak', () => {
  test('is the same for the same seed, and another for another', () => {
    expect(plan(1)).toEqual(plan(1));
    expect(plan(1)).not.toEqual(plan(2));
  });

  test('holds every kind of fault, in order of time', () => {
    const kinds = new Set(plan(3).map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual([...SPARING_KINDS, ...ENDING_KINDS, ...API_KINDS].sort());
    const times = plan(3).map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test('never ends a process of the core', () => {
    const ended = plan(4).filter(isOneOf(ENDING_KINDS));
    expect(ended.length).toBeGreaterThan(50);
    expect(ended.filter(({ pod }) => pod !== 'leader' && pod < shape.core)).toEqual([]);
  });

  test('ends no process where all are the core', () => {
    expect(plan(4, { pods: 20 }).filter(isOneOf(ENDING_KINDS))).toEqual([]);
  });

  test('lets each of the core meet in the warm-up each kind that spares it', () => {
    const early = plan(5).filter(({ atMs }) => atMs < shape.warmUpMs);
    for (let pod = 0; pod < shape.core; pod++) {
      const met = new Set(early.filter((fault) => fault.pod === pod).map(({ kind }) => kind));
      expect([...SPARING_KINDS].filter((kind) => !met.has(kind))).toEqual([]);
    }
  });

  test('begins nothing in the quiet at the end', () => {
    for (let seed = 0; seed < 20; seed++) {
      expect(plan(seed).at(-1)!.atMs).toBeLessThan(shape.totalMs - shape.quietMs);
    }
  });

  test('lets the API server recover between two faults of its own', () => {
    const faults = plan(6).filter(isOneOf(API_KINDS));
    expect(faults.length).toBeGreaterThan(40);
    const calms = faults.slice(1).map((fault, index) => fault.atMs - faults[index]!.atMs - faults[index]!.forMs);
    expect(Math.min(...calms)).toBeGreaterThanOrEqual(6_000);
  });

  test('keeps its rate after the warm-up, however many replicas there are', () => {
    const rate = (options: Partial<typeof shape>) => {
      const faults = plan(7, options).filter(({ atMs }) => atMs > shape.warmUpMs);
      return faults.length / ((shape.totalMs - shape.warmUpMs) / MINUTE_MS);
    };
    expect(rate({})).toBeLessThan(45);
    expect(rate({ pods: 500, core: 200 })).toBeLessThan(45);
  });
});
