/** One tenure of one replica, as far as it is proven from outside. Times are those of the observer's monotonic clock. */
interface Term {
  readonly replica: string;
  readonly token: string;
  /** It led by then: the first claim had been received. */
  readonly fromMs: number;
  /** It still led then: a question sent at this time was answered with a claim. */
  askedMs: number;
  /** Until when its claims may be trusted at least, unless it says otherwise. */
  promisedMs: number;
  /** It can no longer take its promise back (killed, or stopped by a signal). */
  abandoned: boolean;
  /** It was taken back: nothing is promised from then on, whatever becomes of the replica. */
  over: boolean;
}

const TERMS_MAX = 32;

/**
 * Watches for two leaders at once. Counts only what is proven: an answer's moment lies between question and reply, so that
 * what is found here is never an artefact of observing.
 */
export class Claims {
  readonly #terms: Term[] = [];

  /** An answer said `isLeader: true`. An event was not asked for: its `sentMs` is null. */
  claimed(replica: string, token: string, sentMs: number | null, receivedMs: number, validForMs: number): void {
    let term = this.#terms.find((known) => known.replica === replica && known.token === token && !known.over);
    if (term === undefined) {
      term = { replica, token, fromMs: receivedMs, askedMs: 0, promisedMs: 0, abandoned: false, over: false };
      this.#terms.push(term);
      if (this.#terms.length > TERMS_MAX) this.#terms.shift();
    }
    if (sentMs === null) return;
    term.askedMs = Math.max(term.askedMs, sentMs);
    term.promisedMs = Math.max(term.promisedMs, sentMs + validForMs);
  }

  /** The process can't answer any more: what it promised last stands, unless that was taken back already. */
  vanished(replica: string): void {
    const term = this.#terms.findLast((known) => known.replica === replica);
    if (term !== undefined) term.abandoned = true;
  }

  /** It said that it stopped, or its pod's next process starts: its terms until now are over for good. */
  disclaimed(replica: string): void {
    for (const term of this.#terms) if (term.replica === replica) term.over = true;
  }

  /** Two replicas that led at the same time, in words; null when there are none. */
  conflict(): string | null {
    for (const [index, a] of this.#terms.entries()) {
      const other = this.#terms.slice(index + 1).find((b) => b.replica !== a.replica && overlap(a, b));
      if (other !== undefined) return `${a.replica} (token ${a.token}) and ${other.replica} (token ${other.token})`;
    }
    return null;
  }
}

function overlap(a: Term, b: Term): boolean {
  return a.fromMs < untilOf(b) && b.fromMs < untilOf(a);
}

function untilOf({ askedMs, promisedMs, abandoned, over }: Term): number {
  return abandoned && !over ? Math.max(askedMs, promisedMs) : askedMs;
}
