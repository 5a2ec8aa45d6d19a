import { type LookupAddress, lookup } from 'node:dns';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Timers } from '../ports/clock.ts';

export type PostOutcome =
  | { readonly kind: 'delivered' }
  /** Any status but 2xx; redirects are not followed. */
  | { readonly kind: 'rejected'; readonly status: number }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'unreachable'; readonly message: string };

export interface PostOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** From the start until the head of the answer; what follows of the answer gets no longer, either. */
  readonly timeoutMs: number;
  readonly timers: Timers;
  /** Ends it at once, as `unreachable`. */
  readonly signal: AbortSignal;
}

/** An answer's body says nothing that is looked at; it is read so far only for the sake of who sends it. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** Sends one POST over a connection of its own, so that it never waits behind another. Never rejects. */
export function post({ url, headers, body, timeoutMs, timers, signal }: PostOptions): Promise<PostOutcome> {
  const { promise, resolve } = Promise.withResolvers<PostOutcome>();
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const outgoing = request(url, {
    method: 'POST',
    headers: { ...headers, 'Content-Length': Buffer.byteLength(body) },
    agent: false,
    lookup: sharedLookup,
  });
  const timer = timers.after(timeoutMs, () => end({ kind: 'timeout' }));
  const onAbort = () => end({ kind: 'unreachable', message: 'ended early' });
  const end = (outcome: PostOutcome) => {
    resolve(outcome);
    outgoing.destroy();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  outgoing.on('error', ({ message }) => end({ kind: 'unreachable', message }));
  outgoing.on('close', () => {
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
    resolve({ kind: 'unreachable', message: 'the connection was closed without an answer' });
  });
  outgoing.on('response', (answer) => {
    const status = answer.statusCode ?? 0;
    resolve(status >= 200 && status < 300 ? { kind: 'delivered' } : { kind: 'rejected', status });
    let bytes = 0;
    answer.on('error', () => {});
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > ANSWER_BYTES_MAX) outgoing.destroy();
    });
  });
  if (signal.aborted) onAbort();
  else outgoing.end(body);
  return promise;
}

type Found = { readonly error: NodeJS.ErrnoException | null; readonly addresses: LookupAddress[] };
const pendingLookups = new Map<string, Promise<Found>>();

/**
 * Asks for each name once at a time. A lookup can't be ended and holds one of Node's few threads for as long as a resolver hangs:
 * tries after a timeout must not take one thread each, for the others in this process need some.
 */
const sharedLookup: LookupFunction = (hostname, options, callback) => {
  const pending =
    pendingLookups.get(hostname) ??
    new Promise<Found>((resolve) => {
      lookup(hostname, { ...options, all: true }, (error, addresses) => {
        pendingLookups.delete(hostname);
        resolve({ error, addresses });
      });
    });
  pendingLookups.set(hostname, pending);
  void pending.then(({ error, addresses }) => {
    if (error !== null || options.all) callback(error, addresses);
    else callback(null, addresses[0]!.address, addresses[0]!.family);
  });
};
