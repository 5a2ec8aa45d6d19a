import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installing, isExecutable, isOnPath } from '../../../image/require-tools.ts';

const execute = promisify(execFile);

/** Programs that are no part of the project, and Debian's packages that have them. */
const PACKAGES: Readonly<Record<string, string>> = {
  buildah: 'buildah',
  busybox: 'busybox-static',
  containerd: 'containerd',
  ctr: 'containerd',
  gcc: 'gcc',
  go: 'golang-go (1.26 or newer)',
  ip: 'iproute2',
  mmdebstrap: 'mmdebstrap',
  nft: 'nftables',
  nsenter: 'util-linux',
  openssl: 'openssl',
  runc: 'runc',
  unshare: 'util-linux',
};
export const CNI_PLUGINS = '/usr/lib/cni';

/** @throws Error that names the packages to install, or says that root's rights are missing */
export function requireMachine(): void {
  if (process.platform !== 'linux')
    throw new Error('a node needs Linux; give KUBECONFIG and IMAGE to use a cluster that runs');
  if (process.getuid?.() !== 0)
    throw new Error('a node needs root; give KUBECONFIG and IMAGE to use a cluster that runs');
  const missing = new Set<string>();
  for (const [program, fromPackage] of Object.entries(PACKAGES)) if (!isOnPath(program)) missing.add(fromPackage);
  if (!isExecutable(join(CNI_PLUGINS, 'ptp'))) missing.add('containernetworking-plugins');
  if (missing.size > 0) throw new Error(installing(missing));
}

/**
 * Runs a program to its end, and returns what it printed.
 *
 * @throws Error with what it wrote to stderr when it fails
 */
export async function run(command: string, ...args: string[]): Promise<string> {
  return (await execute(command, args, { maxBuffer: 64 * 1024 * 1024 })).stdout;
}
