import { connect, type Socket } from 'node:net';
import type { Timers } from '../../ports/clock.ts';

/** Dead ends are found by TCP itself: a connection that says nothing may be as it should. */
export const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelay: 30_000 } as const;

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  readonly timers: Timers;
  /** Ends the attempt. */
  readonly signal: AbortSignal;
}

export type ConnectFailure = 'refused' | 'timeout' | 'aborted';

/** Connects within a time. The socket reads nothing yet; it is for the caller to have an `error` listener on it. */
export function connectWithin(options: ConnectOptions): Promise<Socket | ConnectFailure> {
  const { host, port, timeoutMs, timers, signal } = options;
  if (signal.aborted) return Promise.resolve('aborted');
  return new Promise((resolve) => {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true, ...KEEP_ALIVE });
    const settle = (result: Socket | ConnectFailure) => {
      timer.cancel();
      signal.removeEventListener('abort', abort);
      socket.off('connect', connected);
      socket.off('error', failed);
      if (typeof result === 'string') socket.on('error', () => {}).destroy();
      resolve(result);
    };
    const connected = () => settle(socket);
    const failed = () => settle('refused');
    const abort = () => settle('aborted');
    const timer = timers.after(timeoutMs, () => settle('timeout'));
    signal.addEventListener('abort', abort, { once: true });
    socket.once('connect', connected);
    socket.once('error', failed);
  });
}
