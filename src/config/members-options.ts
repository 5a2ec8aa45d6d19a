import { duration } from './duration.ts';
import { boolean } from './numbers.ts';
import type { Options, Relation, Values } from './option.ts';
import { isPodGiven, type PodValues } from './pod-given.ts';

const group = 'Members';

/** What `leasegate run` takes for the heartbeats of replicas; all of it needs `LEASEGATE_MEMBERS`. */
export const MEMBERS_OPTIONS = {
  members: {
    flag: 'members',
    env: 'LEASEGATE_MEMBERS',
    type: boolean,
    default: 'false',
    group,
    meaning:
      'Whether this replica keeps a Lease of its own, as a heartbeat that the others see: `<lease name>-<hash of the name of the pod>`, in the namespace of the Lease.',
    danger:
      'It needs a rule in the Role that names no Lease, since the names hold a hash. Restrict it by the admission policies.',
  },
  membersDuration: {
    flag: 'members-duration',
    env: 'LEASEGATE_MEMBERS_DURATION',
    type: duration({ minMs: 3_000, maxMs: 3_600_000, wholeSeconds: true }),
    default: '40s',
    group,
    meaning: 'How long a replica counts as alive without a heartbeat.',
  },
  membersInterval: {
    flag: 'members-interval',
    env: 'LEASEGATE_MEMBERS_INTERVAL',
    type: duration({ minMs: 1_000, maxMs: 3_600_000 }),
    default: '10s',
    group,
    meaning: 'Time between two heartbeats of a replica.',
    danger: 'Each is a write to the API server and to etcd, which is told to every replica.',
  },
} as const satisfies Options;

const INTERVALS_MIN = 3;

/** The rules between them. */
export function membersRelations<O extends Options & typeof MEMBERS_OPTIONS>(): Relation<O>[] {
  type Table = typeof MEMBERS_OPTIONS;
  const relations: Relation<Table>[] = [
    ...(['membersDuration', 'membersInterval'] as const).map(
      (key): Relation<Table> => ({
        between: [key, 'members'],
        ...(key === 'membersDuration' && { rule: 'Options of members are taken only with `LEASEGATE_MEMBERS`.' }),
        broken: ({ members }, show, given) =>
          members || !given(key)
            ? null
            : {
                message: `${show(key)} says nothing without members`,
                remedy: 'set LEASEGATE_MEMBERS=true, or leave it out',
              },
      }),
    ),
    {
      between: ['membersDuration', 'membersInterval'],
      rule: 'Three heartbeats fit into the duration of one, so that one that fails changes nothing.',
      broken: ({ membersDuration, membersInterval }, show) =>
        membersInterval * INTERVALS_MIN <= membersDuration
          ? null
          : {
              message: `${show('membersInterval')} does not fit three times into ${show('membersDuration')}`,
              remedy: 'make the interval shorter, or the duration longer',
            },
    },
  ];
  return relations as unknown as Relation<O>[];
}

/** How this replica keeps a heartbeat. Durations in milliseconds. */
export interface MembersConfig {
  readonly durationMs: number;
  readonly intervalMs: number;
  /** See `isPodGiven`. */
  readonly podGiven: boolean;
}

/** Null: it keeps none. */
export function membersOf(values: Values<typeof MEMBERS_OPTIONS> & PodValues): MembersConfig | null {
  const { members, membersDuration: durationMs, membersInterval: intervalMs } = values;
  return members ? Object.freeze<MembersConfig>({ durationMs, intervalMs, podGiven: isPodGiven(values) }) : null;
}
