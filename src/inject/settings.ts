import { parseOptions } from '../config/parse.ts';
import type { Problem } from '../config/problem.ts';
import { RUN_OPTIONS } from '../config/run-options.ts';
import type { InjectOptions } from './options.ts';

/** What the sidecar is told, and what follows from it for its pod. */
export interface Settings {
  /** The variables beside the Lease's name and the downward API. */
  readonly env: readonly (readonly [name: string, value: string])[];
  readonly ports: {
    readonly api: number;
    readonly probe: number;
    readonly gateway: number | null;
    readonly peer: number | null;
  };
  /** How long its end may take after SIGTERM. */
  readonly graceSeconds: number;
}

/** Variables that have a flag of their own here, or none at all. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  LEASEGATE_LEASE_NAME: 'use --lease-name',
  LEASEGATE_LEASE_NAME_PREFIX: 'use --lease-name-prefix',
  LEASEGATE_MEMBERS: 'use --members',
  LEASEGATE_PUBLISH: 'use --publish',
  LEASEGATE_ENDPOINTSLICE_SERVICE: 'use --service, with --publish endpointslice',
  LEASEGATE_GATEWAY_LISTEN: 'use --gateway',
  LEASEGATE_GATEWAY_TARGET: 'use --gateway',
  LEASEGATE_NAMESPACE: 'leave it out: Lease and Role are in the namespace of the workload',
};

/** A pod like any other: what the downward API will give. */
const SAMPLE_POD = { POD_NAME: 'pod', POD_NAMESPACE: 'namespace', POD_UID: 'uid', POD_IP: '10.0.0.1' };

/** Checks the sidecar's variables as the sidecar will; all problems at once. */
export function settingsOf(options: InjectOptions): Settings | readonly Problem[] {
  const { members, publish, service, gateway, set } = options;
  const env: (readonly [string, string])[] = [
    ...(members ? [['LEASEGATE_MEMBERS', 'true'] as const] : []),
    ...(publish.length > 0 ? [['LEASEGATE_PUBLISH', publish.join(',')] as const] : []),
    ...(publish.includes('endpointslice') ? [['LEASEGATE_ENDPOINTSLICE_SERVICE', service ?? ''] as const] : []),
    ...(gateway === null
      ? []
      : [
          ['LEASEGATE_GATEWAY_LISTEN', `:${gateway.listen}`] as const,
          ['LEASEGATE_GATEWAY_TARGET', `127.0.0.1:${gateway.target}`] as const,
        ]),
    ...set,
  ];
  const misplaced = set.flatMap(([name, value]) =>
    ELSEWHERE[name] === undefined
      ? foreign(name, value)
      : [problem(name, value, 'is not set this way', ELSEWHERE[name])],
  );
  const known = Object.fromEntries(env);
  // Where nothing names it, it will have the name of the workload.
  const named = options.leaseName ?? (known.LEASEGATE_LEASE_NAME_PREFIX === undefined ? 'lease' : null);
  const leaseName = named === null ? {} : { LEASEGATE_LEASE_NAME: [named, ...options.furtherLeases].join() };
  const all = {
    ...leaseName,
    ...SAMPLE_POD,
    ...known,
  };
  const parsed = parseOptions(RUN_OPTIONS, { argv: [], env: all });
  if (!parsed.ok || misplaced.length > 0) return [...misplaced, ...(parsed.ok ? [] : parsed.problems.map(ofInject))];
  const { values } = parsed;
  const unreachable = [
    ...(values.probeListen.port === 0 || values.apiListen.port === 0
      ? [problem('--set', null, 'a listener has port 0, which nobody could be told of', 'choose a port')]
      : []),
    ...(/^(127\.|::1$|localhost$)/.test(values.probeListen.host)
      ? [
          problem(
            'LEASEGATE_PROBE_LISTEN',
            values.probeListen.host,
            'is out of reach for the kubelet',
            'listen on every address',
          ),
        ]
      : []),
  ];
  if (unreachable.length > 0) return unreachable;
  const drainMs = gateway === null ? 0 : values.gatewayDrain;
  const waitMs = values.shutdownWaitFor === undefined ? values.shutdownDelay : values.shutdownWaitMax;
  return {
    env,
    ports: {
      api: values.apiListen.port,
      probe: values.probeListen.port,
      gateway: gateway?.listen ?? null,
      peer: gateway !== null && values.gatewayStandby === 'forward' ? values.gatewayPeerListen.port : null,
    },
    graceSeconds: Math.ceil((drainMs + waitMs) / 1_000) + 10,
  };
}

const IN_REMEDY = /\b(?:set (LEASEGATE_\w+)=true|(LEASEGATE_\w+))/g;

/** With flags of `inject` in the remedy, in the place of variables that `--set` refuses. */
function ofInject(problem: Problem): Problem {
  const remedy = problem.remedy.replace(IN_REMEDY, (text, switched: string | undefined, named: string | undefined) => {
    const flag = /^use (--[a-z-]+)/.exec(ELSEWHERE[switched ?? named ?? ''] ?? '')?.[1];
    if (flag === undefined) return text;
    return switched === undefined ? flag : `use ${flag}`;
  });
  return { ...problem, remedy };
}

function foreign(name: string, value: string): Problem[] {
  return name.startsWith(RUN_OPTIONS.envPrefix!)
    ? []
    : [
        problem(
          name,
          value,
          'is no variable of Leasegate',
          `write LEASEGATE_…=value (leasegate run --help lists them)`,
        ),
      ];
}

function problem(option: string, value: string | null, message: string, remedy: string): Problem {
  return { code: 'OPTION_INVALID', option, value, message, remedy };
}
