import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ControlPlane, startControlPlane } from '../../support/control-plane.ts';
import { startControllerManager } from '../../support/controller-manager.ts';
import { Daemon } from '../../support/daemon.ts';
import { findTool } from '../../tools/build.ts';
import { importImage, startContainerd } from './containerd.ts';
import { buildBusybox, buildLeasegate, buildPause, type ImageSize } from './images.ts';
import { KUBELET_USER, NODE_NAME, removeControlGroups, startKubelet } from './kubelet.ts';
import { HOST_ADDRESS, Namespaces, POD_SUBNET } from './namespaces.ts';
import { requireMachine } from './programs.ts';

/** A cluster of one node, with the image of this checkout on it. */
export interface Node {
  readonly kubeconfig: string;
  /** Name of the image, as pods ask for it. */
  readonly image: string;
  readonly imageSize: ImageSize;
  /** Ends all of it, and leaves nothing behind. May be called twice. */
  close(): Promise<void>;
}

const PROXY_USER = { token: 'proxy', name: 'system:kube-proxy', group: 'system:authenticated' };
const PROXY_START_MS_MAX = 30_000;

/**
 * Starts a Kubernetes with one node: etcd, kube-apiserver, kube-controller-manager and kube-scheduler as processes here,
 * kubelet, containerd and kube-proxy in namespaces of their own. It has no cluster DNS and no way to other machines.
 *
 * @param say - told what is being done, one line at a time
 * @throws Error that says what is missing on this machine
 */
export async function startNode(say: (line: string) => void): Promise<Node> {
  requireMachine();
  const directory = await mkdtemp(join(tmpdir(), 'leasegate-node-'));
  const closers: (() => Promise<unknown>)[] = [];
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= (async () => {
      const failures: unknown[] = [];
      for (const close of closers.reverse()) await close().catch((error: unknown) => failures.push(error));
      await rm(directory, { recursive: true, force: true });
      if (failures.length > 0) throw new AggregateError(failures, 'not all of the node could be cleared away');
    })();
    return closed;
  };
  try {
    say('builds the image');
    const leasegate = await buildLeasegate(directory);
    const pause = await buildPause(directory);
    const busybox = await buildBusybox(directory);
    say('starts the control plane');
    closers.push(removeControlGroups);
    const machine = await Namespaces.make(directory);
    closers.push(() => machine.close());
    const users = [KUBELET_USER, PROXY_USER];
    const controlPlane = await startControlPlane({ address: HOST_ADDRESS, nodesJoin: true, users });
    closers.unshift(() => controlPlane.close());
    const controllers = await startControllerManager(controlPlane, { controllers: ['*'] });
    closers.push(() => controllers.close());
    const scheduler = await startScheduler(controlPlane, directory);
    closers.push(() => scheduler.stop(0));
    say('starts the node');
    await startContainerd(machine, directory);
    for (const { archive } of [leasegate, pause, busybox]) await importImage(machine, archive);
    await startKubelet(machine, controlPlane, directory);
    await startProxy(machine, controlPlane, directory);
    const { compressedBytes, unpackedBytes } = leasegate;
    return {
      kubeconfig: controlPlane.adminKubeconfig,
      image: leasegate.name,
      imageSize: { compressedBytes, unpackedBytes },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startScheduler(controlPlane: ControlPlane, directory: string): Promise<Daemon> {
  return new Daemon({
    name: 'kube-scheduler',
    command: await findTool('kube-scheduler'),
    args: [`--kubeconfig=${controlPlane.adminKubeconfig}`, '--leader-elect=false', '--secure-port=0', '--v=1'],
    logFile: join(directory, 'kube-scheduler.log'),
  });
}

/** kube-proxy, by nftables: routes what is sent to a Service to one of its endpoints. */
async function startProxy(machine: Namespaces, controlPlane: ControlPlane, directory: string): Promise<void> {
  const bind = ['--clusterrole=system:node-proxier', `--user=${PROXY_USER.name}`];
  await controlPlane.kubectl('create', 'clusterrolebinding', 'kube-proxy', ...bind);
  const configuration = join(directory, 'kube-proxy.json');
  await writeFile(
    configuration,
    JSON.stringify({
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      mode: 'nftables',
      clusterCIDR: POD_SUBNET,
      hostnameOverride: NODE_NAME,
      clientConnection: {
        kubeconfig: await controlPlane.kubeconfigFor({
          token: PROXY_USER.token,
          path: join(directory, 'kube-proxy.kubeconfig'),
        }),
      },
      conntrack: { maxPerCore: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    }),
  );
  const daemon = new Daemon({
    name: 'kube-proxy',
    ...machine.inside(await findTool('kube-proxy'), [`--config=${configuration}`, '--v=1']),
    logFile: join(directory, 'kube-proxy.log'),
  });
  // The API server's own Service is the first that it routes.
  const tables = () => machine.run('nft', 'list', 'table', 'ip', 'kube-proxy');
  await daemon.untilReady(async () => (await tables()).includes('default/kubernetes'), PROXY_START_MS_MAX);
}
