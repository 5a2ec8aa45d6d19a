import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { until } from '../replica/until.ts';
import type { Cluster, KubernetesObject } from './cluster.ts';
import { judge, type Sample, type Verdict } from './history.ts';
import { LeaseHolders } from './lease-holders.ts';
import { restricted, runScript, scripts, scriptsVolume } from './scripts.ts';

const DEPLOY = resolve(import.meta.dirname, '../../../deploy');
export const EXAMPLES = join(DEPLOY, 'examples');
export const ADMISSION_POLICY = join(DEPLOY, 'admission-policy');
export const exampleNames = readdirSync(EXAMPLES);

const PODS_OF_WEB = 'labelSelector=app.kubernetes.io%2Fname%3Dweb';
/** Tells the pods of one example from all others of the cluster. */
export const RUN_LABEL = 'test.leasegate.dev/run';
const READY_MS_MAX = 120_000;
/** Service is steady where the leader has answered for this long. */
const STEADY_MS = 1_000;
/** Longer than what lies between two answers anyway, on a machine that is busy. */
const PAUSE_MS = 100;
/** The replicas of the example that polls all answer, and say whether they lead: every third answer comes from the leader. */
const PAUSE_POLLING_MS = 300;

/** An application to run: Deployment and Service `web`, with the sidecar. */
export interface ExampleOptions {
  readonly name: string;
  /** The way of routing: name of the example in `deploy/` that has it. */
  readonly way: string;
  /** Name of its Lease. */
  readonly lease: string;
  /** What to apply. */
  readonly manifests: string;
}

/** One of `deploy/examples` as it is, but for the name of the image. */
export async function shippedExample(cluster: Cluster, name: string): Promise<ExampleOptions> {
  const overlay = await mkdtemp(join(tmpdir(), 'leasegate-overlay-'));
  try {
    const resources = [relative(await realpath(overlay), join(EXAMPLES, name))];
    const images = [{ name: 'leasegate', ...imageParts(cluster.image) }];
    const labels = [{ pairs: { [RUN_LABEL]: randomBytes(3).toString('hex') }, includeTemplates: true }];
    await writeFile(join(overlay, 'kustomization.yaml'), JSON.stringify({ resources, images, labels }));
    return { name, way: name, lease: 'leasegate', manifests: await cluster.kubectl('kustomize', overlay) };
  } finally {
    await rm(overlay, { recursive: true });
  }
}

/** An application in a namespace of its own, with a client that asks its Service all the time. */
export class Example {
  readonly way: string;
  /** From {@link start} on. */
  namespace = '';
  readonly #options: ExampleOptions;
  readonly #cluster: Cluster;
  #holders!: LeaseHolders;
  #seen = 0;
  #held = 0;

  constructor(cluster: Cluster, options: ExampleOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.way = options.way;
  }

