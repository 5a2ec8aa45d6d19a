/** A cancelled entry stays in the heap and is skipped. */
interface Entry {
  readonly atMs: number;
  readonly order: number;
  action: (() => void) | null;
}

export interface Scheduled {
  cancel(): void;
}

/** True time, which no process can see, and the one queue of everything that will happen. */
export class World {
  nowMs = 0;
  /** Some process was given something to do: what follows from it without time passing may still be under way. */
  stirred = false;
  readonly #heap: Entry[] = [];
  #order = 0;

  /** Runs `action` at a true time; things of one moment run in the order in which they were asked for. */
  at(atMs: number, action: () => void): Scheduled {
    const entry: Entry = { atMs: Math.max(atMs, this.nowMs), order: this.#order++, action };
    this.#push(entry);
    return {
      cancel: () => {
        entry.action = null;
      },
    };
  }

  after(delayMs: number, action: () => void): Scheduled {
    return this.at(this.nowMs + delayMs, action);
  }

  /** Does the next thing, if there is one up to `untilMs`; false when time has run out. */
  step(untilMs: number): boolean {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.atMs > untilMs) {
        this.nowMs = untilMs;
        return false;
      }
      this.#pop();
      if (first.action === null) continue;
      this.nowMs = first.atMs;
      first.action();
      return true;
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
