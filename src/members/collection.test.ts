import { describe, expect, test } from 'vitest';
import type { MemberOutcome } from '../ports/members.ts';
import type { RemovalOutcome } from '../ports/request-failure.ts';
import {
  type CollectionState,
  type CollectionStep,
  collect,
  initialCollection,
  mark,
  onCollectionReply,
  unmark,
} from './collection.ts';
import { memberLease } from './heartbeat.fixture.ts';

const CONFIG = { ownName: 'own', periodMs: 120_000, forbiddenPauseMs: 3_600_000 };
const dead = memberLease({ name: 'dead', resourceVersion: '50' });
const lost = (lease = dead) => ({ lease, seenMonoMs: 0, seenListenedMs: 0, confirmed: true, alive: false });
const at = (listenedMs: number, random = 0) => ({ listenedMs, random });

/** One dead member, lost at the beginning of the time. */
const marked = (random = 0) => mark(initialCollection(CONFIG), lost(), at(0, random));
const reply = (state: CollectionState, outcome: MemberOutcome | RemovalOutcome, listenedMs = 40_000) =>
  onCollectionReply(state, outcome, at(listenedMs));
/** Its live reading is under way. */
const reading = () => collect(marked(), at(40_000)).state;
const removing = () => reply(reading(), { kind: 'ok', lease: dead });
const asks = (state: CollectionState, listenedMs: number) => collect(state, at(listenedMs)).request;
const settled = ({ state, request }: CollectionStep) => request === null && state.dead.size === 0;

describe('a dead Lease', () => {
  test('is left for a third of the period at least, and for all of it at most, as chance has it', () => {
    for (const [random, dueMs] of [
      [0, 40_000],
      [0.5, 80_000],
      [0.999999, 120_000],
    ] as const) {
      expect(asks(marked(random), dueMs - 1)).toBeNull();
      expect(asks(marked(random), dueMs)).toEqual({ kind: 'read', name: 'dead' });
    }
  });

  test('is read, then deleted as the version that was read', () => {
    const read = reply(reading(), { kind: 'ok', lease: { ...dead, resourceVersion: '51' } });
    expect(read.request).toEqual({ kind: 'remove', lease: { name: 'dead', uid: dead.uid, resourceVersion: '51' } });
    const removed = reply(read.state, { kind: 'removed' });
    expect(removed.report).toEqual({ kind: 'collected', lease: dead });
    expect(settled(removed)).toBe(true);
  });

  test.each([
    ['was renewed', { renewTime: '2026-01-01T00:00:01.000000Z' }],
    ['was taken over', { holder: 'dead_2' }],
    ['was made anew', { uid: 'another' }],
  ])('that %s since it was timed is kept', (_, change) => {
    expect(settled(reply(reading(), { kind: 'ok', lease: { ...dead, ...change } }))).toBe(true);
  });

  test('that is renewed between reading and deleting is kept: the precondition fails', () => {
    const raced = reply(removing().state, { kind: 'conflict' });
    expect([raced.request, raced.report]).toEqual([null, null]);
    // The watch tells of the heartbeat.
    expect(settled(collect(unmark(raced.state, 'dead'), at(1_000_000)))).toBe(true);
  });

  test('that was edited meanwhile is looked at again later', () => {
    const raced = reply(removing().state, { kind: 'conflict' });
    expect(asks(raced.state, 79_999)).toBeNull();
    expect(asks(raced.state, 80_000)).toEqual({ kind: 'read', name: 'dead' });
  });

  test('whose member comes back while it is read is kept', () => {
    expect(settled(reply(unmark(reading(), 'dead'), { kind: 'ok', lease: dead }))).toBe(true);
  });

  test('that others collected is done with', () => {
    expect(settled(reply(reading(), { kind: 'absent' }))).toBe(true);
    expect(asks(unmark(marked(), 'dead'), 1_000_000)).toBeNull();
  });

  test('is tried again later when a request fails', () => {
    const failed = reply(reading(), { kind: 'failed', code: 'timeout', message: '', retryAfterMs: null });
    expect(asks(failed.state, 79_999)).toBeNull();
    expect(asks(failed.state, 80_000)).not.toBeNull();
  });
});

describe('collecting', () => {
  test('never touches the own Lease', () => {
    const state = mark(initialCollection(CONFIG), lost(memberLease({ name: 'own' })), at(0));
    expect(asks(state, 1_000_000)).toBeNull();
  });

  test('takes one Lease at a time, the one that is due longest first', () => {
    const state = mark(marked(0.2), lost(memberLease({ name: 'other' })), at(0, 0.1));
    const step = collect(state, at(200_000));
    expect(step.request).toEqual({ kind: 'read', name: 'other' });
    expect(asks(step.state, 200_000)).toBeNull();
    expect(asks(reply(step.state, { kind: 'absent' }).state, 200_000)).toEqual({ kind: 'read', name: 'dead' });
  });

  test('rests for long where it is forbidden, and says so', () => {
    const failed = { kind: 'failed', code: 'forbidden', message: '', retryAfterMs: null } as const;
    const forbidden = reply(removing().state, failed);
    expect(forbidden.report).toEqual({ kind: 'forbidden' });
    expect(asks(forbidden.state, 3_639_999)).toBeNull();
    expect(asks(forbidden.state, 3_640_000)).not.toBeNull();
  });
});
