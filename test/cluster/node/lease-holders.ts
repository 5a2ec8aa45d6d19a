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
    // Longer than any of the suite's tests.
    const query = `watch=true&timeoutSeconds=7200&fieldSelector=metadata.name%3D${name}&resourceVersion=${metadata.resourceVersion}`;
    void holders.#read(await cluster.stream(`${folder}?${query}`, holders.#stop.signal));
    return holders;
  }

  /** The pod that holds it; null where none does. */
  current: string | null = null;

  #failure: unknown = null;

  /** How many changes of holder there were so far. */
  get count(): number {
    return this.#pods.length;
  }

  /** Names of pods, one for each change of holder, from the `index`th on. */
  since(index: number): string[] {
    if (this.#failure !== null) throw this.#failure;
    return this.#pods.slice(index);
  }

  close(): void {
    this.#stop.abort();
  }

  async #read(events: AsyncIterable<KubernetesObject>): Promise<void> {
    try {
      for await (const { object } of events) this.#saw(object.spec);
      throw new Error('the watch of the Lease ended');
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#failure = error;
    }
  }

  #saw(spec: KubernetesObject): void {
    // <pod>_<uid>_<random>
    const pod = spec?.holderIdentity?.split('_')[0] || null;
    if (pod !== null && pod !== this.#pods.at(-1)) this.#pods.push(pod);
    this.current = pod;
  }
}
