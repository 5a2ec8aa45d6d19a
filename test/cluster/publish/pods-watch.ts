import { ObjectWatch } from '../replica/object-watch.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import type { PodObject } from './kubelet.ts';
import { Roster } from './roster.ts';

/** Which of a namespace's pods say that they lead. */
export class PodsWatch {
  readonly roster = new Roster('say that they lead');
  readonly #leading = new Set<string>();
  #watch: ObjectWatch<PodObject> | undefined;

  static async open(
    controlPlane: ControlPlane,
    namespace: string,
    saysLeader: (pod: PodObject) => boolean,
  ): Promise<PodsWatch> {
    const witness = new PodsWatch();
    witness.#watch = await ObjectWatch.open<PodObject>(
      controlPlane,
      `/api/v1/namespaces/${namespace}/pods`,
      ({ atMs, revision, gone, object }) => {
        const { name } = object.metadata;
        if (!gone && saysLeader(object)) witness.#leading.add(name);
        else witness.#leading.delete(name);
        witness.roster.note(atMs, revision, [...witness.#leading]);
      },
    );
    return witness;
  }

  private constructor() {}

  close(): void {
    this.#watch?.close();
  }

  findings(): string[] {
    const broken = this.#watch?.broken;
    return [...this.roster.findings(), ...(broken ? [`the pods were not seen to the end: ${broken}`] : [])];
  }
}
