/** Counts so far, by name; they only grow. */
export type Counts = Readonly<Record<string, number>>;

const WINDOW_MS = 5_000;

/** Turns growing counts into rates over the last seconds. */
export class Rates {
  readonly #samples: { readonly atMs: number; readonly counts: Counts }[] = [];

  /** Takes the counts of this moment and returns what each grew by per second. */
  sample(nowMs: number, counts: Counts): Record<string, number> {
    this.#samples.push({ atMs: nowMs, counts: { ...counts } });
    while (this.#samples.length > 2 && this.#samples[1]!.atMs <= nowMs - WINDOW_MS) this.#samples.shift();
    const oldest = this.#samples[0]!;
    // A window that is not full yet counts as full: two requests in the first tenth of a second are not twenty a second.
    const seconds = Math.max(WINDOW_MS, nowMs - oldest.atMs) / 1_000;
    return Object.fromEntries(
      Object.entries(counts).map(([name, count]) => [name, (count - (oldest.counts[name] ?? 0)) / seconds]),
    );
  }
}
