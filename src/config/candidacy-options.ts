import { boolean, integer } from './numbers.ts';
import type { Options, Relation } from './option.ts';

const group = 'Candidacy';

/** What `leasegate run` takes for this replica's part in the election. */
export const CANDIDACY_OPTIONS = {
  priority: {
    flag: 'priority',
    env: 'LEASEGATE_PRIORITY',
    type: integer({ min: 0, max: 10 }),
    default: '10',
    group,
    meaning:
      'A higher one goes first where several could lead: with each point less than 10 a replica leaves a Lease that it could claim to the others for a tenth of the retry period.',
    danger: 'Below 10 it takes that much longer until somebody leads when no better one is there.',
  },
  preempt: {
    flag: 'preempt',
    env: 'LEASEGATE_PREEMPT',
    type: boolean,
    default: 'false',
    group,
    meaning:
      'Asks a leader of lower priority to hand over, once this replica has been healthy, and that leader in office, for a lease duration. Leaders of another make, and those without a lower priority, are not asked.',
    danger: 'Each return of a replica of high priority is a change of leader more.',
  },
  neverLead: {
    flag: 'never-lead',
    env: 'LEASEGATE_NEVER_LEAD',
    type: boolean,
    default: 'false',
    group,
    meaning: 'Follows the election and tells who leads, and takes no part in it.',
    danger: 'Where all replicas are told so, none leads.',
  },
  leadUnhealthy: {
    flag: 'lead-unhealthy',
    env: 'LEASEGATE_LEAD_UNHEALTHY',
    type: boolean,
    default: 'false',
    group,
    meaning:
      'With a health check: leads without a healthy application where nobody else has claimed the Lease for a renew deadline, and hands over to the first replica that has been healthy for a lease duration.',
    danger: 'The leader may then be one whose application does not work.',
  },
} as const satisfies Options;

/** The rules between them. */
export function candidacyRelations<O extends Options & typeof CANDIDACY_OPTIONS>(): Relation<O>[] {
  const relations: Relation<typeof CANDIDACY_OPTIONS>[] = [
    {
      between: ['neverLead', 'priority', 'preempt', 'leadUnhealthy'],
      rule: 'What never leads has no priority and takes over from nobody.',
      broken: ({ neverLead, preempt, leadUnhealthy }, show, given) => {
        if (!neverLead || !(given('priority') || preempt || leadUnhealthy)) return null;
        const other = given('priority') ? 'priority' : preempt ? 'preempt' : 'leadUnhealthy';
        return { message: `${show(other)} says nothing with ${show('neverLead')}`, remedy: 'leave one of them out' };
      },
    },
  ];
  return relations as unknown as Relation<O>[];
}
