import { expectStatus } from '../replica/scene.ts';
import { until } from '../replica/until.ts';
import type { ControlPlane } from '../support/control-plane.ts';

const LABELS = { app: 'web' };
/** Nothing has changed for so long: it stands still. */
const QUIET_MS = 6_000;
const PATIENCE_MS = 60_000;

interface PodObject {
  readonly metadata: {
    readonly name: string;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly status: { readonly phase?: string; readonly conditions?: readonly { type: string; status: string }[] };
}

export type WorkloadKind = 'Deployment' | 'StatefulSet';

/** Pods that real controllers make and take away, of which never more than one is Ready: as with the readiness gate. */
export class GatedPods {
  readonly #controlPlane: ControlPlane;
  readonly #namespace: string;
  readonly #path: string;
  readonly #replicas: number;
  leader: string | null = null;

  static async open(
    controlPlane: ControlPlane,
    namespace: string,
    kind: WorkloadKind,
    spec: { readonly replicas?: number },
  ): Promise<GatedPods> {
    const { admin } = controlPlane;
    await expectStatus(admin.post('/api/v1/namespaces', { metadata: { name: namespace } }), 201);
    const path = `/apis/apps/v1/namespaces/${namespace}/${kind.toLowerCase()}s`;
    const containers = [{ name: 'application', image: 'none' }];
    const template = { metadata: { labels: LABELS, annotations: { version: '1' } }, spec: { containers } };
    const common = {
      selector: { matchLabels: LABELS },
      template,
      ...(kind === 'StatefulSet' && { serviceName: 'web' }),
    };
    await expectStatus(admin.post(path, { metadata: { name: 'web' }, spec: { ...common, ...spec } }), 201);
    return new GatedPods(controlPlane, namespace, `${path}/web`, spec.replicas ?? 1);
  }

  private constructor(controlPlane: ControlPlane, namespace: string, path: string, replicas: number) {
    this.#controlPlane = controlPlane;
    this.#namespace = namespace;
    this.#path = path;
    this.#replicas = replicas;
  }

  // biome-ignore lint/suspicious/noExplicitAny: assertions read whatever the API server sent
  async workload(): Promise<any> {
    return (await expectStatus(this.#controlPlane.admin.get(this.#path), 200)).body;
  }

  /** The name of a pod that runs and does not lead. */
  async standby(): Promise<string> {
    const pods = await this.#live();
    return pods.map(({ metadata }) => metadata.name).find((name) => name !== this.leader)!;
  }

  /** Changes the pod template, and tells whether all pods become new ones. */
  async rollsOut(): Promise<boolean> {
    if (!(await this.settles('1'))) throw new Error('it has not come to have all its pods');
    const template = { metadata: { annotations: { version: '2' } } };
    await expectStatus(this.#controlPlane.admin.patch(this.#path, { spec: { template } }), 200);
    return this.settles('2');
  }

  /** Whether there come to be all pods, of this version; false when nothing changes any more before that. */
  async settles(version: string): Promise<boolean> {
    let last = '';
    let sinceMs = performance.now();
    const settled = await until(`pods of version ${version}`, PATIENCE_MS, async () => {
      const pods = await this.#tend();
      const present = JSON.stringify(pods.map(({ metadata }) => metadata.name));
      if (present !== last) sinceMs = performance.now();
      last = present;
      const current = pods.filter(({ metadata }) => metadata.annotations?.version === version);
      if (pods.length === this.#replicas && current.length === pods.length) return 'done';
      return performance.now() - sinceMs > QUIET_MS && 'still';
    });
    return settled === 'done';
  }

  /** What kubelets and replicas do: all pods run, and the oldest leads when nobody does. */
  async #tend(): Promise<PodObject[]> {
    const pods = await this.#live();
    if (!pods.some(({ metadata }) => metadata.name === this.leader)) this.leader = pods[0]?.metadata.name ?? null;
    for (const { metadata, status } of pods) {
      const ready = metadata.name === this.leader ? 'True' : 'False';
      const told = status.conditions?.find(({ type }) => type === 'Ready')?.status;
      if (status.phase === 'Running' && told === ready) continue;
      const conditions = [{ type: 'Ready', status: ready }];
      // It may be gone meanwhile.
      await this.#controlPlane.admin.patch(`${this.#pods}/${metadata.name}/status`, {
        status: { phase: 'Running', conditions },
      });
    }
    return pods;
  }

  async #live(): Promise<PodObject[]> {
    const { items } = (await expectStatus(this.#controlPlane.admin.get(this.#pods), 200)).body;
    return (items as PodObject[])
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .sort((a, b) => a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp));
  }

  get #pods(): string {
    return `/api/v1/namespaces/${this.#namespace}/pods`;
  }
}
