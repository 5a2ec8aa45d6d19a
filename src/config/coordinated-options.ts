import { boolean } from './numbers.ts';
import type { Option, Options, Relation, Values } from './option.ts';
import { isPodGiven, type PodValues } from './pod-given.ts';
import { accepted, refused, type ValueType } from './value-type.ts';

const group = 'Coordinated election';

const NUMBER = '(?:0|[1-9]\\d{0,17})';
const IDENTIFIER = `(?:${NUMBER}|\\d*[A-Za-z-][0-9A-Za-z-]*)`;
/** Semantic Versioning 2.0.0, as the API server reads it: without a leading "v", and no number that needs more than 64 bits. */
const SEMVER = new RegExp(
  `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-${IDENTIFIER}(?:\\.${IDENTIFIER})*)?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$`,
);
const VERSION_LENGTH_MAX = 64;

/** The version of an application, as the API server takes it from a candidate. */
export const semver: ValueType<string> = {
  placeholder: 'VERSION',
  accepts: 'semantic version without `v`, such as `1.4.2`',
  format: (value) => value,
  parse(text) {
    if (text.length > VERSION_LENGTH_MAX) return refused('is too long', `use at most ${VERSION_LENGTH_MAX} characters`);
    if (!SEMVER.test(text)) return refused('is not a semantic version', nearest(text));
    if (/^0\.0\.0(\+|$)/.test(text)) {
      return refused('counts as no version for the API server', 'use one above 0.0.0, such as 0.0.1');
    }
    return accepted(text);
  },
};

function nearest(text: string): string {
  const [, numbers = '', rest = ''] = /^v?(\d+(?:\.\d+){0,2})(|[-+].*)$/.exec(text) ?? [];
  const parts = numbers.split('.').map((part) => part.replace(/^0+(?=\d)/, ''));
  const complete = [...parts, '0', '0'].slice(0, 3).join('.') + rest;
  return SEMVER.test(complete)
    ? `write it as ${complete}`
    : 'write three numbers with dots between them, such as 1.4.2';
}

/** What `leasegate run` takes for an election that the API server decides. */
export const COORDINATED_OPTIONS = {
  coordinated: {
    flag: 'coordinated',
    env: 'LEASEGATE_COORDINATED',
    type: boolean,
    default: 'false',
    group,
    meaning:
      'Leaves it to Kubernetes to choose the leader among the replicas that stand as candidates: the one of the oldest version. Needs a control plane with the feature gate `CoordinatedLeaderElection`.',
    danger:
      'All replicas of an election have to say the same, or two may lead: scale to none before you change it. While no API server serves candidates nobody leads, and this replica ends with an error.',
  },
  appVersion: {
    flag: 'app-version',
    env: 'LEASEGATE_APP_VERSION',
    type: semver,
    group,
    meaning:
      "Version of the application, by which Kubernetes chooses: the lowest leads. In a pod it may come from a label (fieldPath: metadata.labels['app.kubernetes.io/version']).",
  },
} as const satisfies Options;

const POD_NAME_LENGTH_MAX = 63;

/** Given without effect, each would be a promise that nobody keeps. */
const CONTRADICTIONS = {
  priority: 'Kubernetes chooses by version, not by priority',
  preempt: 'Kubernetes asks leaders to give way by itself',
  leadUnhealthy: 'Kubernetes does not know who is healthy: an unhealthy replica is no candidate',
} as const;

type Others = { readonly [Key in keyof typeof CONTRADICTIONS | 'podName']: Options[string] } & {
  readonly leaseName: Option<readonly string[]>;
};

/** The rules between them. */
export function coordinatedRelations<O extends Options>(): Relation<O>[] {
  type Table = typeof COORDINATED_OPTIONS & Others;
  const relations: Relation<Table>[] = [
    {
      between: ['coordinated'],
      rule: 'A coordinated election needs the version of the application, and nothing else takes it.',
      broken: ({ coordinated }, show, given) =>
        !coordinated || given('appVersion')
          ? null
          : {
              message: `${show('coordinated')} needs the version of the application`,
              remedy: 'set LEASEGATE_APP_VERSION=1.4.2, say, without a "v"',
            },
    },
    {
      between: ['appVersion', 'coordinated'],
      broken: ({ coordinated }, show) =>
        coordinated
          ? null
          : {
              message: `${show('appVersion')} says nothing without a coordinated election`,
              remedy: 'set LEASEGATE_COORDINATED=true, or leave it out',
            },
    },
    ...(Object.keys(CONTRADICTIONS) as (keyof typeof CONTRADICTIONS)[]).map(
      (key): Relation<Table> => ({
        between: [key, 'coordinated'],
        ...(key === 'priority' && { rule: 'Where Kubernetes chooses who leads, replicas have no say in it.' }),
        broken: ({ coordinated, [key]: value }, show, given) =>
          coordinated && given(key) && value !== false
            ? { message: `${show(key)} can't be honoured: ${CONTRADICTIONS[key]}`, remedy: 'leave it out' }
            : null,
      }),
    ),
    {
      between: ['coordinated', 'leaseName'],
      rule: 'A coordinated election is the only one of its replicas.',
      broken: ({ coordinated, leaseName }, show) =>
        coordinated && (leaseName?.length ?? 1) > 1
          ? { message: `${show('coordinated')} is for one election`, remedy: 'name one Lease in LEASEGATE_LEASE_NAME' }
          : null,
    },
    {
      between: ['podName', 'coordinated'],
      broken: ({ coordinated, podName }, show) =>
        coordinated && typeof podName === 'string' && podName.length > POD_NAME_LENGTH_MAX
          ? {
              message: `${show('podName')} is too long to become a part of a candidate's name`,
              remedy: `use at most ${POD_NAME_LENGTH_MAX} characters`,
            }
          : null,
    },
  ];
  return relations as unknown as Relation<O>[];
}

/** How this replica stands in an election that the API server decides. */
export interface CoordinatedConfig {
  readonly appVersion: string;
  /** See `isPodGiven`. */
  readonly podGiven: boolean;
}

/** Null: the replicas decide among themselves. */
export function coordinatedOf(values: Values<typeof COORDINATED_OPTIONS> & PodValues): CoordinatedConfig | null {
  const { coordinated, appVersion } = values;
  if (!coordinated || appVersion === undefined) return null;
  return Object.freeze<CoordinatedConfig>({ appVersion, podGiven: isPodGiven(values) });
}
