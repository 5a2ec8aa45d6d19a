import { type Listener, listen } from '../api/listen.ts';
import { createUnnamedApi } from '../api/unnamed-api.ts';
import type { Config, LoadedConfig } from '../config/load.ts';
import { formatIdentity } from '../election/index.ts';
import { KubeClient } from '../kube/client.ts';
import { Credentials } from '../kube/credentials.ts';
import { HttpTransport } from '../kube/http-transport.ts';
import type { LoadedKubeConfig } from '../kube/kubeconfig.ts';
import { OwnedObjects } from '../kube/owned-objects.ts';
import { type Owning, owningWorkload } from '../naming/owning-workload.ts';
import { type Workload, workloadLeaseName } from '../naming/workload-lease.ts';
import { systemClock, systemTimers } from '../ports/clock.ts';
import { endableDelay } from '../ports/delay.ts';
import type { Logger } from '../ports/log.ts';
import type { CommandContext } from './context.ts';
import { createLog } from './log.ts';
import { UNCOUNTED } from './quiet-client.ts';

/** The configuration with the name of its Lease, or the code to exit with. */
export type Named = { readonly config: Config } | { readonly exitCode: number };

/** The Lease of this workload's election. */
export function leaseOf(prefix: string, workload: Workload, namespace: string): Config['lease'] {
  return Object.freeze({ name: workloadLeaseName(prefix, workload, namespace), namespace });
}

/** How long the API server may take before the probes are answered in its place. */
const PATIENCE_MS = 1_000;
const RETRY_MS_MAX = 10_000;

/**
 * Makes the name of the Lease, where only a prefix is given, from the workload that owns this pod. That may have to be asked for
 * many times: meanwhile both listeners answer that this replica lives, does not lead and is not ready, as one does that has not
 * seen its Lease. Ends on a signal (0), or when there is nothing that the Lease could be named after (2): that lasts as long as
 * the pod.
 *
 * @throws ListenError
 */
export async function nameLease(config: LoadedConfig, kube: LoadedKubeConfig, context: CommandContext): Promise<Named> {
  const { lease } = config;
  if ('name' in lease) return { config: Object.freeze<Config>({ ...config, lease, leaseNameOf: null }) };

  const log = createLog(config.logLevel, (line) => context.stdout(line));
  const timeoutMs = config.timings.renewDeadlineMs / 2;
  const transport = new HttpTransport(kube.server, new Credentials(kube, systemClock, log));
  const client = new KubeClient({ transport, clock: systemClock, metrics: UNCOUNTED, log });
  const objects = new OwnedObjects(client, config.pod.namespace, timeoutMs);
  const { promise: signalled, resolve: end } = Promise.withResolvers<'signalled'>();
  context.onSignal(() => end('signalled'));
  const stopped = (): Named => {
    log.info({ code: 'STOPPING' }, 'ends before it has campaigned');
    return { exitCode: 0 };
  };

  const trouble = new Trouble(log);
  const listeners: Listener[] = [];
  try {
    for (let retryMs = config.timings.retryPeriodMs; ; retryMs = Math.min(2 * retryMs, RETRY_MS_MAX)) {
      const asked = owningWorkload(config.pod, objects);
      if (listeners.length === 0) {
        const patience = endableDelay(PATIENCE_MS, systemTimers);
        const early = await Promise.race([asked, signalled, patience.over]);
        patience.end();
        if (early === undefined || (early !== 'signalled' && early.kind !== 'found' && early.kind !== 'none')) {
          await answerMeanwhile(config, trouble, log, listeners);
        }
      }
      const owning = await Promise.race([asked, signalled]);
      if (owning === 'signalled') return stopped();
      if (owning.kind === 'found') {
        const named = leaseOf(lease.namePrefix, owning.workload, lease.namespace);
        return {
          config: Object.freeze<Config>({ ...config, lease: named, leases: [named], leaseNameOf: owning.workload }),
        };
      }
      if (owning.kind === 'none') {
        context.stderr(`leasegate: ${owning.code} ${owning.message}; ${owning.remedy}\n`);
        return { exitCode: 2 };
      }
      trouble.note(owning);
      const askedMs = owning.kind === 'unread' ? owning.failure.retryAfterMs : null;
      const pauseMs = Math.min(askedMs ?? retryMs * (0.8 + 0.4 * Math.random()), RETRY_MS_MAX);
      const pause = endableDelay(pauseMs, systemTimers);
      const ended = await Promise.race([pause.over, signalled]);
      pause.end();
      if (ended === 'signalled') return stopped();
    }
  } finally {
    transport.close();
    await Promise.all(listeners.map((listener) => listener.close(0)));
  }
}

/** What keeps the name from being known: one line in the log for each change of it, and a sentence for whoever asks. */
class Trouble {
  readonly #log: Logger;
  /** Of what was told last. */
  #kind: string | null = null;
  #message: string | null = null;

  constructor(log: Logger) {
    this.#log = log;
  }

  note(owning: Extract<Owning, { kind: 'unread' | 'orphaned' }>): void {
    if (owning.kind === 'orphaned') return this.#note('orphaned', undefined, owning.message, owning.remedy);
    const { code, request, message, remedy } = owning.failure;
    this.#note(code, request, `${request} failed: ${message}`, remedy);
  }

  #note(failure: string, request: string | undefined, message: string, remedy: string): void {
    const kind = `${failure} ${request}`;
    if (kind !== this.#kind) this.#log.warn({ code: 'LEASE_NAME_UNKNOWN', failure, request, remedy }, message);
    this.#kind = kind;
    this.#message = message;
  }

  why(): string {
    const name = 'It is not known yet which Lease is that of this workload';
    return this.#message === null ? `${name}.` : `${name}: ${this.#message}.`;
  }
}

/** Adds its listeners to those that are open. */
async function answerMeanwhile(
  config: LoadedConfig,
  trouble: Trouble,
  log: Logger,
  listeners: Listener[],
): Promise<void> {
  const { pod, start, lease, apiListen, probeListen } = config;
  const { local, probe } = createUnnamedApi({
    identity: formatIdentity(pod.name, pod.uid, start),
    namespace: lease.namespace,
    why: () => trouble.why(),
  });
  listeners.push(await listen(local, { ...apiListen, option: 'LEASEGATE_API_LISTEN (--api-listen)', log }));
  listeners.push(await listen(probe, { ...probeListen, option: 'LEASEGATE_PROBE_LISTEN (--probe-listen)', log }));
}
