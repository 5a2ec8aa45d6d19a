/**
 * The two clocks, read together. They are never mixed: deadlines are monotonic, times that go into a Lease are wall.
 */
export interface Instant {
  /** Monotonic milliseconds with an arbitrary origin; goes on while the process is stopped, may stand still in suspend. */
  readonly monoMs: number;
  /** Milliseconds since the Unix epoch; may be stepped at any time. */
  readonly wallMs: number;
}

/** Where the time comes from. A simulation owns it; in production it is {@link systemClock}. */
export interface Clock {
  now(): Instant;
}

/** A timer that can be cancelled. */
export interface Timer {
  cancel(): void;
}

/** Where delays come from. `callback` runs once, not before `delayMs` have passed on the monotonic clock. */
export interface Timers {
  after(delayMs: number, callback: () => void): Timer;
}

/** Uniform numbers in [0, 1), for jitter and identities only. */
export type Random = () => number;

/**
 * CLOCK_MONOTONIC (through hrtime: comparable between processes of one machine, unlike `performance.now()`), and the wall
 * clock.
 */
export const systemClock: Clock = {
  now: () => ({ monoMs: Number(process.hrtime.bigint()) / 1e6, wallMs: Date.now() }),
};

/** Of one of Node's timers: a longer one would run at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Node's timers. A callback that throws crashes the process, as an uncaught exception should. */
export const systemTimers: Timers = {
  after: (delayMs, callback) => {
    let handle: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      handle =
        leftMs <= TIMER_MS_MAX
          ? setTimeout(callback, Math.max(0, Math.ceil(leftMs)))
          : setTimeout(() => wait(leftMs - TIMER_MS_MAX), TIMER_MS_MAX);
    };
    wait(delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};
