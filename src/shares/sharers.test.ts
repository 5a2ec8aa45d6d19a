import { expect, test } from 'vitest';
import type { Member } from '../ports/membership.ts';
import { sharersOf } from './sharers.ts';

const OWN = { identity: 'a', campaigns: ['s1', 's2'], elections: ['s1', 's2'] };

function member(candidate: string | null, campaigns: string[] | null, alive = true): Member {
  const unsaid = { address: null, since: null, version: null, role: 'standby' as const };
  return {
    ...unsaid,
    identity: `${candidate}-1`,
    pod: candidate,
    candidate,
    campaigns,
    alive,
    confirmed: true,
    lastHeartbeatAgoMs: 10,
  };
}

test('whoever lives and would lead something has a share in what it names', () => {
  const members = [
    member('c', ['s2']),
    member('b', []),
    member('d', ['s1'], false),
    member(null, null),
    member('a', ['s1', 's2']),
  ];
  const { all, complete } = sharersOf(members, OWN, 100);
  expect([...all.keys()]).toEqual(['a', 'c']);
  expect(all.get('c')).toEqual({ pod: 'c', heardMonoMs: 90, campaigns: new Set(['s2']) });
  expect(complete).toBe(true);
});

test('what this replica would lead is known better than by its last heartbeat', () => {
  const members = [member('a', ['s1', 's2'])];
  expect(sharersOf(members, { ...OWN, campaigns: ['s1'] }, 0).all.get('a')?.campaigns).toEqual(new Set(['s1']));
  expect(sharersOf(members, { ...OWN, campaigns: [] }, 0).all.size).toBe(0);
});

test.each([
  ['would lead what is none of the own elections', ['s1', 's3']],
  ['does not say', null],
])('how much each leads is not known where one %s', (_, campaigns) => {
  expect(sharersOf([member('a', ['s1']), member('b', campaigns)], OWN, 0).complete).toBe(false);
});
