import type { Clock, Instant, Timer, Timers } from '../../../src/ports/clock.ts';

interface Entry {
  readonly atMs: number;
  readonly run: () => void;
}

/** True time: what an observer outside of every process would read. It stands still while anything is computed. */
export class VirtualTime {
  nowMs = 0;
  readonly #entries: Entry[] = [];

  /** Runs `run` once after `delayMs`; entries of one moment run in the order of their calls. */
  after(delayMs: number, run: () => void): Timer {
    const entry = { atMs: this.nowMs + Math.max(0, delayMs), run };
    const later = this.#entries.findIndex(({ atMs }) => atMs > entry.atMs);
    this.#entries.splice(later === -1 ? this.#entries.length : later, 0, entry);
    return {
      cancel: () => void (this.#entries.includes(entry) && this.#entries.splice(this.#entries.indexOf(entry), 1)),
    };
  }

  /**
   * Lets time pass until `ms` are over, or until `isOver` says so: it is asked when all that an entry led to, promises
   * included, is done.
   */
  async pass(ms: number, isOver: () => boolean = () => false): Promise<void> {
    const endMs = this.nowMs + ms;
    await settled();
    for (let entry = this.#entries[0]; entry !== undefined && entry.atMs <= endMs; entry = this.#entries[0]) {
      this.#entries.shift();
      this.nowMs = entry.atMs;
      entry.run();
      await settled();
      if (isOver()) return;
    }
    this.nowMs = endMs;
    isOver();
  }
}

/** All promises that can go on have gone on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** One process's clocks and timers. It can be stopped: its clocks go on, and what becomes due waits until it continues. */
export class ProcessTime implements Clock, Timers {
  readonly #time: VirtualTime;
  /** Monotonic milliseconds per true millisecond. */
  readonly #rate: number;
  readonly #held: (() => void)[] = [];
  #stopped = false;
  /** Added to the wall clock: set it to step the clock. */
  wallAheadMs = 0;

  constructor(time: VirtualTime, rate = 1) {
    this.#time = time;
    this.#rate = rate;
  }

  now(): Instant {
    const wallMs = Date.UTC(2026, 0, 1) + this.#time.nowMs * this.#rate + this.wallAheadMs;
    return { monoMs: 1_000_000 + this.#time.nowMs * this.#rate, wallMs };
  }

  after(delayMs: number, callback: () => void): Timer {
    let cancelled = false;
    const timer = this.#time.after(delayMs / this.#rate, () => this.arrive(() => cancelled || callback()));
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  /** Something reaches this process: now, or when it continues. */
  arrive(callback: () => void): void {
    if (this.#stopped) this.#held.push(callback);
    else callback();
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** SIGSTOP. */
  freeze(): void {
    this.#stopped = true;
  }

  /** SIGCONT; `first` runs before anything that waited. */
  thaw(first: () => void = () => {}): void {
    this.#stopped = false;
    first();
    for (const callback of this.#held.splice(0)) callback();
  }
}
