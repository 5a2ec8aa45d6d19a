import { delimiter } from 'node:path';
import type { Workload } from '../naming/workload-lease.ts';
import type { Address } from './address.ts';
import { type CoordinatedConfig, coordinatedOf } from './coordinated-options.ts';
import type { HealthUrl } from './health-url.ts';
import { type MembersConfig, membersOf } from './members-options.ts';
import { dnsLabel, podNameOfHost } from './names.ts';
import { type NotifyConfig, notifyOf } from './notify-options.ts';
import { labelOf, type OptionTable, type Values } from './option.ts';
import { type OptionSources, parseOptions } from './parse.ts';
import type { Problem } from './problem.ts';
import type { PUBLISHERS } from './publish-options.ts';
import { type LogLevel, RUN_OPTIONS } from './run-options.ts';

/** What `leasegate run` is told to do. Deeply frozen; every value and relation has been checked. */
export interface Config {
  /** The first of {@link leases}, by which everything goes that can go by one only. */
  readonly lease: { readonly name: string; readonly namespace: string };
  /** One for each election, in the order in which they were named; all of one namespace. */
  readonly leases: readonly Config['lease'][];
  /** What the hash in the Lease's name stands for; null where the name was told. */
  readonly leaseNameOf: Workload | null;
  readonly pod: { readonly name: string; readonly namespace: string; readonly uid: string; readonly ip: string | null };
  /** Random part of this start's identity; 64 bits, so that it does not repeat. */
  readonly start: string;
  readonly timings: {
    readonly leaseDurationMs: number;
    readonly renewDeadlineMs: number;
    readonly renewIntervalMs: number;
    readonly retryPeriodMs: number;
  };
  readonly candidacy: {
    readonly priority: number;
    readonly preempt: boolean;
    readonly neverLead: boolean;
    readonly leadUnhealthy: boolean;
  };
  readonly apiListen: Address;
  readonly probeListen: Address;
  /** Null: no gateway. */
  readonly gateway: GatewayConfig | null;
  /** Null: the application's health is not asked for. */
  readonly appHealth: AppHealthConfig | null;
  readonly shutdown: ShutdownConfig;
  /** Null: nothing is published. */
  readonly publish: PublishConfig | null;
  /** Null: the application asks by itself. */
  readonly notify: NotifyConfig | null;
  /** Null: this replica keeps no heartbeat, and knows of no others. */
  readonly members: MembersConfig | null;
  /** Whether the replicas share the elections evenly. */
  readonly fairShare: boolean;
  /** Null: the replicas decide among themselves who leads. */
  readonly coordinated: CoordinatedConfig | null;
  /** Paths as `KUBECONFIG` holds them; undefined: the in-cluster service account, else the usual kubeconfig. */
  readonly kubeconfig: string | undefined;
  readonly logLevel: LogLevel;
}

/** As it is loaded: a name that has to be derived takes the API server to know, and `leases` is empty till then. */
export interface LoadedConfig extends Omit<Config, 'lease' | 'leaseNameOf'> {
  readonly lease:
    | { readonly name: string; readonly namespace: string }
    | { readonly namePrefix: string; readonly namespace: string };
}

/** What is put in front of the application. Durations in milliseconds. */
export interface GatewayConfig {
  readonly protocol: 'http' | 'tcp';
  readonly listen: Address;
  /** Null where work is not forwarded. */
  readonly peerListen: Address | null;
  readonly target: Address;
  readonly standby: 'refuse' | 'forward';
  readonly drainMs: number;
  readonly forwardWaitMs: number;
  readonly connectionsMax: number;
  readonly accessLog: boolean;
  readonly http: {
    readonly responseTimeoutMs: number;
    readonly forwarded: 'replace' | 'append';
    readonly limits: {
      readonly headerBytesMax: number;
      readonly headersTimeoutMs: number;
      readonly requestTimeoutMs: number;
      readonly keepAliveMs: number;
    };
  };
  readonly tcp: { readonly proxyProtocol: boolean };
}

/** How the application's health decides on candidacy. */
export interface AppHealthConfig {
  readonly target: HealthUrl;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Checks in a row. */
  readonly failures: number;
  readonly successes: number;
}

/** What puts off the end after a signal: a time, or a port of the application that is still open. */
export type ShutdownConfig =
  | { readonly kind: 'delay'; readonly delayMs: number }
  | { readonly kind: 'port'; readonly port: Address; readonly waitMsMax: number };

