import type { ApiObject } from './object.ts';

/** One committed write. `previous` is null for a creation, `object` for a deletion. */
export interface Change {
  readonly resourceVersion: number;
  readonly storage: string;
  readonly namespace: string;
  readonly previous: ApiObject | null;
  readonly object: ApiObject | null;
}

/** The last writes, oldest first. What falls out of it is compacted: watches from before get 410. */
export class History {
  readonly #limit: number;
  readonly #changes: Change[] = [];
  #compactedTo: number;

  constructor(limit: number, compactedTo: number) {
    this.#limit = limit;
    this.#compactedTo = compactedTo;
  }

  /** Changes after this version are complete; those at or before it may be gone. */
  get compactedTo(): number {
    return this.#compactedTo;
  }

  record(change: Change): void {
    this.#changes.push(change);
    // Trimmed in blocks, so that a write costs no shift of the whole array.
    if (this.#changes.length >= this.#limit * 2) this.#drop(this.#changes.length - this.#limit);
  }

  /** The changes after `since`, which is not before {@link compactedTo}. */
  after(since: number): Change[] {
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#changes[middle]!.resourceVersion <= since) low = middle + 1;
      else high = middle;
    }
    return this.#changes.slice(low);
  }

  /** Forgets everything up to `version`. */
  compact(version: number): void {
    this.#drop(this.#changes.length - this.after(version).length);
    this.#compactedTo = Math.max(this.#compactedTo, version);
  }

  #drop(count: number): void {
    const dropped = this.#changes.splice(0, count);
    this.#compactedTo = dropped.at(-1)?.resourceVersion ?? this.#compactedTo;
  }
}
