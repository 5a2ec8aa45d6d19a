import { LEASES_OPTIONS } from '../config/leases-options.ts';
import type { Values } from '../config/option.ts';
import { parseOptions } from '../config/parse.ts';
import { formatProblems } from '../config/problem.ts';
import type { Failure } from '../kube/errors.ts';
import { KubeConfigError, loadKubeConfig } from '../kube/kubeconfig.ts';
import { LeaseList } from '../kube/lease-list.ts';
import type { LeaseRow, StoredLease } from '../leases/index.ts';
import { systemClock, systemTimers } from '../ports/clock.ts';
import { delay } from '../ports/delay.ts';
import { kubeconfigSource } from './config-sources.ts';
import type { Command, CommandContext } from './context.ts';
import { quietClient } from './quiet-client.ts';

type LeasesValues = Values<typeof LEASES_OPTIONS.options>;
type Leases = LeaseList<StoredLease>;
type Tools = typeof import('../leases/index.ts');

const RELIST_AFTER_MS = 1_000;
const REDRAW_EVERY_MS = 1_000;
const CLEAR = '\u001b[H\u001b[J';

/** `leasegate leases`. Exit code 0: listed, or told to end while it watched. 1: the API server did not answer so. 2: bad options. */
export const leases: Command = async (argv, context) => {
  const parsed = parseOptions(LEASES_OPTIONS, { argv, env: context.env });
  if (!parsed.ok) {
    context.stderr(formatProblems(parsed.problems));
    return 2;
  }
  const { values } = parsed;
  try {
    const kube = loadKubeConfig(kubeconfigSource(values.kubeconfig, context, values.context));
    const namespace = values.allNamespaces ? null : (values.namespace ?? kube.namespace);
    if (namespace === undefined) {
      context.stderr('leasegate: OPTION_MISSING --namespace: no namespace is known; name it by -n, or take all: -A\n');
      return 2;
    }
    const { client } = quietClient(kube);
    const list: Leases = new LeaseList(client, systemClock, namespace);
    const tools = await import('../leases/index.ts');
    return values.watch ? await follow(list, tools, values, context) : await once(list, tools, values, context);
  } catch (error) {
    if (!(error instanceof KubeConfigError)) throw error;
    context.stderr(`leasegate: ${error.code} ${error.message}; ${error.remedy}\n`);
    return 2;
  }
};

async function once(list: Leases, tools: Tools, values: LeasesValues, context: CommandContext): Promise<number> {
  const listing = await list.list();
  if ('failure' in listing) return told(listing.failure, context);
  const rows = listing.leases.map((lease) => tools.rowOf(lease, tools.ageTold(lease, listing.serverWallMs)));
  await context.stdoutWhole(shown(rows, tools, values));
  return 0;
}

/** Lists, watches, and lists anew whenever the watch ends, until it is told to end. */
async function follow(list: Leases, tools: Tools, values: LeasesValues, context: CommandContext): Promise<number> {
  const observation = new tools.Observation();
  const known = new Map<string, StoredLease>();
  const see = (lease: StoredLease) => {
    known.set(lease.metadata.uid, lease);
    observation.see(lease, systemClock.now().monoMs);
  };
  const screen = process.stdout.isTTY === true && values.output !== 'json';
  let last = '';
  const show = () => {
    const { monoMs } = systemClock.now();
    const rows = [...known.values()].map((lease) => tools.rowOf(lease, observation.ageOf(lease, monoMs)));
    const essence = JSON.stringify(
      rows.map(({ namespace, name, holder, standing }) => [namespace, name, holder, standing]),
    );
    if (!screen && essence === last) return;
    last = essence;
    context.stdout(screen ? CLEAR + shown(rows, tools, values) : shown(rows, tools, values));
  };

  const ended = Promise.withResolvers<void>();
  let going = true;
  context.onSignal(() => {
    going = false;
    ended.resolve();
  });
  let drawing: NodeJS.Timeout | undefined;
  try {
    for (let first = true; going; first = false) {
      const listing = await list.list();
      if ('failure' in listing) {
        const exitCode = told(listing.failure, context);
        // Once it has listed it goes on: an API server that is restarted comes back.
        if (first) return exitCode;
      } else {
        known.clear();
        for (const lease of listing.leases) see(lease);
        observation.keep(listing.leases);
        drawing ??= setInterval(show, REDRAW_EVERY_MS);
        show();
        await watchToItsEnd(list, listing.resourceVersion, {
          see,
          forget: (uid) => known.delete(uid),
          ended: ended.promise,
        });
      }
      if (going) await Promise.race([delay(RELIST_AFTER_MS, systemTimers), ended.promise]);
    }
    return 0;
  } finally {
    clearInterval(drawing);
  }
}

interface Watching {
  see(lease: StoredLease): void;
  forget(uid: string): void;
  readonly ended: Promise<void>;
}

function watchToItsEnd(list: Leases, resourceVersion: string, { see, forget, ended }: Watching): Promise<void> {
  const over = Promise.withResolvers<void>();
  const stream = list.watch(resourceVersion, {
    seen: see,
    gone: ({ metadata }) => forget(metadata.uid),
    ended: () => over.resolve(),
  });
  return Promise.race([over.promise, ended]).finally(() => stream.close());
}

function shown(rows: readonly LeaseRow[], { jsonOf, textOf }: Tools, { output }: LeasesValues): string {
  return output === 'json' ? jsonOf(rows) : textOf(rows, { wide: output === 'wide' });
}

const LIST_RULE =
  'a Role or ClusterRole with {"apiGroups":["coordination.k8s.io"],"resources":["leases"],"verbs":["list","watch"]}';

function told({ code, message, remedy }: Failure, context: CommandContext): 1 {
  const helps = remedy ?? (code === 'forbidden' ? `it needs ${LIST_RULE}` : 'leasegate doctor looks for what is wrong');
  context.stderr(`leasegate: API_${code.toUpperCase().replaceAll('-', '_')} ${message}; ${helps}\n`);
  return 1;
}