  /** Applies it, and waits until a client is served. */
  async start(): Promise<void> {
    this.namespace = await this.#cluster.makeNamespace(`leasegate-${this.#options.name}`);
    await this.apply(this.#options.manifests);
    const { spec } = await this.#cluster.get(`/api/v1/namespaces/${this.namespace}/services/web`);
    const target = `http://${spec.clusterIP}/`;
    await this.#cluster.apply(scripts(this.namespace), observer(this.namespace, this.#cluster.image, target));
    const lease = `/apis/coordination.k8s.io/v1/namespaces/${this.namespace}/leases/${this.#options.lease}`;
    this.#holders = await LeaseHolders.follow(this.#cluster, lease);
    await this.settled(3);
    await this.verdict();
  }

  /** Applies manifests to its namespace, past a dry run that is strict. */
  async apply(manifests: string): Promise<void> {
    const apply = ['--namespace', this.namespace, 'apply', '--filename', '-'];
    await this.#cluster.kubectlWith(manifests, ...apply, '--dry-run=server', '--validate=strict');
    await this.#cluster.kubectlWith(manifests, ...apply);
  }

  kubectl(...args: string[]): Promise<string> {
    return this.#cluster.kubectl('--namespace', this.namespace, ...args);
  }

  async pods(): Promise<KubernetesObject[]> {
    return (await this.#cluster.get(`/api/v1/namespaces/${this.namespace}/pods?${PODS_OF_WEB}`)).items;
  }

  /** The pod that holds the Lease. */
  leader(): Promise<string> {
    return until('a leader', READY_MS_MAX, () => this.#holders.current);
  }

  /** Names of the pods whose own sidecar says that it leads. */
  async leading(): Promise<string[]> {
    const names: string[] = [];
    for (const { metadata } of await this.pods()) {
      const status = await this.kubectl(
        'exec',
        metadata.name,
        '-c',
        'leasegate',
        '--',
        'leasegate',
        'status',
        '--output=json',
      );
      if (JSON.parse(status).isLeader) names.push(metadata.name);
    }
    return names;
  }

  /** Waits until all is as it should be again: every pod of the present template, one leads, and it alone serves. */
  async settled(replicas: number): Promise<void> {
    await until(`${replicas} pods of ${this.namespace}`, READY_MS_MAX, async () => {
      const { metadata, status } = await this.#cluster.get(
        `/apis/apps/v1/namespaces/${this.namespace}/deployments/web`,
      );
      const rolledOut = status.observedGeneration === metadata.generation && status.updatedReplicas === replicas;
      const pods = await this.pods();
      return rolledOut && pods.length === replicas && pods.every(runs) && status.replicas === replicas;
    });
    await until(`steady service in ${this.namespace}`, READY_MS_MAX, async () => {
      const samples = await this.#samples(this.#seen).catch(() => []);
      const lastMs = samples.at(-1)?.atMs ?? 0;
      const latest = samples.filter(({ atMs }) => atMs > lastMs - STEADY_MS);
      const pods = new Set(latest.flatMap((sample) => ('pod' in sample ? [sample.pod] : [])));
      const refused = latest.some((sample) => 'failure' in sample && this.way !== 'polling');
      const since = samples[0]?.atMs ?? lastMs;
      return lastMs - since > STEADY_MS && !refused && pods.size === 1 && pods.has(this.#holders.current!);
    });
  }

  /** What the client has seen since it was last asked for. */
  async verdict(): Promise<Verdict> {
    const samples = await this.#samples(this.#seen);
    const holders = this.#holders.since(this.#held);
    // Of nobody seen nothing can be said.
    if (samples.length === 0) throw new Error(`the client in ${this.namespace} saw nothing`);
    this.#seen += samples.length;
    this.#held = Math.max(0, this.#holders.count - 1);
    return judge(samples, holders, this.way === 'polling' ? PAUSE_POLLING_MS : PAUSE_MS);
  }

  async close(): Promise<void> {
    this.#holders?.close();
    if (this.namespace !== '') await this.#cluster.removeNamespace(this.namespace);
  }

  #samples(from: number): Promise<Sample[]> {
    const observer = `/api/v1/namespaces/${this.namespace}/pods/observer:8080/proxy`;
    return this.#cluster.get(`${observer}/history?from=${from}`);
  }
}

function runs({ metadata, status }: KubernetesObject): boolean {
  const ready = (status.conditions ?? []).find(({ type }: { type: string }) => type === 'ContainersReady');
  return metadata.deletionTimestamp === undefined && ready?.status === 'True';
}

/** As kustomize wants them. */
export function imageParts(image: string): Record<string, string> {
  const [name = '', digest] = image.split('@');
  if (digest !== undefined) return { newName: name, digest };
  const [, newName = name, newTag = 'latest'] = /^(.*):([^/]+)$/.exec(name) ?? [];
  return { newName, newTag };
}

function observer(namespace: string, image: string, target: string): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'observer', namespace },
    spec: {
      containers: [
        {
          ...runScript(image, 'observer.ts'),
          name: 'observer',
          env: [{ name: 'TARGET', value: target }],
          securityContext: restricted,
        },
      ],
      volumes: [scriptsVolume],
    },
  };
}
