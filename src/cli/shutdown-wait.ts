import type { ShutdownConfig } from '../config/load.ts';
import type { Timers } from '../ports/clock.ts';
import { delay, endableDelay } from '../ports/delay.ts';

/** What ended the wait: its time, the port, the longest time for that, or somebody who would not wait. */
export type WaitEnd = 'delay' | 'port-closed' | 'limit' | 'signal';

/** Between two looks at the port: how much longer than needed the Lease is held. */
const LOOK_EVERY_MS = 100;
/** A port that does not answer in this time is open: its application is busy. */
const LOOK_MS_MAX = 1_000;

/** Whether a signal is not followed at once. */
export function putsOffTheEnd(config: ShutdownConfig): boolean {
  return (config.kind === 'delay' ? config.delayMs : config.waitMsMax) > 0;
}

export interface ShutdownWaitOptions {
  readonly timers: Timers;
  /** Resolves when somebody does not want to wait. */
  readonly interrupted: Promise<void>;
  /** Whether nothing listens on the port any more. @defaultValue connects to it */
  readonly isClosed?: (signal: AbortSignal) => Promise<boolean>;
}

/**
 * The time between a signal and the end, in which the application that got the same signal ends its work.
 */
export async function waitBeforeTheEnd(config: ShutdownConfig, options: ShutdownWaitOptions): Promise<WaitEnd> {
  const { timers, interrupted } = options;
  const over = new AbortController();
  const limit = endableDelay(config.kind === 'delay' ? config.delayMs : config.waitMsMax, timers);
  const ends: Promise<WaitEnd>[] = [
    limit.over.then(() => (config.kind === 'delay' ? 'delay' : 'limit')),
    interrupted.then(() => 'signal'),
  ];
  if (config.kind === 'port') {
    const isClosed = options.isClosed ?? (await lookAt(config.port));
    ends.push(untilClosed(isClosed, timers, over.signal).then(() => 'port-closed'));
  }
  const end = await Promise.race(ends);
  limit.end();
  over.abort();
  return end;
}

async function lookAt(port: { readonly host: string; readonly port: number }) {
  const { tcpCheck } = await import('../health/tcp-check.ts');
  const check = tcpCheck(port);
  return async (signal: AbortSignal): Promise<boolean> => {
    const result = await check(signal);
    return !result.ok && result.why === 'refused';
  };
}

/** Resolves when the port is found closed; goes on no longer than the signal allows. */
async function untilClosed(
  isClosed: (signal: AbortSignal) => Promise<boolean>,
  timers: Timers,
  over: AbortSignal,
): Promise<void> {
  while (!over.aborted) {
    if (await isClosed(AbortSignal.any([over, AbortSignal.timeout(LOOK_MS_MAX)]))) return;
    await delay(LOOK_EVERY_MS, timers);
  }
}
