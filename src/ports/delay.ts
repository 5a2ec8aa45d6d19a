import type { Timers } from './clock.ts';

/** A wait that can be ended early; ended or over, it leaves no timer behind. */
export interface Delay {
  readonly over: Promise<void>;
  end(): void;
}

export function endableDelay(delayMs: number, timers: Timers): Delay {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = timers.after(delayMs, resolve);
  return {
    over,
    end: () => {
      timer.cancel();
      resolve();
    },
  };
}

/** Resolves after `delayMs` of the given timers. */
export function delay(delayMs: number, timers: Timers): Promise<void> {
  return endableDelay(delayMs, timers).over;
}
