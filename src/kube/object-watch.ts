import type { Timer } from '../ports/clock.ts';
import type { WatchHandlers, Watching } from '../ports/publisher.ts';
import type { Failure } from './errors.ts';
import { type ObjectKind, objectsPath, objectTarget, publishFailure } from './objects.ts';
import type { KubeStream } from './transport.ts';
import { openWatch, WATCH_MALFORMED, type WatchPorts } from './watch-stream.ts';

export interface ObjectWatchOptions<T> extends WatchPorts {
  readonly kind: ObjectKind;
  /** `labelSelector=…` or `fieldSelector=…`, encoded. */
  readonly selector: string;
  /** Of the one object that the selector names. */
  readonly name?: string;
  readonly handlers: WatchHandlers<T>;
  readonly understood: (object: unknown) => object is T;
}

const OPEN_TIMEOUT_MS = 5_000;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 30_000;

/**
 * Watches without a listing: each opening begins with all that is there (no `resourceVersion` asks for that), so that nothing
 * has to be remembered between two of them. Only a hint: whoever is told reads for himself.
 */
export class ObjectWatch<T> implements Watching {
  readonly #options: ObjectWatchOptions<T>;
  #stream: KubeStream | null = null;
  #timer: Timer | null = null;
  #failures = 0;
  #closed = false;

  constructor(options: ObjectWatchOptions<T>) {
    this.#options = options;
    this.#open();
  }

  close(): void {
    this.#closed = true;
    this.#end();
  }

  #open(): void {
    const { kind, selector, handlers } = this.#options;
    this.#stream = openWatch(
      this.#options,
      {
        target: objectTarget(kind, { verb: 'watch' }),
        path: objectsPath(kind),
        query: selector,
        timeoutMs: OPEN_TIMEOUT_MS,
      },
      {
        opened: () => handlers.trouble(null),
        told: (type, object) => this.#take(type, object),
        // Too far behind: what is there is told anew.
        ended: (failure) => (failure === null || failure.code === 'gone' ? this.#again() : this.#failed(failure)),
      },
    );
  }

  #take(type: string, object: unknown): void {
    const { understood, handlers } = this.#options;
    this.#failures = 0;
    if (type === 'BOOKMARK') return;
    if (!understood(object)) return this.#failed(WATCH_MALFORMED);
    handlers.seen(object, type === 'DELETED');
  }

  /** After a proper end. One that told nothing counts as a failure: it is not opened again and again. */
  #again(): void {
    this.#end();
    this.#later();
  }

  #failed(failure: Failure): void {
    const { handlers, kind, name } = this.#options;
    this.#end();
    this.#later(failure.retryAfterMs ?? 0);
    const about = { verb: 'watch' as const, ...(name === undefined ? {} : { name, nameInRule: true }) };
    handlers.trouble(publishFailure(kind, about, failure));
  }

  #later(retryAfterMs = 0): void {
    if (this.#closed) return;
    const { timers, random } = this.#options;
    const backoffMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** this.#failures) * (0.75 + random() / 2);
    this.#failures += 1;
    this.#timer = timers.after(Math.max(backoffMs, retryAfterMs), () => this.#open());
  }

  #end(): void {
    this.#stream?.close();
    this.#stream = null;
    this.#timer?.cancel();
  }
}
