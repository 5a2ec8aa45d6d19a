import { until } from '../replica/until.ts';
import type { Cluster } from './cluster.ts';
import { runScript, scripts, scriptsVolume } from './scripts.ts';

/**
 * Kills containers with −9, which nothing inside their own pod can: a pod that sees the node's processes. It needs a cluster
 * whose nodes run containers as processes of theirs, and room for a privileged pod.
 */
export class Killer {
  readonly #cluster: Cluster;

  #started: Promise<void> | undefined;
  #namespace = '';

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async #start(): Promise<void> {
    const cluster = this.#cluster;
    const namespace = await cluster.makeNamespace('leasegate-killer', 'privileged');
    this.#namespace = namespace;
    const idle = 'setInterval(() => {}, 1e9); process.on("SIGTERM", () => process.exit(0))';
    const selector = { app: 'killer' };
    await cluster.apply(scripts(namespace), {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'killer', namespace },
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
    await cluster.kubectl('--namespace', namespace, 'rollout', 'status', 'daemonset/killer', '--timeout=60s');
  }

  /** Kills a container of a pod, with what the first one starts; resolves when Kubernetes has noticed. */
  async kill(namespace: string, pod: string, container: string): Promise<void> {
    this.#started ??= this.#start();
    await this.#started;
    const read = () => this.#cluster.get(`/api/v1/namespaces/${namespace}/pods/${pod}`);
    const { spec, status } = await read();
    const idIn = (of: typeof status): string =>
      [...of.containerStatuses, ...(of.initContainerStatuses ?? [])].find(({ name }) => name === container).containerID;
    const id = idIn(status);
    const killers = (await this.#cluster.get(`/api/v1/namespaces/${this.#namespace}/pods`)).items;
    const killer = killers.find((candidate: { spec: typeof spec }) => candidate.spec.nodeName === spec.nodeName);
    const exec = ['--namespace', this.#namespace, 'exec', killer.metadata.name, '--', '/usr/local/bin/node'];
    await this.#cluster.kubectl(...exec, '/scripts/kill.ts', id.replace(/^.*:\/\//, ''));
    await until(`a restart of ${container} in ${pod}`, 60_000, async () => idIn((await read()).status) !== id);
  }

  async close(): Promise<void> {
    if (this.#namespace !== '') await this.#cluster.removeNamespace(this.#namespace);
  }
}
