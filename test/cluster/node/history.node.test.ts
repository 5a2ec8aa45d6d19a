import { describe, expect, test } from 'vitest';
import { judge, type Sample } from './history.ts';

/** One service each 10 ms; `-` is a request that failed. */
const seen = (pods: string): Sample[] =>
  [...pods].map((pod, index) =>
    pod === '-' ? { failure: 'ECONNREFUSED', atMs: index * 10 } : { pod, atMs: index * 10 },
  );

describe('what a client saw', () => {
  test('a hand-over without a pause and without an overlap', () => {
    expect(judge(seen('aaabbb'), ['a', 'b'], 50)).toEqual({
      withoutServiceMs: 0,
      overlapMs: 0,
      failed: 0,
      servedBy: ['a', 'b'],
    });
  });

  test('the longest time without service is from one service to the next', () => {
    expect(judge(seen('aa-a-------bb'), ['a', 'b'], 50)).toMatchObject({ withoutServiceMs: 80, failed: 8 });
  });

  test('whoever serves after a later leader did overlaps with it, from when that one began', () => {
    expect(judge(seen('aabab'), ['a', 'b'], 50).overlapMs).toBe(10);
    expect(judge(seen('aabbbab'), ['a', 'b'], 50).overlapMs).toBe(30);
  });

  test('a pod that has held the Lease again does not', () => {
    expect(judge(seen('aabbaa'), ['a', 'b', 'a'], 50)).toMatchObject({ overlapMs: 0, servedBy: ['a', 'b', 'a'] });
  });

  test('a leader may have come and gone without serving anybody', () => {
    expect(judge(seen('aacc'), ['a', 'b', 'c'], 50).overlapMs).toBe(0);
  });

  test('whoever never held the Lease overlaps with whoever does', () => {
    expect(judge(seen('aac'), ['a', 'b'], 50).overlapMs).toBe(20);
    expect(judge(seen('caa'), ['a'], 50).overlapMs).toBeGreaterThan(0);
  });
});
