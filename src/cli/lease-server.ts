import { writeFileSync } from 'node:fs';
import { ListenError } from '../api/listen.ts';
import { formatAddress } from '../config/address.ts';
import { LEASE_SERVER_OPTIONS } from '../config/commands.ts';
import { parseOptions } from '../config/parse.ts';
import { formatProblems, quote } from '../config/problem.ts';
import { renderKubeconfig, startLeaseServer } from '../lease-server/index.ts';
import type { Logger } from '../ports/log.ts';
import type { Command } from './context.ts';

const NAMESPACE = 'default';

/** `leasegate lease-server`: the embedded API server, until SIGTERM or SIGINT. */
export const leaseServer: Command = async (argv, context) => {
  const parsed = parseOptions(LEASE_SERVER_OPTIONS, { argv, env: context.env });
  if (!parsed.ok) {
    context.stderr(formatProblems(parsed.problems));
    return 2;
  }
  const { listen, kubeconfigOut } = parsed.values;
  const stopped = new Promise<void>((resolve) => context.onSignal(() => resolve()));
  const server = await startLeaseServer({ listen: formatAddress(listen), namespaces: [NAMESPACE] }).catch(
    (error: NodeJS.ErrnoException) => new ListenError({ ...listen, option: '--listen', log: SILENT }, error),
  );
  if (server instanceof ListenError) {
    context.stderr(`leasegate: ${server.code} ${server.message}\n`);
    return 1;
  }
  if (kubeconfigOut !== undefined) {
    const problem = writeKubeconfig(kubeconfigOut, server.url);
    if (problem !== null) {
      context.stderr(`leasegate: KUBECONFIG_UNWRITABLE --kubeconfig-out ${quote(kubeconfigOut)}: ${problem}\n`);
      await server.abort();
      return 1;
    }
  }
  const use =
    kubeconfigOut === undefined
      ? 'with --kubeconfig-out FILE it also writes a kubeconfig for leasegate run and kubectl'
      : `use it with: leasegate run --kubeconfig ${shellWord(kubeconfigOut)} --lease-name my-lease --namespace ${NAMESPACE}`;
  context.stdout(`Lease API server on ${server.url} (state in memory only, gone when it ends); ${use}\n`);
  await stopped;
  await server.close();
  return 0;
};

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

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

const SILENT: Logger = { fatal() {}, error() {}, warn() {}, info() {}, debug() {} };
