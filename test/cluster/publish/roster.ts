/** Who is said to be something, from one write until the next. */
export interface Moment {
  readonly atMs: number;
  /** Of the write. */
  readonly revision: number;
  /** Pods, in order; one may stand there twice. */
  readonly pods: readonly string[];
}

/** What a witness saw, moment by moment: e.g. which pods a Service sent its clients to. */
export class Roster {
  readonly moments: Moment[] = [];
  readonly #what: string;

  /** @param what - for messages: `serve` */
  constructor(what: string) {
    this.#what = what;
  }

  get now(): readonly string[] {
    return this.moments.at(-1)?.pods ?? [];
  }

  /** Only what differs from the moment before is one. */
  note(atMs: number, revision: number, pods: readonly string[]): void {
    const sorted = [...pods].sort();
    if (sorted.join() !== this.now.join()) this.moments.push({ atMs, revision, pods: sorted });
  }

  /** The first moment after a revision at which a pod was there. */
  firstWith(pod: string, afterRevision: number): Moment | undefined {
    return this.moments.find(({ revision, pods }) => revision > afterRevision && pods.includes(pod));
  }

  /** The first moment after a revision at which a pod was not there. */
  firstWithout(pod: string, afterRevision: number): Moment | undefined {
    return this.moments.find(({ revision, pods }) => revision > afterRevision && !pods.includes(pod));
  }

  /** The moments of more than one, in plain words. */
  findings(): string[] {
    return this.moments.flatMap(({ atMs, revision, pods }, index) => {
      if (pods.length < 2) return [];
      const forMs = ((this.moments[index + 1]?.atMs ?? Number.POSITIVE_INFINITY) - atMs).toFixed(1);
      return `${pods.join(' and ')} ${this.#what} at the same time, for ${forMs} ms from revision ${revision}`;
    });
  }
}
