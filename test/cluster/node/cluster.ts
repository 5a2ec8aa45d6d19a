import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import { until } from '../replica/until.ts';
import { Daemon } from '../support/daemon.ts';

const execute = promisify(execFile);
const PROXY_START_MS_MAX = 20_000;
const KUBECTL_MS_MAX = 180_000;

/** A Kubernetes object, of whatever kind. */
// biome-ignore lint/suspicious/noExplicitAny: tests read whatever the API server sent
export type KubernetesObject = any;

/**
 * The cluster that the suite runs on: the node that it started, or the one that KUBECONFIG names. All access is by kubectl and its
 * proxy, so that any kind of credentials works.
 */
export class Cluster {
  /** The image under test. */
  readonly image = inject('image');
  readonly #proxy: Daemon;
  readonly #directory: string;
  readonly #url: string;

  private constructor(proxy: Daemon, directory: string, url: string) {
    this.#proxy = proxy;
    this.#directory = directory;
    this.#url = url;
  }

  static async connect(): Promise<Cluster> {
    const directory = await mkdtemp(join(tmpdir(), 'leasegate-kubectl-'));
    const logFile = join(directory, 'kubectl-proxy.log');
    const args = ['--kubeconfig', inject('kubeconfig'), 'proxy', '--port=0'];
    const proxy = new Daemon({ name: 'kubectl proxy', command: inject('kubectl'), args, logFile });
    let url = '';
    await proxy.untilReady(async () => {
      const address = /Starting to serve on (\S+)/.exec(await readFile(logFile, 'utf8'))?.[1];
      url = `http://${address}`;
      return address !== undefined;
    }, PROXY_START_MS_MAX);
    return new Cluster(proxy, directory, url);
  }

  /** Runs kubectl and returns what it printed. @throws Error with its stderr when it fails */
  kubectl(...args: string[]): Promise<string> {
    return this.kubectlWith('', ...args);
  }

  /** The same, with something to read. */
  async kubectlWith(input: string, ...args: string[]): Promise<string> {
    const running = execute(inject('kubectl'), ['--kubeconfig', inject('kubeconfig'), ...args], {
      timeout: KUBECTL_MS_MAX,
      maxBuffer: 64 * 1024 * 1024,
    });
    running.child.stdin?.end(input);
    return (await running).stdout;
  }

  /** GET of the API server, or of a pod through it. @throws Error unless it is answered with 200 */
  async get(path: string): Promise<KubernetesObject> {
    const response = await fetch(this.#url + path, { signal: AbortSignal.timeout(10_000) });
    if (response.status !== 200) throw new Error(`GET ${path} answered ${response.status}: ${await response.text()}`);
    return response.json();
  }

  /** The lines of an answer that goes on, each JSON. */
  async stream(path: string, signal: AbortSignal): Promise<AsyncIterable<KubernetesObject>> {
    const { body } = await fetch(this.#url + path, { signal });
    const lines = createInterface({ input: Readable.fromWeb(body! as ReadableStream) });
    return (async function* () {
      for await (const line of lines) yield JSON.parse(line);
    })();
  }

  /** Creates or updates objects, one after the other. */
  async apply(...objects: readonly KubernetesObject[]): Promise<void> {
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    await this.kubectlWith(list, 'apply', '--filename', '-');
  }

  /**
   * Makes a namespace with "restricted" Pod Security, unless told otherwise. Its name gets an end of its own, so that it is nobody
   * else's.
   *
   * @returns its name
   */
  async makeNamespace(prefix: string, podSecurity: 'restricted' | 'privileged' = 'restricted'): Promise<string> {
    const name = `${prefix}-${randomBytes(3).toString('hex')}`;
    const labels = { 'pod-security.kubernetes.io/enforce': podSecurity };
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
    await this.kubectlWith(JSON.stringify(namespace), 'create', '--filename', '-');
    // Made by a controller; without it no pod is admitted.
    await until(`the service account of ${name}`, 30_000, () =>
      this.get(`/api/v1/namespaces/${name}/serviceaccounts/default`).catch(() => null),
    );
    return name;
  }

  /** Removes a namespace with all that is in it, without waiting for its end. */
  async removeNamespace(name: string): Promise<void> {
    await this.kubectl('delete', 'namespace', name, '--wait=false', '--ignore-not-found');
  }

  async close(): Promise<void> {
    await this.#proxy.stop(0);
    await rm(this.#directory, { recursive: true });
  }
}
