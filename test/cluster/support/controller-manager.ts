import { join } from 'node:path';
import { findTool } from '../tools/build.ts';
import type { ControlPlane } from './control-plane.ts';
import { Daemon } from './daemon.ts';

const READY_TIMEOUT_MS = 60_000;
const PROBE_SERVICE = '/api/v1/namespaces/default/services/controller-probe';
const PROBE_SLICES =
  '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/service-name%3Dcontroller-probe';

/** A running kube-controller-manager; see {@link startControllerManager}. It ends with this process at the latest. */
export interface ControllerManager {
  /** Ends it at once. */
  close(): Promise<void>;
}

export interface ControllerManagerOptions {
  /** Further controllers: `deployment-controller`, say; `*` is all of them. */
  readonly controllers?: readonly string[];
  /** Those to open. */
  readonly featureGates?: readonly string[];
}

/**
 * Starts the real kube-controller-manager with its EndpointSlice controller, and nothing else unless it is named: pods
 * still stay as they are written, but Services with a selector follow them. Resolves when it does its work.
 *
 * @throws MissingTool when it has not been built, DaemonFailed when it does not start
 */
export async function startControllerManager(
  controlPlane: ControlPlane,
  { controllers = [], featureGates = [] }: ControllerManagerOptions = {},
): Promise<ControllerManager> {
  const { admin, directory, adminKubeconfig } = controlPlane;
  const daemon = new Daemon({
    name: 'kube-controller-manager',
    command: await findTool('kube-controller-manager'),
    args: [
      `--kubeconfig=${adminKubeconfig}`,
      `--controllers=${['endpointslice-controller', ...controllers].join(',')}`,
      ...featureGates.map((gate) => `--feature-gates=${gate}=true`),
      `--root-ca-file=${controlPlane.caFile}`,
      `--service-account-private-key-file=${controlPlane.serviceAccountKeyFile}`,
      '--leader-elect=false',
      // Nobody asks it anything.
      '--secure-port=0',
      '--v=1',
    ],
    logFile: join(directory, 'kube-controller-manager.log'),
  });
  try {
    // It is asked for by what it does: a Service with a selector gets a slice, though no pod is selected.
    const ports = [{ port: 80 }];
    await admin.post(PROBE_SERVICE.replace(/\/[^/]+$/, ''), {
      metadata: { name: 'controller-probe' },
      spec: { selector: { app: 'controller-probe' }, ports },
    });
    const works = async () => (await admin.get(PROBE_SLICES)).body.items.length > 0;
    await daemon.untilReady(works, READY_TIMEOUT_MS);
    await admin.delete(PROBE_SERVICE);
  } catch (error) {
    await daemon.stop(0);
    throw error;
  }
  return { close: () => daemon.stop(0) };
}
