import { connect as connectSocket, type Socket } from 'node:net';
import type { Timers } from '../../ports/clock.ts';
import type { Place } from '../protocol.ts';

/** How long to wait for a connection: generous for a neighbour in the pod or the cluster. */
const CONNECT_TIMEOUT_MS = 2_000;
/** How long a connection is quiet before the kernel asks whether the other side is still there. */
export const KEEP_ALIVE_PROBE_MS = 30_000;

/**
 * All reads go here first, and are copied into as much as they are: node would take 64 KiB for each, and give nearly all of them
 * back. A read is copied before the next one begins.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

export class ConnectTimeout extends Error {
  readonly code = 'CONNECT_TIMEOUT';
}

export interface ConnectOptions extends Place {
  /** Whether the other side may end its half and go on listening. */
  readonly allowHalfOpen: boolean;
}

/** Opens a connection. `done` is called once: with the socket, or with why there is none. */
export function connect(
  { host, port, allowHalfOpen }: ConnectOptions,
  timers: Timers,
  done: (error: Error | null, socket: Socket | null) => void,
): Socket {
  const socket = connectSocket({
    host,
    port,
    allowHalfOpen,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_PROBE_MS,
    onread: { buffer: READ_BUFFER, callback: pushCopy },
  });
  const settle = (error: Error | null) => {
    limit.cancel();
    socket.off('connect', connected).off('error', settle);
    if (error === null) done(null, socket);
    else {
      socket.on('error', () => {}).destroy();
      done(error, null);
    }
  };
  const connected = () => settle(null);
  const limit = timers.after(CONNECT_TIMEOUT_MS, () => settle(new ConnectTimeout()));
  return socket.once('connect', connected).once('error', settle);
}

/** Called on the socket. A function of its own, since it lives as long as that: a closure would keep all that opened it. */
function pushCopy(this: Socket, length: number, read: Uint8Array): boolean {
  return this.push(Buffer.from(read.subarray(0, length)));
}
