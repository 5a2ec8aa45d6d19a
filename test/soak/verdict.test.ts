import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../sim/random.ts';
import { type GroupGrowth, groupGrowth, growthOf } from './growth.ts';
import { type Evidence, verdict } from './verdict.ts';

/** Processes measured for 16 minutes after a warm-up of 4, in which each used more and more. */
function group(start: number, perMinute: readonly number[]): GroupGrowth {
  const growths = perMinute.map((slope, index) => {
    const readings = Array.from({ length: 101 }, (_, step) => {
      const minutes = step / 5;
      return { minutes, value: minutes < 4 ? minutes * 5_000 : start + slope * minutes };
    });
    return growthOf(`pod-${index + 1}`, readings, 4);
  });
  return groupGrowth(growths, new SeededRandom(1))!;
}

const flat: Evidence = {
  heldKiB: group(24_000, [0, 5, -5, 10, -10]),
  descriptors: group(30, [0, 0, 0, 0, 0]),
  threads: group(7, [0, 0, 0, 0, 0]),
  objectsKiB: group(8_400, [0, 1, -1, 2, -2]),
  objectsAtEndKiB: { collected: [8_400, 8_500], leftAlone: [8_300, 8_600] },
  leadership: [],
  processes: [],
  terms: 40,
  leaderAtEnd: 'pod-3',
};

describe('a soak', () => {
  test('passes when nothing grows after the warm-up, whatever grew in it', () => {
    expect(verdict(flat)).toEqual([]);
  });

  test('fails when one process holds 2 MiB more, and names it', () => {
    expect(verdict({ ...flat, heldKiB: group(24_000, [0, 0, 0, 0, 130]) })).toEqual([
      'memory: pod-5 grew by 2080.0 KiB in 16.0 min',
    ]);
  });

  test('fails when most processes hold a little more, though none much', () => {
    expect(verdict({ ...flat, heldKiB: group(24_000, [40, 45, 50, 55, 60]) })).toEqual([
      'memory: the median process grew by at least 640.0 KiB in 16.0 min',
    ]);
  });

  test('fails when objects stay that are small beside the whole', () => {
    expect(verdict({ ...flat, objectsKiB: group(8_400, [0, 0, 0, 0, 40]) })).toEqual([
      'objects: pod-5 grew by 640.0 KiB in 16.0 min',
    ]);
    expect(verdict({ ...flat, objectsKiB: group(8_400, [10, 10, 10, 10, 10]) })).toEqual([
      'objects: the median process grew by at least 160.0 KiB in 16.0 min',
    ]);
  });

  test('fails when a process keeps four descriptors or threads, or most keep one', () => {
    expect(verdict({ ...flat, descriptors: group(30, [0, 0, 0.3, 0, 0]) })).toEqual([
      'descriptors: pod-3 grew by 4.8 in 16.0 min',
    ]);
    expect(verdict({ ...flat, descriptors: group(30, [0.1, 0.1, 0.1, 0.1, 0]) })).toEqual([]);
    expect(verdict({ ...flat, descriptors: group(30, [0.1, 0.1, 0.1, 0.1, 0.1]) })).toEqual([
      'descriptors: the median process grew by at least 1.6 in 16.0 min',
    ]);
    expect(verdict({ ...flat, threads: group(7, [0.3, 0, 0, 0, 0]) })).toHaveLength(1);
  });

  test('fails when what looked like garbage is still held after a collection', () => {
    const objectsAtEndKiB = { collected: [8_400, 8_600], leftAlone: [9_400, 9_600] };
    expect(verdict({ ...flat, objectsAtEndKiB })).toEqual([
      'objects: processes left alone hold 1000 KiB more after a collection than the others',
    ]);
  });

  test('fails when nobody leads at the end, nobody ever led, or two led at once', () => {
    expect(verdict({ ...flat, leaderAtEnd: null })).toEqual(['nobody led at the end']);
    expect(verdict({ ...flat, terms: 0 })).toEqual(['nobody ever led']);
    expect(verdict({ ...flat, leadership: ['two leaders for 3.0 ms'] })).toEqual(['two leaders for 3.0 ms']);
  });

  test('fails when a process ended by itself', () => {
    expect(verdict({ ...flat, processes: ['pod-1 ended by itself (1)'] })).toEqual(['pod-1 ended by itself (1)']);
  });

  test('fails when too little was measured to tell', () => {
    expect(verdict({ ...flat, heldKiB: null })).toEqual([
      'memory: too few readings to tell a slope; let it run for longer',
    ]);
  });
});
