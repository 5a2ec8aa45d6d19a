import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LeaderAnswer, Leadership, LeadershipChange } from '../leadership/leadership.ts';
import type { Timer, Timers } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import { LIMITS } from './limits.ts';
import { replyError } from './reply.ts';

/** The data of one event. `snapshot` is the first on each connection; the others are told as they happen. */
export interface LeadershipEvent extends LeaderAnswer {
  readonly change: LeadershipChange['kind'] | 'snapshot';
  readonly reason: string | null;
}

export interface EventHubOptions {
  readonly leadership: Leadership;
  readonly timers: Timers;
  readonly log: Logger;
}

/**
 * Readers of `GET /leader/events`. Each gets one event on connect and one per change. Memory is bounded: a reader that does
 * not read is dropped, and can learn all it missed by connecting again, because each event says everything.
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
    this.#unsubscribe = options.leadership.subscribe(({ answer, kind, reason }) => {
      this.#lastId += 1;
      this.#sendToAll(this.#format({ ...answer, change: kind, reason }));
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
    if (this.#streams.size >= LIMITS.eventStreamsMax) {
      const message = `There are ${LIMITS.eventStreamsMax} readers already. Poll /leader instead, or come back later.`;
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
    const snapshot = this.#format({ ...this.#options.leadership.answer(), change: 'snapshot', reason: null });
    this.#send(res, `retry: ${LIMITS.eventStreamRetryMs}\n${snapshot}`);
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

  #format(event: LeadershipEvent): string {
    return `id: ${this.#lastId}\nevent: leadership\ndata: ${JSON.stringify(event)}\n\n`;
  }

  #sendToAll(text: string): void {
    for (const res of [...this.#streams]) this.#send(res, text);
  }

  #send(res: ServerResponse, text: string): void {
    if (res.destroyed) return;
    res.write(text);
    if (res.writableLength <= LIMITS.eventStreamBufferBytesMax) return;
    this.#options.log.warn(
      { unreadBytes: res.writableLength },
      'Dropped a reader of /leader/events that does not read',
    );
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
