import { expect, test } from 'vitest';
import type { Member } from '../ports/membership.ts';
import { Crashes } from './crashes.ts';

const LEASE_MS = 15_000;

function member(process: string, alive = true, lastHeartbeatAgoMs = 0): Member {
  const unsaid = { address: null, since: null, version: null, role: 'standby' as const, campaigns: null };
  return { ...unsaid, identity: process, candidate: process, pod: 'web-0', alive, confirmed: true, lastHeartbeatAgoMs };
}

/** For how many lease durations the process of now is given nothing. */
function settlingOf(crashes: Crashes, nowMs: number): number {
  let count = 0;
  while (crashes.unsettled('web-0', nowMs + count * LEASE_MS)) count += 1;
  return count;
}

test('each crash doubles how long the next process has to live before it is given anything', () => {
  const crashes = new Crashes(LEASE_MS);
  const settling = Array.from({ length: 8 }, (_, i) => {
    crashes.note([member(`p${i}`)], i * 10_000);
    return settlingOf(crashes, i * 10_000);
  });
  expect(settling).toEqual([0, 2, 4, 8, 16, 32, 32, 32]);
});

test('one whose heartbeats ended is counted once, whether it comes back or another one comes', () => {
  for (const next of ['p0', 'p1']) {
    const crashes = new Crashes(LEASE_MS);
    crashes.note([member('p0')], 0);
    for (const atMs of [50_000, 51_000]) crashes.note([member('p0', false, 45_000)], atMs);
    crashes.note([], 55_000);
    crashes.note([member(next)], 60_000);
    expect(settlingOf(crashes, 60_000)).toBe(2);
  }
});

test('one that ended in an orderly way has not crashed', () => {
  const crashes = new Crashes(LEASE_MS);
  crashes.note([member('p0')], 0);
  crashes.note([], 1_000);
  crashes.note([member('p1')], 2_000);
  expect(crashes.unsettled('web-0', 2_000)).toBe(false);
});

test('an orderly end does not make crashes forgotten', () => {
  const crashes = new Crashes(LEASE_MS);
  crashes.note([member('p0')], 0);
  crashes.note([member('p1')], 1_000);
  crashes.note([], 2_000);
  crashes.note([member('p2')], 3_000);
  expect(settlingOf(crashes, 3_000)).toBe(2);
});

test('whoever has lived long has no past', () => {
  const crashes = new Crashes(LEASE_MS);
  for (let i = 0; i < 6; i += 1) crashes.note([member(`p${i}`)], i);
  const laterMs = 64 * LEASE_MS + 5;
  crashes.note([member('p5')], laterMs);
  crashes.note([member('p6')], laterMs + 1);
  expect(settlingOf(crashes, laterMs + 1)).toBe(2);
});

test('what was only found, and is replaced, has not crashed now', () => {
  const crashes = new Crashes(LEASE_MS);
  crashes.note([{ ...member('p0'), confirmed: false }], 0);
  crashes.note([member('p1')], 1_000);
  expect(crashes.unsettled('web-0', 1_000)).toBe(false);
  crashes.note([{ ...member('p2'), confirmed: false }], 2_000);
  expect(settlingOf(crashes, 2_000), 'this one was seen to come').toBe(2);
});

test('what a dead process left behind is not taken for the living one', () => {
  const crashes = new Crashes(LEASE_MS);
  crashes.note([member('p0')], 0);
  for (const atMs of [1_000, 2_000, 3_000]) crashes.note([member('p0', true, 20_000), member('p1')], atMs);
  expect(settlingOf(crashes, 1_000)).toBe(2);
});
