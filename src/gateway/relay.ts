import type { Socket } from 'node:net';

export interface RelayOptions {
  readonly client: Socket;
  readonly upstream: Socket;
  /** Asked before each write, in either direction. Where it says no, whoever said so has cut both sockets. */
  readonly mayPass: () => boolean;
  readonly onBytes: (direction: 'in' | 'out', bytes: number) => void;
}

/**
 * Joins two sockets until both directions have ended, each by itself: a side that has sent all may still receive. What one
 * side can't take, the other is not asked for. A reset passes on as a reset, since the end of a stream means something in
 * many protocols.
 */
export function relay({ client, upstream, mayPass, onBytes }: RelayOptions): void {
  client.on('data', (chunk: Buffer) => {
    if (!mayPass()) return;
    onBytes('in', chunk.length);
    if (!upstream.write(chunk)) client.pause();
  });
  upstream.on('data', (chunk: Buffer) => {
    if (!mayPass()) return;
    onBytes('out', chunk.length);
    if (!client.write(chunk)) upstream.pause();
  });
  client.on('drain', () => upstream.resume());
  upstream.on('drain', () => client.resume());
  client.on('end', () => {
    if (mayPass()) upstream.end();
  });
  upstream.on('end', () => client.end());
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    one.on('error', () => other.resetAndDestroy());
    one.on('close', () => {
      // Ended on both halves: what was written to the other one still goes out.
      if (one.readableEnded && one.writableFinished) other.destroySoon();
      else other.resetAndDestroy();
    });
  }
}
