import type { SharedLease } from './plan.ts';

/** Who was seen to hold what, and who gave something up. */
export class Holders {
  readonly #last = new Map<string, SharedLease>();
  readonly #gaveUpMonoMs = new Map<string, number>();
  /** When anything of it changed last. */
  changedMonoMs = Number.NEGATIVE_INFINITY;

  note(name: string, holder: string | null, nowMonoMs: number): SharedLease {
    const before = this.#last.get(name) ?? { name, holder: null, former: null };
    if (before.holder === holder) return before;
    this.changedMonoMs = nowMonoMs;
    if (before.holder !== null) this.#gaveUpMonoMs.set(before.holder, nowMonoMs);
    const lease = { name, holder, former: holder === null ? before.holder : null };
    this.#last.set(name, lease);
    return lease;
  }

  /** Whether it gave something up after it was last heard of: then it may not want anything. */
  gaveUpSince(identity: string, heardMonoMs: number): boolean {
    return heardMonoMs <= (this.#gaveUpMonoMs.get(identity) ?? Number.NEGATIVE_INFINITY);
  }

  /** Forgets whoever is no member. */
  forgetAllBut(members: { has(identity: string): boolean }): void {
    for (const identity of this.#gaveUpMonoMs.keys()) if (!members.has(identity)) this.#gaveUpMonoMs.delete(identity);
  }
}
