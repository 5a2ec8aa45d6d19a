import { writeFileSync } from 'node:fs';
import { formatAddress } from '../config/address.ts';
import { LEASE_SERVER_OPTIONS } from '../config/commands.ts';
import { parseOptions } from '../config/parse.ts';
import { formatProblems, quote } from '../config/problem.ts';
import { renderKubeconfig, startLeaseServer } from '../lease-server/index.ts';
import { lease as leaseType } from '../lease-server/resources/index.ts';
import { ListenError } from '../ports/listen-error.ts';
import type { Command } from './context.ts';
import { invocation, shellWord } from './invocation.ts';

const NAMESPACE = 'default';

/** `leasegate lease-server`: the embedded API server, until SIGTERM or SIGINT. */
export const leaseServer: Command = async (argv, context) => {
  const parsed = parseOptions(LEASE_SERVER_OPTIONS, { argv, env: context.env });
  if (!parsed.ok) {
    context.stderr(formatProblems(parsed.problems));
    return 2;
  }
  const { listen, kubeconfigOut, lease } = parsed.values;
  const stopped = new Promise<void>((resolve) => context.onSignal(() => resolve()));
  const server = await startLeaseServer({ listen: formatAddress(listen), namespaces: [NAMESPACE] }).catch(
    (error: NodeJS.ErrnoException) => new ListenError({ ...listen, option: '--listen' }, error),
  );
  if (server instanceof ListenError) {
    context.stderr(`leasegate: ${server.code} ${server.message}\n`);
    return 1;
  }
  for (const name of lease ?? []) {
    const free = { metadata: { name }, spec: {} };
    server.store.create(leaseType, NAMESPACE, free, { nowMs: Date.now() });
  }
  if (kubeconfigOut !== undefined) {
    const problem = writeKubeconfig(kubeconfigOut, server.url);
    if (problem !== null) {
      context.stderr(`leasegate: KUBECONFIG_UNWRITABLE --kubeconfig-out ${quote(kubeconfigOut)}: ${problem}\n`);
      await server.abort();
      return 1;
    }
  }
  const start = { script: process.argv[1] ?? 'leasegate', env: context.env, directory: process.cwd() };
  const where = `Lease API server on ${server.url} (state in memory only, gone when it ends)\n`;
  context.stdout(where + howToUse(invocation(start), kubeconfigOut, lease));
  await stopped;
  await server.close();
  return 0;
};

/** Commands that work as printed, each for another terminal. */
function howToUse(command: string, kubeconfigOut: string | undefined, leases: readonly string[] | undefined): string {
  if (kubeconfigOut === undefined) {
    return 'With --kubeconfig-out FILE it also writes a kubeconfig for leasegate run and kubectl.\n';
  }
  const name = leases?.join() ?? 'my-lease';
  const run = `${command} run --kubeconfig ${shellWord(kubeconfigOut)} --namespace ${NAMESPACE} --lease-name ${name}`;
  return [
    leases === undefined
      ? 'It has no Lease yet: the first leader waits before it creates one. With --lease NAME there is a free one at once.'
      : `${leases.map((lease) => `Lease ${NAMESPACE}/${lease} is free`).join(', ')}: the first replica leads at once.`,
    'Start a replica in another terminal, in this directory:',
    `  POD_NAME=web-0 ${run}`,
    'and a second one, on ports of its own, in a third:',
    `  POD_NAME=web-1 ${run} --api-listen 127.0.0.1:4050 --probe-listen 127.0.0.1:4051`,
    '',
  ].join('\n');
}

/** What stands in the way of the file, with the remedy; null when it is written. */
function writeKubeconfig(path: string, server: string): string | null {
  try {
    writeFileSync(path, renderKubeconfig({ server, namespace: NAMESPACE }), { mode: 0o600 });
    return null;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const remedy = 'name a file in a directory that exists and that you may write to';
    return `cannot be written: ${REASONS[code ?? ''] ?? message}; ${remedy}`;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'the directory does not exist',
  ENOTDIR: 'its directory is a file',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
};
