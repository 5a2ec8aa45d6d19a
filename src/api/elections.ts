import type { ElectionControl, LoopHealth } from '../leadership/control.ts';
import type { LeaderAnswer, Leadership } from '../leadership/leadership.ts';
import type { Candidates } from '../ports/candidates.ts';
import type { EventSource } from './event-hub.ts';
import { type LeadershipEvent, leadershipEvents } from './event-sources.ts';

/** One election as the API serves it. */
export interface ServedElection {
  readonly leadership: Leadership;
  readonly control: ElectionControl;
  readonly health: LoopHealth;
  readonly candidates: Candidates;
}

/** At least one; the first is what the routes without a name speak of. */
export type ServedElections = readonly [ServedElection, ...ServedElection[]];

/** Where the routes of one election lie, by the name of its Lease, which needs no escaping. */
export function electionPath(name: string): string {
  return `/elections/${name}`;
}

/** One item of `GET /elections`. */
export interface ElectionSummary
  extends Pick<LeaderAnswer, 'isLeader' | 'leader' | 'validForMs' | 'fencingToken' | 'term'> {
  readonly name: string;
  readonly paused: boolean;
}

/** The body of `GET /elections`. Nobody may trust `isLeader: true` for longer than `validForMs`, as with `/leader`. */
export interface ElectionsAnswer {
  readonly identity: string;
  readonly namespace: string;
  readonly elections: readonly ElectionSummary[];
}

/** All elections as of now, in the order of the options. */
export function answerElections(elections: ServedElections): ElectionsAnswer {
  const { identity } = elections[0].leadership;
  return {
    identity,
    namespace: elections[0].leadership.lease().namespace,
    elections: elections.map(({ leadership, control }) => {
      const { isLeader, leader, validForMs, fencingToken, term, lease } = leadership.answer();
      return { name: lease.name, isLeader, leader, validForMs, fencingToken, term, paused: control.paused };
    }),
  };
}

/** `/elections/events`: all elections at first, then each change of one, which `lease.name` tells. */
export function electionsEvents(elections: ServedElections): EventSource {
  const [first] = elections;
  return {
    ...leadershipEvents(first.leadership, '/elections'),
    path: '/elections/events',
    poll: '/elections',
    snapshot: () => ({ change: 'snapshot', ...answerElections(elections) }),
    subscribe: (tell) => {
      const ends = elections.map(({ leadership }) =>
        leadership.subscribe(({ answer, kind, reason }) => {
          const event: LeadershipEvent = { ...answer, change: kind, reason };
          tell(event);
        }),
      );
      return () => {
        for (const end of ends) end();
      };
    },
  };
}
