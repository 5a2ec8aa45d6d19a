import { beforeEach, describe, expect, test } from 'vitest';
import type { MemberLease } from '../ports/members.ts';
import { memberLease } from './heartbeat.fixture.ts';
import { MemberObserver } from './observer.ts';

let observer: MemberObserver;
let nowMs: number;
let version: number;
beforeEach(() => {
  observer = new MemberObserver({ durationMs: 40_000, membersMax: 1_000 });
  nowMs = 0;
  version = 100;
});

const lease = (name: string, overrides: Partial<MemberLease> = {}) => {
  version += 1;
  const renewTime = `renewal ${version}`;
  return memberLease({
    name,
    uid: `uid-${name}`,
    holder: `${name}_1`,
    resourceVersion: `${version}`,
    renewTime,
    ...overrides,
  });
};
const told = (changes: ReturnType<MemberObserver['observe']>) =>
  changes.map(({ kind, member }) => `${kind} ${member.lease.name}`);
const list = (...leases: MemberLease[]) => told(observer.observe({ kind: 'listed', leases }, nowMs));
const changed = (seen: MemberLease) => told(observer.observe({ kind: 'changed', lease: seen }, nowMs));
/** Ten seconds and a heartbeat of each of these later. */
const beat = (...names: string[]) => {
  nowMs += 10_000;
  return names.flatMap((name) => changed(lease(name)));
};
const alive = () => [...observer.members.values()].filter((member) => member.alive).map((member) => member.lease.name);

describe('a member', () => {
  test('is alive as long as its heartbeat changes', () => {
    list(lease('a'), lease('b'));
    for (let beats = 0; beats < 20; beats += 1) expect(beat('a', 'b')).toEqual([]);
    expect(alive()).toEqual(['a', 'b']);
  });

  test('is lost when it stood still for its duration, and back with its next heartbeat', () => {
    list(lease('a'), lease('b'));
    expect([beat('a'), beat('a'), beat('a')].flat()).toEqual([]);
    expect(beat('a')).toEqual(['lost b']);
    expect(beat('a')).toEqual([]);
    expect(beat('b')).toEqual(['returned b']);
  });

  test('is timed by its own duration, and by the usual one where it has none', () => {
    list(lease('a'), lease('short', { durationMs: 30_000 }), lease('none', { durationMs: null }));
    expect([beat('a'), beat('a'), beat('a')].flat()).toEqual(['lost short']);
    expect(beat('a')).toEqual(['lost none']);
  });

  test('that was found is given its whole duration, whatever its times say', () => {
    list(
      lease('old', { renewTime: '1999-01-01T00:00:00.000000Z' }),
      lease('new', { renewTime: '2999-01-01T00:00:00.000000Z' }),
    );
    expect(alive()).toEqual(['old', 'new']);
    for (let beats = 0; beats < 4; beats += 1) beat('a');
    expect(alive()).toEqual(['a']);
  });

  test('is confirmed once its heartbeat was seen to change', () => {
    list(lease('a'));
    expect(observer.members.get('a')?.confirmed).toBe(false);
    beat('a');
    expect(observer.members.get('a')).toMatchObject({ confirmed: true, seenMonoMs: 10_000 });
  });

  test('is not kept alive by edits of other fields', () => {
    const still = lease('b');
    list(lease('a'), still);
    for (let beats = 0; beats < 3; beats += 1) beat('a');
    nowMs += 10_000;
    expect(changed({ ...still, resourceVersion: '900', durationMs: 40_000 })).toEqual(['lost b']);
  });

  test('that starts anew under the same Lease has joined', () => {
    list(lease('a'));
    expect(changed(lease('a', { holder: 'a_2' }))).toEqual(['joined a']);
    expect(changed(lease('a', { holder: 'a_2', uid: 'other' }))).toEqual(['joined a']);
  });

  test('that tells something else of itself has changed', () => {
    const seen = lease('a');
    list(seen);
    const profile = { ...seen.profile, address: '10.0.0.9:4042' };
    expect(changed(lease('a', { profile }))).toEqual(['changed a']);
  });

  test('whose Lease is deleted has left, be it told or missing in a listing', () => {
    list(lease('a'), lease('b'));
    expect(told(observer.observe({ kind: 'gone', lease: lease('a') }, nowMs))).toEqual(['left a']);
    expect(list()).toEqual(['left b']);
    expect(told(observer.observe({ kind: 'gone', lease: lease('a') }, nowMs))).toEqual([]);
  });

  test('is judged by what is there after etcd was restored, though its versions begin anew below the known ones', () => {
    const backup = [lease('a'), lease('b')];
    beat('a', 'b');
    expect(list(...backup)).toEqual([]);
    expect([...observer.members.values()].map((member) => member.lease)).toEqual(backup);
    for (let restored = 110; restored < 113; restored += 1) {
      nowMs += 10_000;
      expect(changed(lease('a', { resourceVersion: `${restored}` }))).toEqual([]);
    }
    nowMs += 10_000;
    expect(changed(lease('a', { resourceVersion: '113' }))).toEqual(['lost b']);
    expect(alive()).toEqual(['a']);
  });
});

describe('silence', () => {
  test('of the whole watch kills nobody', () => {
    list(lease('a'), lease('b'));
    beat('a', 'b');
    nowMs += 600_000;
    expect([...changed(lease('a')), ...changed(lease('b'))]).toEqual([]);
  });

  test('counts as far as it is ordinary: those who stay silent behind it are lost', () => {
    list(lease('a'), lease('b'));
    nowMs += 600_000;
    expect([...changed(lease('a')), ...beat('a'), ...beat('a')]).toEqual([]);
    expect(beat('a')).toEqual(['lost b']);
  });

  test('of one who heeds long intervals kills no member of short ones, when he wakes and reads on', () => {
    observer = new MemberObserver({ durationMs: 3_600_000, membersMax: 1_000 });
    list(lease('a'), lease('b'), lease('slow', { durationMs: 3_600_000 }));
    for (let beats = 0; beats < 6; beats += 1) beat('a', 'b');
    nowMs += 60_000;
    expect([...changed(lease('a')), ...changed(lease('b'))]).toEqual([]);
    nowMs += 60_000;
    expect(changed(lease('a'))).toEqual([]);
    expect([beat('a'), beat('a'), beat('a')].flat()).toEqual(['lost b']);
  });

  test('that only bookmarks break shows the last one dead', () => {
    list(lease('a'));
    const lost = [1, 2, 3].flatMap(() => {
      nowMs += 15_000;
      return told(observer.observe({ kind: 'idle' }, nowMs));
    });
    expect(lost).toEqual(['lost a']);
  });
});

describe('many members', () => {
  test('are each timed on their own', () => {
    const names = Array.from({ length: 600 }, (_, index) => `m${index}`);
    list(...names.map((name) => lease(name)));
    const lost: string[] = [];
    for (let beats = 0; beats < 6; beats += 1) lost.push(...beat(...names.slice(100)));
    expect(lost).toHaveLength(100);
    expect(alive()).toHaveLength(500);
  });

  test('are bounded, and that some are left out is known', () => {
    list(...Array.from({ length: 1_001 }, (_, index) => lease(`m${index}`)));
    expect([observer.members.size, observer.overflow]).toEqual([1_000, true]);
    list(lease('m0'));
    expect([observer.members.size, observer.overflow]).toEqual([1, false]);
  });
});