/** How the leader becomes visible to Kubernetes. */
export interface PublishConfig {
  readonly publishers: readonly (typeof PUBLISHERS)[number][];
  /** That of the pods. */
  readonly namespace: string;
  /** Null where no EndpointSlice is published. */
  readonly service: string | null;
  readonly resyncMs: number;
}

/** All that loading needs from outside; it reads nothing by itself. */
export interface ConfigSources extends OptionSources {
  /** The text of a file, or undefined when it can't be read. */
  readFile(path: string): string | undefined;
  hostname(): string;
  /** That many random bytes, in hexadecimal. */
  randomHex(bytes: number): string;
  /** The namespace of the current context; undefined when there is no kubeconfig or its context has none. */
  kubeconfigNamespace(kubeconfig: string | undefined): string | undefined;
}

export type ConfigResult =
  | { readonly ok: true; readonly config: LoadedConfig }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

type RunValues = Values<typeof RUN_OPTIONS.options>;

/**
 * Loads the options of `leasegate run`, or says everything that is wrong with them. `table`: of a command that takes others
 * beside them.
 */
export function loadConfig(
  sources: ConfigSources,
  table: OptionTable<typeof RUN_OPTIONS.options> = RUN_OPTIONS,
): ConfigResult {
  const parsed = parseOptions(table, sources);
  const problems: Problem[] = parsed.ok ? [] : [...parsed.problems];
  const badKubeconfig = unreadableKubeconfig(parsed.values.kubeconfig, sources);
  if (badKubeconfig !== null) problems.push(badKubeconfig);

  let { namespace } = parsed.values;
  const refusedAlready = problems.some(({ option }) => NAMESPACE_SOURCES.has(option));
  if (namespace === undefined && !refusedAlready) {
    const found = findNamespace(parsed.values, sources);
    if (typeof found === 'string') namespace = found;
    else problems.push(found);
  }
  if (!parsed.ok || problems.length > 0 || namespace === undefined) return { ok: false, problems };
  return { ok: true, config: configOf(parsed.values, namespace, sources) };
}

/** Options whose own problem already explains why no namespace is known. */
const NAMESPACE_SOURCES: ReadonlySet<string> = new Set(
  [RUN_OPTIONS.options.namespace, RUN_OPTIONS.options.podNamespace, RUN_OPTIONS.options.kubeconfig].map(labelOf),
);

function findNamespace(values: Partial<RunValues>, sources: ConfigSources): string | Problem {
  if (values.podNamespace !== undefined) return values.podNamespace;
  const option = labelOf(RUN_OPTIONS.options.namespace);
  const remedy =
    'name it: --namespace NAME, or LEASEGATE_NAMESPACE; in a pod POD_NAMESPACE from the downward API (fieldPath: metadata.namespace)';
  const candidates = [
    [NAMESPACE_FILE, () => sources.readFile(NAMESPACE_FILE)?.trim()],
    ["the kubeconfig's context", () => sources.kubeconfigNamespace(values.kubeconfig)],
  ] as const;
  for (const [where, read] of candidates) {
    const text = read();
    if (!text) continue;
    if (dnsLabel.parse(text).ok) return text;
    return {
      code: 'OPTION_INVALID',
      option,
      value: text,
      message: `was found in ${where} and is not a DNS-1123 label`,
      remedy,
    };
  }
  const message =
    "no namespace was found: not in POD_NAMESPACE, not beside the service account's token, not in the kubeconfig's context";
  return { code: 'OPTION_MISSING', option, value: null, message, remedy };
}

/** Like kubectl, takes a list of paths of which some are absent, but not one of which all are. */
function unreadableKubeconfig(kubeconfig: string | undefined, { readFile }: ConfigSources): Problem | null {
  if (kubeconfig === undefined) return null;
  const paths = kubeconfig.split(delimiter).filter((path) => path !== '');
  if (paths.some((path) => readFile(path) !== undefined)) return null;
  return {
    code: 'OPTION_INVALID',
    option: labelOf(RUN_OPTIONS.options.kubeconfig),
    value: kubeconfig,
    message: 'is no file that can be read',
    remedy: 'name a readable kubeconfig, or leave it out to use the in-cluster service account',
  };
}

