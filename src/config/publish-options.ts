import { duration } from './duration.ts';
import { dnsLabel, listOf } from './names.ts';
import type { Options, Relation } from './option.ts';

const group = 'Publishing';

/** The ways in which a leader becomes visible to Kubernetes. */
export const PUBLISHERS = ['label', 'readiness-gate', 'endpointslice'] as const;

/** What `leasegate run` takes for publishing; all of it needs `LEASEGATE_PUBLISH`. */
export const PUBLISH_OPTIONS = {
  publish: {
    flag: 'publish',
    env: 'LEASEGATE_PUBLISH',
    type: listOf(PUBLISHERS),
    defaultText: 'nothing is published',
    group,
    meaning:
      'How a Service finds the leader: `label` (`leasegate.dev/role` on the pods), `readiness-gate` (only the leader is Ready), `endpointslice` (the address of the leader, for a Service without a selector).',
    danger:
      'Each needs a rule in the Role. With `readiness-gate` a rolling update of a Deployment and the drain of a node wait for pods that are never Ready.',
  },
  endpointsliceService: {
    flag: 'endpointslice-service',
    env: 'LEASEGATE_ENDPOINTSLICE_SERVICE',
    type: dnsLabel,
    defaultText: 'required with `endpointslice`',
    group,
    meaning: "The Service without a selector that the leader's address is published for. In the namespace of the pods.",
    danger: 'Use a Service for one election only.',
  },
  publishResync: {
    flag: 'publish-resync',
    env: 'LEASEGATE_PUBLISH_RESYNC',
    type: duration({ minMs: 1_000, maxMs: 3_600_000 }),
    default: '1m',
    group,
    meaning:
      'How often the leader looks at what is published, should the watch not have told of a change by somebody else: with two requests. Standbys ask nothing.',
  },
} as const satisfies Options;

type Table = typeof PUBLISH_OPTIONS & {
  readonly podName: Options[string];
  readonly podUid: Options[string];
  readonly podIp: Options[string];
};

/** The rules between them, for a table that has `podName`, `podUid` and `podIp` as well. */
export function publishRelations<O extends Options & typeof PUBLISH_OPTIONS>(): Relation<O>[] {
  const relations: Relation<Table>[] = [
    ...(['endpointsliceService', 'publishResync'] as const).map(
      (key): Relation<Table> => ({
        between: [key],
        ...(key === 'publishResync' && { rule: 'Options of publishing are taken only where something is published.' }),
        broken: (_values, show, given) =>
          !given(key) || given('publish')
            ? null
            : {
                message: `${show(key)} says nothing where nothing is published`,
                remedy: 'set LEASEGATE_PUBLISH, or leave it out',
              },
      }),
    ),
    {
      between: ['publish'],
      rule: '`endpointslice` has a Service, and only that has.',
      broken({ publish }, show, given) {
        const wanted = publish?.includes('endpointslice') ?? false;
        if (publish === undefined || wanted === given('endpointsliceService')) return null;
        return wanted
          ? {
              message: `${show('publish')} has no Service`,
              remedy: 'set LEASEGATE_ENDPOINTSLICE_SERVICE to a Service without a selector',
            }
          : {
              message: `${show('endpointsliceService')} is not used with ${show('publish')}`,
              remedy: 'leave it out, or add endpointslice to LEASEGATE_PUBLISH',
            };
      },
    },
    downward(
      'podName',
      'POD_NAME',
      'metadata.name',
      'Publishing needs `POD_NAME` and `POD_UID`, `endpointslice` `POD_IP` as well.',
    ),
    downward('podUid', 'POD_UID', 'metadata.uid'),
    downward('podIp', 'POD_IP', 'status.podIP'),
  ];
  return relations as unknown as Relation<O>[];
}

function downward(key: 'podName' | 'podUid' | 'podIp', env: string, fieldPath: string, rule?: string): Relation<Table> {
  return {
    between: ['publish'],
    ...(rule === undefined ? {} : { rule }),
    broken({ publish }, show, given) {
      const needed = publish !== undefined && (key !== 'podIp' || publish.includes('endpointslice'));
      return !needed || given(key)
        ? null
        : {
            message: `${show('publish')} does not know this pod: ${env} is not set`,
            remedy: `set ${env} from the downward API (fieldPath: ${fieldPath})`,
          };
    },
  };
}
