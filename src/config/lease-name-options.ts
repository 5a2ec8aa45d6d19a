import { PREFIX_LENGTH_MAX } from '../naming/workload-lease.ts';
import { prefixOf } from './names.ts';
import type { Options, Relation } from './option.ts';

/** What `leasegate run` takes instead of the Lease's name. */
export const LEASE_NAME_OPTIONS = {
  leaseNamePrefix: {
    flag: 'lease-name-prefix',
    env: 'LEASEGATE_LEASE_NAME_PREFIX',
    type: prefixOf(PREFIX_LENGTH_MAX),
    defaultText: 'the name is told',
    group: 'Lease',
    meaning:
      'Instead of a name: the Lease is `<prefix>-<hash>`, with a hash of the workload that keeps this pod running (its Deployment, say), so that two installations of one product never meet: docs/custom-leases.md.',
    danger:
      "It takes two requests at the start, and rules in the Role: to read pods, and ReplicaSets or Jobs; that for the Lease can't name it beforehand.",
  },
} as const satisfies Options;

type Table = typeof LEASE_NAME_OPTIONS & { readonly leaseName: Options[string]; readonly podName: Options[string] };

/** The rules between them, for a table that has `leaseName` and `podName` as well. */
export function leaseNameRelations<O extends Options & typeof LEASE_NAME_OPTIONS>(): Relation<O>[] {
  const relations: Relation<Table>[] = [
    {
      between: ['leaseName', 'leaseNamePrefix'],
      rule: 'Either `LEASEGATE_LEASE_NAME` or `LEASEGATE_LEASE_NAME_PREFIX` is given.',
      broken: (_values, show) => ({
        message: `${show('leaseName')} and ${show('leaseNamePrefix')} both name the Lease`,
        remedy: 'take one of them: the name as it is, or the prefix for a name of the workload’s own',
      }),
    },
    {
      between: ['leaseNamePrefix'],
      rule: 'A prefix needs `POD_NAME`.',
      broken: (_values, show, given) =>
        given('podName')
          ? null
          : {
              message: `${show('leaseNamePrefix')} does not know this pod: POD_NAME is not set`,
              remedy:
                'set POD_NAME from the downward API (fieldPath: metadata.name), or name the Lease: LEASEGATE_LEASE_NAME',
            },
    },
  ];
  return relations as unknown as Relation<O>[];
}
