import type { CANDIDACY_OPTIONS } from './candidacy-options.ts';
import type { LEASE_NAME_OPTIONS } from './lease-name-options.ts';
import type { MEMBERS_OPTIONS } from './members-options.ts';
import { boolean } from './numbers.ts';
import type { Option, Options, Relation } from './option.ts';

/** What `leasegate run` takes for the spread of several elections over the replicas. */
export const SHARES_OPTIONS = {
  fairShare: {
    flag: 'fair-share',
    env: 'LEASEGATE_FAIR_SHARE',
    type: boolean,
    default: 'false',
    group: 'Fair share',
    meaning:
      'Whether the replicas share several elections evenly: what is free is left to whoever leads fewest, and whoever leads more than its share hands over, one election at a time. All replicas must be told the same.',
    danger:
      'Each replica that comes or goes changes the leaders of some elections. Where nobody comes, a free Lease is claimed two retry periods later than without.',
  },
} as const satisfies Options;

type Table = typeof SHARES_OPTIONS &
  Pick<typeof MEMBERS_OPTIONS, 'members'> &
  Pick<typeof CANDIDACY_OPTIONS, 'preempt'> &
  Pick<typeof LEASE_NAME_OPTIONS, 'leaseNamePrefix'> & { leaseName: Option<readonly string[]> };

/** The rules between it and others. */
export function sharesRelations<O extends Options & typeof SHARES_OPTIONS>(): Relation<O>[] {
  const relations: Relation<Table>[] = [
    {
      between: ['fairShare', 'leaseName'],
      rule: 'A fair share is one of several elections, among replicas that know of each other, and that take none from each other.',
      broken: ({ fairShare, leaseName }, show) =>
        fairShare && leaseName?.length === 1
          ? {
              message: `${show('fairShare')} has nothing to share with one election`,
              remedy: 'name several in LEASEGATE_LEASE_NAME, with commas between them, or leave it out',
            }
          : null,
    },
    {
      between: ['fairShare', 'leaseNamePrefix'],
      broken: ({ fairShare, leaseNamePrefix }, show) =>
        fairShare && leaseNamePrefix !== undefined
          ? {
              message: `${show('fairShare')} has nothing to share with the one election of ${show('leaseNamePrefix')}`,
              remedy: 'name several in LEASEGATE_LEASE_NAME instead, with commas between them, or leave it out',
            }
          : null,
    },
    {
      between: ['fairShare', 'members'],
      broken: ({ fairShare, members }, show) =>
        fairShare && !members
          ? {
              message: `${show('fairShare')} needs to know the other replicas`,
              remedy: 'set LEASEGATE_MEMBERS=true for all of them, or leave it out',
            }
          : null,
    },
    {
      between: ['fairShare', 'preempt'],
      broken: ({ fairShare, preempt }, show) =>
        fairShare && preempt
          ? {
              message: `${show('preempt')} would take back what ${show('fairShare')} hands over`,
              remedy: 'leave one of them out',
            }
          : null,
    },
  ];
  return relations as unknown as Relation<O>[];
}
