import { until } from '../replica/until.ts';
import type { Cluster } from './cluster.ts';
import { runScript, scripts, scriptsVolume } from './scripts.ts';

const NAMESPACE = 'leasegate-killer';

/**
 * Kills containers with −9, which nothing inside their own pod can: a pod that sees the node's processes. It needs a cluster
 * whose nodes run containers as processes of theirs, and room for a privileged pod.
 */
export class Killer {
  readonly #cluster: Cluster;

  private constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  static async start(cluster: Cluster): Promise<Killer> {
    await cluster.makeNamespace(NAMESPACE, 'privileged');
    const idle = 'setInterval(() => {}, 1e9); process.on("SIGTERM", () => process.exit(0))';
    const selector = { app: 'killer' };
    await cluster.apply(scripts(NAMESPACE), {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'killer', namespace: NAMESPACE },
      spec: {
        selector: { matchLabels: selector },
        template: {
          metadata: { labels: selector },
          spec: {
            hostPID: true,
            terminationGracePeriodSeconds: 1,
            containers: [
              {
                ...runScript(cluster.image, 'kill.ts'),
                name: 'killer',
                command: ['/usr/local/bin/node', '-e', idle],
                securityContext: { runAsUser: 0, capabilities: { add: ['KILL', 'SYS_PTRACE'] } },
              },
            ],
            volumes: [scriptsVolume],
          },
        },
      },
    });
    await cluster.kubectl('--namespace', NAMESPACE, 'rollout', 'status', 'daemonset/killer', '--timeout=60s');
    return new Killer(cluster);
  }

  /** Kills a container of a pod; resolves when Kubernetes has noticed. */
  async kill(namespace: string, pod: string, container: string): Promise<void> {
    const read = () => this.#cluster.get(`/api/v1/namespaces/${namespace}/pods/${pod}`);
    const { spec, status } = await read();
    const idIn = (of: typeof status): string =>
      [...of.containerStatuses, ...(of.initContainerStatuses ?? [])].find(({ name }) => name === container).containerID;
    const id = idIn(status);
    const killers = (await this.#cluster.get(`/api/v1/namespaces/${NAMESPACE}/pods`)).items;
    const killer = killers.find((candidate: { spec: typeof spec }) => candidate.spec.nodeName === spec.nodeName);
    const exec = ['--namespace', NAMESPACE, 'exec', killer.metadata.name, '--', '/usr/local/bin/node'];
    await this.#cluster.kubectl(...exec, '/scripts/kill.ts', id.replace(/^.*:\/\//, ''));
    await until(`a restart of ${container} in ${pod}`, 60_000, async () => idIn((await read()).status) !== id);
  }

  close(): Promise<void> {
    return this.#cluster.removeNamespace(NAMESPACE);
  }
}
