/**
 * Members that may be dead although their heartbeats are not overdue yet: a Lease of theirs ran out unrenewed. They are left out
 * until a heartbeat is seen that came after that.
 */
export class Suspects {
  /** Since when, by identity. */
  readonly #since = new Map<string, number>();

  /**
   * @param lapsed who let a Lease run out that nobody has claimed since
   * @param seen when a heartbeat of each member was last seen, by identity
   */
  note(lapsed: ReadonlySet<string>, seen: ReadonlyMap<string, number>, nowMonoMs: number): void {
    for (const identity of lapsed) if (!this.#since.has(identity)) this.#since.set(identity, nowMonoMs);
    for (const [identity, sinceMonoMs] of this.#since) {
      const seenMonoMs = seen.get(identity);
      const settled = seenMonoMs === undefined || seenMonoMs > sinceMonoMs;
      if (settled && !lapsed.has(identity)) this.#since.delete(identity);
    }
  }

  has(identity: string, seenMonoMs: number): boolean {
    return seenMonoMs <= (this.#since.get(identity) ?? Number.NEGATIVE_INFINITY);
  }
}
