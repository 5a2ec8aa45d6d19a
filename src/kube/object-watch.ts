import type { Clock, Random, Timer, Timers } from '../ports/clock.ts';
import type { WatchHandlers, Watching } from '../ports/publisher.ts';
import type { KubeClient } from './client.ts';
import type { Failure } from './errors.ts';
import { type ObjectKind, objectsPath, objectTarget, publishFailure } from './objects.ts';
import type { KubeStream } from './transport.ts';
import { failureOfEnd, failureOfEvent, parseWatchEvent } from './watch-events.ts';

/** What a watch needs of its surroundings. */
export interface WatchPorts {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
}

export interface ObjectWatchOptions<T> extends WatchPorts {
  readonly kind: ObjectKind;
  /** `labelSelector=…` or `fieldSelector=…`, encoded. */
  readonly selector: string;
  /** Of the one object that the selector names. */
  readonly name?: string;
  readonly handlers: WatchHandlers<T>;
  readonly understood: (object: unknown) => object is T;
}

/** The server ends the watch after this long, so that load spreads over API servers. */
const WATCH_SECONDS_MIN = 300;
const WATCH_SECONDS_SPREAD = 300;
/** API servers send a bookmark about once a minute: a watch that is silent for longer than two is dead. */
const SILENCE_MS_MAX = 150_000;
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
  #silence: Timer | null = null;
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
    const { client, kind, selector, clock, random, handlers } = this.#options;
    const startMonoMs = clock.now().monoMs;
    const seconds = Math.floor(WATCH_SECONDS_MIN + random() * WATCH_SECONDS_SPREAD);
    const path = `${objectsPath(kind)}?watch=true&allowWatchBookmarks=true&timeoutSeconds=${seconds}&${selector}`;
    const target = objectTarget(kind, { verb: 'watch' });
    this.#stream = client.transport.stream(
      { method: 'GET', path, timeoutMs: OPEN_TIMEOUT_MS },
      {
        onOpen: () => {
          client.note(target, null, clock.now().monoMs - startMonoMs);
          this.#heard();
          handlers.trouble(null);
        },
        onLine: (line) => this.#take(line),
        onEnd: (failure) => {
          this.#stream = null;
          if (failure === null) return this.#again();
          const named = failureOfEnd(failure);
          client.note(target, named, clock.now().monoMs - startMonoMs);
          this.#failed(named);
        },
      },
    );
  }

  #take(line: string): void {
    const event = parseWatchEvent(line);
    if (event === null) return this.#failed(MALFORMED);
    if (event.type === 'ERROR') {
      const failure = failureOfEvent(event.object);
      // Too far behind: what is there is told anew.
      return failure.code === 'gone' ? this.#again() : this.#failed(failure);
    }
    this.#heard();
    this.#failures = 0;
    if (event.type === 'BOOKMARK') return;
    if (!this.#options.understood(event.object)) return this.#failed(MALFORMED);
    this.#options.handlers.seen(event.object, event.type === 'DELETED');
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
    this.#silence?.cancel();
  }

  #heard(): void {
    this.#silence?.cancel();
    this.#silence = this.#options.timers.after(SILENCE_MS_MAX, () => this.#failed(SILENT));
  }
}

const MALFORMED: Failure = {
  code: 'unexpected',
  message: 'a watch told what no API server tells',
  mayHaveHappened: false,
  retryAfterMs: null,
};
const SILENT: Failure = { ...MALFORMED, code: 'timeout', message: 'a watch told nothing for too long' };
