import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Timer, Timers } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import { LIMITS } from './limits.ts';
import { replyError } from './reply.ts';

/** What the readers of one stream are told. */
export interface EventSource {
  /** Of the route, for the log. */
  readonly path: string;
  /** Of each event. */
  readonly name: string;
  /** Further readers: 503. */
  readonly readersMax: number;
  /** A reader with more than this unread is dropped. */
  readonly unreadBytesMax: number;
  /** Where a reader too many can ask instead. */
  readonly poll: string;
  /** The data of the first event on each connection. */
  snapshot(): object;
  /** Tells the data of each further one. Returns how to end that. */
  subscribe(tell: (event: object) => void): () => void;
}

export interface EventHubOptions {
  readonly source: EventSource;
  readonly timers: Timers;
  readonly log: Logger;
}

/**
 * Readers of one event stream. Each gets one event on connect and one per change. Memory is bounded: a reader that does
 * not read is dropped, and can learn all it missed by connecting again, because the first event says everything.
 */
export class EventHub {
  readonly #options: EventHubOptions;
  readonly #streams = new Set<ServerResponse>();
  readonly #unsubscribe: () => void;
  #lastId = 0;
  #keepAlive: Timer | null = null;
  #closed = false;

  constructor(options: EventHubOptions) {
    this.#options = options;
    this.#unsubscribe = options.source.subscribe((event) => {
      this.#lastId += 1;
      if (this.#streams.size > 0) this.#sendToAll(this.#format(event));
    });
  }

  /** Readers at this moment. */
  get size(): number {
    return this.#streams.size;
  }

  /** Answers a request with the stream, or refuses it. */
  open(req: IncomingMessage, res: ServerResponse): void {
    if (this.#closed) {
      replyError(req, res, { code: 'SHUTTING_DOWN', message: 'This replica is shutting down.' });
      return;
    }
    const { source } = this.#options;
    if (this.#streams.size >= source.readersMax) {
      const message = `There are ${source.readersMax} readers already. Poll ${source.poll} instead, or come back later.`;
      replyError(req, res, { code: 'TOO_MANY_SUBSCRIBERS', message }, { 'Retry-After': 10 });
      return;
    }
    res.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      // Asks nginx, should one stand in between, not to hold events back.
      'X-Accel-Buffering': 'no',
    });
    if (req.method === 'HEAD') {
      res.end();
      return;
    }
    // A write that meets a vanished peer reports it here; `close` follows and does the work.
    res.on('error', () => {});
    res.on('close', () => this.#forget(res));
    this.#streams.add(res);
    this.#send(res, `retry: ${LIMITS.eventStreamRetryMs}\n${this.#format(source.snapshot())}`);
    this.#keepAlive ??= this.#scheduleKeepAlive();
  }

  /** Ends all streams and takes no more. */
  close(): void {
    this.#closed = true;
    this.#unsubscribe();
    for (const res of [...this.#streams]) {
      this.#forget(res);
      res.end();
    }
  }

  #format(event: object): string {
    return `id: ${this.#lastId}\nevent: ${this.#options.source.name}\ndata: ${JSON.stringify(event)}\n\n`;
  }

  #sendToAll(text: string): void {
    for (const res of [...this.#streams]) this.#send(res, text);
  }

  #send(res: ServerResponse, text: string): void {
    if (res.destroyed) return;
    res.write(text);
    const { source, log } = this.#options;
    if (res.writableLength <= source.unreadBytesMax) return;
    log.warn({ path: source.path, unreadBytes: res.writableLength }, 'Dropped a reader of events that does not read');
    this.#forget(res);
    res.destroy();
  }

  #forget(res: ServerResponse): void {
    this.#streams.delete(res);
    if (this.#streams.size > 0) return;
    this.#keepAlive?.cancel();
    this.#keepAlive = null;
  }

  #scheduleKeepAlive(): Timer {
    return this.#options.timers.after(LIMITS.eventStreamKeepAliveMs, () => {
      this.#keepAlive = this.#scheduleKeepAlive();
      this.#sendToAll(': keep-alive\n\n');
    });
  }
}