function configOf(
  values: RunValues,
  namespace: string,
  { hostname, randomHex, readFile }: ConfigSources,
): LoadedConfig {
  const podNamespace = values.podNamespace ?? (readFile(NAMESPACE_FILE)?.trim() || namespace);
  const leases = (values.leaseName ?? []).map((name) => Object.freeze({ name, namespace }));
  return Object.freeze<LoadedConfig>({
    lease: leases[0] ?? prefixedLease(values, namespace),
    leases: Object.freeze(leases),
    pod: Object.freeze({
      name: values.podName ?? podNameOfHost(hostname()),
      namespace: podNamespace,
      uid: values.podUid ?? randomHex(16),
      ip: values.podIp ?? null,
    }),
    start: randomHex(8),
    timings: Object.freeze({
      leaseDurationMs: values.leaseDuration,
      renewDeadlineMs: values.renewDeadline,
      renewIntervalMs: values.renewInterval,
      retryPeriodMs: values.retryPeriod,
    }),
    candidacy: Object.freeze({
      priority: values.priority,
      preempt: values.preempt,
      neverLead: values.neverLead,
      leadUnhealthy: values.leadUnhealthy,
    }),
    apiListen: Object.freeze(values.apiListen),
    probeListen: Object.freeze(values.probeListen),
    gateway: gatewayOf(values),
    appHealth: appHealthOf(values),
    shutdown: shutdownOf(values),
    publish: publishOf(values, podNamespace),
    notify: notifyOf(values),
    members: membersOf(values),
    fairShare: values.fairShare,
    coordinated: coordinatedOf(values),
    kubeconfig: values.kubeconfig,
    logLevel: values.logLevel,
  });
}

/** Of whoever names no Lease. */
function prefixedLease({ leaseNamePrefix: namePrefix }: RunValues, namespace: string): LoadedConfig['lease'] {
  if (namePrefix === undefined) throw new Error('the options name no Lease');
  return Object.freeze({ namePrefix, namespace });
}

function publishOf(values: RunValues, namespace: string): PublishConfig | null {
  const { publish: publishers, endpointsliceService: service = null, publishResync: resyncMs } = values;
  if (publishers === undefined) return null;
  return Object.freeze<PublishConfig>({ publishers: Object.freeze(publishers), namespace, service, resyncMs });
}

function gatewayOf(values: RunValues): GatewayConfig | null {
  const { gatewayListen: listen, gatewayTarget: target, gatewayStandby: standby } = values;
  if (listen === undefined || target === undefined) return null;
  return Object.freeze<GatewayConfig>({
    protocol: values.gatewayProtocol,
    listen: Object.freeze(listen),
    peerListen: standby === 'forward' ? Object.freeze(values.gatewayPeerListen) : null,
    target: Object.freeze(target),
    standby,
    drainMs: values.gatewayDrain,
    forwardWaitMs: values.gatewayForwardWait,
    connectionsMax: values.gatewayConnectionsMax,
    accessLog: values.gatewayAccessLog,
    http: Object.freeze({
      responseTimeoutMs: values.gatewayResponseTimeout,
      forwarded: values.gatewayForwarded,
      limits: Object.freeze({
        headerBytesMax: values.gatewayHeaderBytesMax,
        headersTimeoutMs: values.gatewayHeadersTimeout,
        requestTimeoutMs: values.gatewayRequestTimeout,
        keepAliveMs: values.gatewayKeepAlive,
      }),
    }),
    tcp: Object.freeze({ proxyProtocol: values.gatewayProxyProtocol }),
  });
}

const HEALTH_TIMEOUT_MS_DEFAULT_MAX = 1_000;

function appHealthOf(values: RunValues): AppHealthConfig | null {
  const { appHealthUrl: target, appHealthInterval: intervalMs } = values;
  if (target === undefined) return null;
  return Object.freeze<AppHealthConfig>({
    target: Object.freeze(target),
    intervalMs,
    timeoutMs: values.appHealthTimeout ?? Math.min(intervalMs, HEALTH_TIMEOUT_MS_DEFAULT_MAX),
    failures: values.appHealthFailures,
    successes: values.appHealthSuccesses,
  });
}

function shutdownOf({ shutdownDelay, shutdownWaitFor, shutdownWaitMax }: RunValues): ShutdownConfig {
  if (shutdownWaitFor === undefined) return Object.freeze({ kind: 'delay' as const, delayMs: shutdownDelay });
  const { host, port } = shutdownWaitFor;
  return Object.freeze({ kind: 'port' as const, port: Object.freeze({ host, port }), waitMsMax: shutdownWaitMax });
}
