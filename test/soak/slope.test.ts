import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../sim/random.ts';
import { medianSlope, type Reading, spanMinutes, theilSen } from './slope.ts';

/** Readings every six seconds. */
const readings = (count: number, valueAt: (minutes: number, index: number) => number): Reading[] =>
  Array.from({ length: count }, (_, index) => ({ minutes: index / 10, value: valueAt(index / 10, index) }));

describe('the slope of a process', () => {
  test('is that of a line', () => {
    expect(theilSen(readings(50, (minutes) => 100 + 3 * minutes))?.perMinute).toBeCloseTo(3);
    expect(theilSen(readings(50, (minutes) => 100 - 3 * minutes))?.perMinute).toBeCloseTo(-3);
  });

  test('is zero for what stays, with an interval of nothing', () => {
    expect(theilSen(readings(50, () => 42))).toEqual({ perMinute: 0, low: 0, high: 0 });
  });

  test('is not moved by a quarter of wild readings', () => {
    const spikes = readings(80, (minutes, index) => (index % 4 === 3 ? 1e6 : 100 + 3 * minutes));
    expect(theilSen(spikes)!.perMinute).toBeGreaterThan(2.5);
    expect(theilSen(spikes)!.perMinute).toBeLessThan(4);
  });

  test('has an interval that holds the truth in about 95 of 100 noisy runs', () => {
    const held = Array.from({ length: 300 }, (_, seed) => {
      const random = new SeededRandom(seed);
      const slope = theilSen(readings(40, (minutes) => 1_000 + 20 * minutes + random.between(-50, 50)))!;
      return slope.low <= 20 && 20 <= slope.high;
    });
    const share = held.filter(Boolean).length / held.length;
    expect(share).toBeGreaterThan(0.9);
    expect(share).toBeLessThan(0.99);
  });

  test('is the same for more readings than are compared in pairs', () => {
    const slope = theilSen(readings(5_003, (minutes) => 100 + 3 * minutes))!;
    expect(slope.perMinute).toBeCloseTo(3);
    expect(slope.low).toBeCloseTo(3);
  });

  test('is not told from fewer than eight readings', () => {
    expect(theilSen(readings(7, (minutes) => minutes))).toBeNull();
    expect(theilSen([])).toBeNull();
  });
});

describe('the median slope of a group', () => {
  test('is that of the middle process, whatever one of them does', () => {
    expect(medianSlope([1, 2, 3, 4, 1_000], new SeededRandom(1)).perMinute).toBe(3);
  });

  test('has an interval around zero when processes grow and shrink alike, and above it when most grow', () => {
    const alike = medianSlope([-4, -3, -2, -1, 0, 1, 2, 3, 4], new SeededRandom(1));
    expect(alike.low).toBeLessThan(0);
    expect(alike.high).toBeGreaterThan(0);
    expect(medianSlope([5, 6, 7, 8, 9, 10, 11, -1], new SeededRandom(1)).low).toBeGreaterThan(0);
  });

  test('is the same for the same seed', () => {
    const slopes = [3, 1, 4, 1, 5, 9, 2, 6];
    expect(medianSlope(slopes, new SeededRandom(5))).toEqual(medianSlope(slopes, new SeededRandom(5)));
  });
});

test('the span of readings is from the first to the last', () => {
  expect(spanMinutes(readings(31, () => 0))).toBeCloseTo(3);
  expect(spanMinutes([])).toBe(0);
});
