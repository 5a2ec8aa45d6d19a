import type { Cluster, KubernetesObject } from './cluster.ts';

/** Follows a Lease, and remembers which pods held it. */
export class LeaseHolders {
  readonly #pods: string[] = [];
  readonly #stop = new AbortController();

  /** @param lease - path of the Lease */
  static async follow(cluster: Cluster, lease: string): Promise<LeaseHolders> {
    const holders = new LeaseHolders();
    const { metadata, spec } = await cluster.get(lease);
    holders.#saw(spec);
    const [, folder, name] = /^(.*)\/([^/]+)$/.exec(lease)!;
    const query = `watch=true&fieldSelector=metadata.name%3D${name}&resourceVersion=${metadata.resourceVersion}`;
    void holders.#read(await cluster.stream(`${folder}?${query}`, holders.#stop.signal));
    return holders;
  }

  /** The pod that holds it; null where none does. */
  current: string | null = null;

  /** How many changes of holder there were so far. */
  get count(): number {
    return this.#pods.length;
  }

  /** Names of pods, one for each change of holder, from the `index`th on. */
  since(index: number): string[] {
    return this.#pods.slice(index);
  }

  close(): void {
    this.#stop.abort();
  }

  async #read(events: AsyncIterable<KubernetesObject>): Promise<void> {
    try {
      for await (const { object } of events) this.#saw(object.spec);
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    }
  }

  #saw(spec: KubernetesObject): void {
    // <pod>_<uid>_<random>
    const pod = spec?.holderIdentity?.split('_')[0] || null;
    if (pod !== null && pod !== this.#pods.at(-1)) this.#pods.push(pod);
    this.current = pod;
  }
}
