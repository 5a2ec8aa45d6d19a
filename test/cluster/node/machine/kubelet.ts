import { existsSync } from 'node:fs';
import { mkdir, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../../replica/until.ts';
import type { ControlPlane } from '../../support/control-plane.ts';
import { Daemon } from '../../support/daemon.ts';
import { findTool } from '../../tools/build.ts';
import { CONTAINERD_SOCKET } from './containerd.ts';
import { type Namespaces, NODE_ADDRESS } from './namespaces.ts';

export const NODE_NAME = 'leasegate-node';
/** Bearer token by which the API server knows the kubelet; its user is in the group `system:nodes`. */
export const KUBELET_USER = { token: 'kubelet', name: `system:node:${NODE_NAME}`, group: 'system:nodes' };

const CONTROL_GROUPS = '/sys/fs/cgroup';
const CONTROL_GROUP = 'leasegate-node';
const HEALTH_PORT = 10_248;
const START_MS_MAX = 60_000;
const RELEASE_MS_MAX = 5_000;

const configuration = {
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  address: NODE_ADDRESS,
  healthzBindAddress: NODE_ADDRESS,
  healthzPort: HEALTH_PORT,
  // Only this machine and the node's own pods reach it.
  authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
  authorization: { mode: 'AlwaysAllow' },
  containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
  cgroupDriver: 'cgroupfs',
  cgroupRoot: `/${CONTROL_GROUP}`,
  failCgroupV1: false,
  failSwapOn: false,
  oomScoreAdj: 0,
  makeIPTablesUtilChains: false,
  // However full the machine is, pods are not evicted.
  evictionHard: {
    'memory.available': '0%',
    'nodefs.available': '0%',
    'nodefs.inodesFree': '0%',
    'imagefs.available': '0%',
    'imagefs.inodesFree': '0%',
  },
  imageGCHighThresholdPercent: 100,
  imageGCLowThresholdPercent: 99,
  // No cluster DNS: pods find Services by their addresses.
  resolvConf: '',
};

/** Starts a kubelet, and resolves when its node is ready for pods. */
export async function startKubelet(machine: Namespaces, controlPlane: ControlPlane, directory: string): Promise<void> {
  await makeControlGroups();
  const configurationFile = join(directory, 'kubelet.json');
  await writeFile(configurationFile, JSON.stringify(configuration));
  const kubeconfig = await controlPlane.kubeconfigFor({
    token: KUBELET_USER.token,
    path: join(directory, 'kubelet.kubeconfig'),
  });
  const args = [
    `--config=${configurationFile}`,
    `--kubeconfig=${kubeconfig}`,
    `--hostname-override=${NODE_NAME}`,
    `--node-ip=${NODE_ADDRESS}`,
    '--v=1',
  ];
  const daemon = new Daemon({
    name: 'kubelet',
    ...machine.inside(await findTool('kubelet'), args),
    logFile: join(directory, 'kubelet.log'),
  });
  await daemon.untilReady(async () => {
    if (!(await fetch(`http://${NODE_ADDRESS}:${HEALTH_PORT}/healthz`)).ok) return false;
    const { status, spec } = (await controlPlane.admin.get(`/api/v1/nodes/${NODE_NAME}`)).body;
    const conditions = status.conditions as { type: string; status: string }[];
    return spec.taints === undefined && conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
  }, START_MS_MAX);
}

/** The roots of the hierarchies: one, or with control groups of version 1 several. */
async function hierarchies(): Promise<string[]> {
  if (existsSync(join(CONTROL_GROUPS, 'cgroup.procs'))) return [CONTROL_GROUPS];
  return (await readdir(CONTROL_GROUPS)).map((name) => join(CONTROL_GROUPS, name));
}

async function makeControlGroups(): Promise<void> {
  for (const root of await hierarchies()) await mkdir(join(root, CONTROL_GROUP), { recursive: true });
}

/** Removes the control groups of a node that is gone. */
export async function removeControlGroups(): Promise<void> {
  for (const root of await hierarchies()) await removeGroup(join(root, CONTROL_GROUP));
}

async function removeGroup(group: string): Promise<void> {
  if (!existsSync(group)) return;
  for (const entry of await readdir(group, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeGroup(join(group, entry.name));
  }
  // The kernel takes a moment to let go of the last process.
  await until(`the end of ${group}`, RELEASE_MS_MAX, () =>
    rmdir(group).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EBUSY') throw error;
        return false;
      },
    ),
  );
}
