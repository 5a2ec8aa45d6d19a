import { type Config, NAMESPACE_FILE } from '../config/load.ts';
import type { Env } from '../config/parse.ts';
import type { Plan } from '../doctor/index.ts';
import { electionKey, sliceName } from '../publish/names.ts';
import type { CommandContext } from './context.ts';

/** What was said to the doctor itself, and where the namespace may stand. */
export interface Given {
  readonly pod?: string | undefined;
  readonly namespace?: string | undefined;
  readonly podNamespace?: string | undefined;
  readonly serviceAccount?: string | undefined;
}

export interface Circumstances {
  readonly server: string;
  readonly namespaceFrom: string;
  readonly given: Given;
  readonly env: Env;
}

/** What the options ask of the cluster. */
export function planOf(
  config: Config,
  { server, namespaceFrom, given, env, derived }: Circumstances & Pick<Plan, 'derived'>,
): Plan {
  const { lease, pod, publish, timings } = config;
  const election = electionKey({ lease, namespace: pod.namespace });
  const service = publish?.service ?? null;
  const inPod = isInPod(env) && given.pod === undefined;
  return {
    ...{ lease, derived, timings, election, server, namespaceFrom },
    furtherLeases: config.leases.slice(1).map(({ name }) => name),
    pod: podOf(given, env),
    podNamespace: pod.namespace,
    serviceAccount: given.serviceAccount ?? null,
    envMissing: inPod ? ['POD_NAME', 'POD_UID'].filter((name) => !env[name]) : [],
    graceMsMin: graceMsMin(config),
    publishers: publish?.publishers ?? [],
    members: config.members !== null,
    coordinated: config.coordinated !== null,
    slice: service === null ? null : { name: sliceName(service, election), service },
  };
}

/** Only a pod that was told is looked up, though a host's name may stand in for one elsewhere. */
export function podOf({ pod }: Given, env: Env): Plan['pod'] {
  if (pod !== undefined) return { name: pod, uid: null, from: '--pod' };
  return env.POD_NAME ? { name: env.POD_NAME, uid: env.POD_UID || null, from: 'POD_NAME' } : null;
}

/** Where the Lease's namespace stands: in the order in which loading looks for it. */
export function namespaceSource({ namespace, podNamespace }: Given, context: CommandContext): string {
  if (namespace !== undefined) return 'LEASEGATE_NAMESPACE or --namespace';
  if (podNamespace !== undefined) return 'POD_NAMESPACE';
  return context.readFile(NAMESPACE_FILE)?.trim() ? 'the service account' : "the kubeconfig's context";
}

/** For telling everybody and releasing the Lease: docs/shutdown.md, "What a shutdown takes". */
const SHUTDOWN_MS_MAX = 10_000;

function graceMsMin({ shutdown, gateway, notify }: Config): number {
  const waitMs = shutdown.kind === 'delay' ? shutdown.delayMs : shutdown.waitMsMax;
  return waitMs + (gateway?.drainMs ?? 0) + (notify?.signal?.graceMs ?? 0) + SHUTDOWN_MS_MAX;
}

/**
 * The environment to load the options by. Whoever is in no pod, or speaks of another one, need not say what publishing has to know
 * of its own pod: only the sidecar does.
 */
export function envOfPlan({ pod, serviceAccount }: Given, env: Env): Env {
  if (isInPod(env) && pod === undefined && serviceAccount === undefined) return env;
  const { POD_NAME, POD_UID, POD_IP } = pod === undefined ? env : {};
  return { ...env, POD_NAME: POD_NAME || 'not-told', POD_UID: POD_UID || 'not-told', POD_IP: POD_IP || '0.0.0.0' };
}

function isInPod(env: Env): boolean {
  return Boolean(env.KUBERNETES_SERVICE_HOST);
}
