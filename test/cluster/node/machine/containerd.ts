import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Daemon } from '../../support/daemon.ts';
import { type Namespaces, POD_SUBNET } from './namespaces.ts';
import { CNI_PLUGINS, run } from './programs.ts';

/** Inside the node. */
export const CONTAINERD_SOCKET = '/run/containerd/containerd.sock';
/** What each pod's namespaces are held by. */
export const PAUSE_IMAGE = 'localhost/leasegate-stand-in/pause:1';

const START_MS_MAX = 30_000;

/** Each pod is linked to the node by a pair of its own, so that all its traffic is routed, and kube-proxy's rules see it. */
const network = {
  cniVersion: '0.4.0',
  name: 'pods',
  plugins: [
    {
      type: 'ptp',
      ipam: { type: 'host-local', ranges: [[{ subnet: POD_SUBNET }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
  ],
};

/** Starts containerd with its plugin for Kubernetes. It runs as in a container itself: AppArmor and OOM scores are not its to set. */
export async function startContainerd(machine: Namespaces, directory: string): Promise<void> {
  const networks = join(directory, 'cni');
  await mkdir(networks);
  await writeFile(join(networks, '10-pods.conflist'), JSON.stringify(network));
  const configuration = join(directory, 'containerd.toml');
  const major = Number(/\bv?(\d+)\.\d+\.\d+/.exec(await run('containerd', '--version'))?.[1]);
  await writeFile(configuration, major < 2 ? configurationOf1(networks) : configurationOf2(networks));
  const daemon = new Daemon({
    name: 'containerd',
    ...machine.inside('containerd', ['--config', configuration]),
    logFile: join(directory, 'containerd.log'),
  });
  await daemon.untilReady(async () => (await ctr(machine, 'version')) !== '', START_MS_MAX);
}

/** Makes an image of an archive known to the node. */
export async function importImage(machine: Namespaces, archive: string): Promise<void> {
  await ctr(machine, 'images', 'import', archive);
}

function ctr(machine: Namespaces, ...args: string[]): Promise<string> {
  return machine.run('ctr', '--address', CONTAINERD_SOCKET, '--namespace', 'k8s.io', ...args);
}

const runtime = (plugin: string) => `
  [plugins.'${plugin}'.containerd]
    default_runtime_name = 'runc'
    [plugins.'${plugin}'.containerd.runtimes.runc]
      runtime_type = 'io.containerd.runc.v2'
      [plugins.'${plugin}'.containerd.runtimes.runc.options]
        SystemdCgroup = false
`;

const configurationOf1 = (networks: string) => `
version = 2
[plugins.'io.containerd.grpc.v1.cri']
  restrict_oom_score_adj = true
  disable_apparmor = true
  sandbox_image = '${PAUSE_IMAGE}'
  [plugins.'io.containerd.grpc.v1.cri'.cni]
    bin_dir = '${CNI_PLUGINS}'
    conf_dir = '${networks}'
${runtime('io.containerd.grpc.v1.cri')}`;

const configurationOf2 = (networks: string) => `
version = 3
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '${PAUSE_IMAGE}'
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ['${CNI_PLUGINS}']
    conf_dir = '${networks}'
${runtime('io.containerd.cri.v1.runtime')}`;
