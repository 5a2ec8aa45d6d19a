import type { LeaderAnswer, Leadership, LeadershipChange } from '../leadership/leadership.ts';
import type { MembersAnswer, Membership, MembershipChange } from '../ports/membership.ts';
import type { EventSource } from './event-hub.ts';
import { LIMITS } from './limits.ts';

/** The data of one event of `/leader/events`. `snapshot` is the first on each connection; the others are told as they happen. */
export interface LeadershipEvent extends LeaderAnswer {
  readonly change: LeadershipChange['kind'] | 'snapshot';
  readonly reason: string | null;
}

/** The same of `/members/events`: everybody at first, then whom a change is about. */
export type MembershipEvent =
  | ({ readonly change: 'snapshot' } & MembersAnswer)
  | { readonly change: MembershipChange['kind']; readonly member: MembershipChange['member'] };

/** @param base where the routes of this election lie */
export function leadershipEvents(leadership: Leadership, base = ''): EventSource {
  return {
    path: `${base}/leader/events`,
    name: 'leadership',
    readersMax: LIMITS.eventStreamsMax,
    unreadBytesMax: LIMITS.eventStreamBufferBytesMax,
    poll: `${base}/leader`,
    snapshot: (): LeadershipEvent => ({ ...leadership.answer(), change: 'snapshot', reason: null }),
    subscribe: (tell) =>
      leadership.subscribe(({ answer, kind, reason }) => {
        const event: LeadershipEvent = { ...answer, change: kind, reason };
        tell(event);
      }),
  };
}

export function membershipEvents(membership: Membership): EventSource {
  return {
    path: '/members/events',
    name: 'membership',
    readersMax: LIMITS.memberStreamsMax,
    unreadBytesMax: LIMITS.memberStreamBufferBytesMax,
    poll: '/members',
    snapshot: (): MembershipEvent => ({ change: 'snapshot', ...membership.answer() }),
    subscribe: (tell) =>
      membership.subscribe(({ kind, member }) => {
        const event: MembershipEvent = { change: kind, member };
        tell(event);
      }),
  };
}
