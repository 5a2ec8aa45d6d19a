import type { Clock, Random, Timer, Timers } from '../ports/clock.ts';
import type { CallTarget, KubeClient } from './client.ts';
import { type Failure, failureOf, failureOfError } from './errors.ts';
import { type KubeStream, TransportError } from './transport.ts';

export interface ListWatchHandlers<T> {
  /** All that is there; what is missing is gone. */
  listed(objects: readonly T[]): void;
  changed(object: T): void;
  gone(object: T): void;
  /** A bookmark: nothing has changed. */
  idle(): void;
  /** Told on each change; with a failure when it fails in a row, or is refused. */
  watching(up: boolean, failure: Failure | null): void;
}

export interface ListWatchOptions<T> {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** `/apis/…/leases` */
  readonly path: string;
  /** `labelSelector=…`, encoded; empty for all. */
  readonly selector: string;
  readonly target: (verb: 'list' | 'watch') => CallTarget;
  /** Null for what is no such object. */
  readonly decode: (object: unknown) => T | null;
  readonly handlers: ListWatchHandlers<T>;
  /** Of a listing, and of the opening of a watch. */
  readonly requestTimeoutMs: number;
}

const PAGE_SIZE = 500;
const PAGES_MAX = 40;
/** The server ends the watch after this long, so that load spreads over API servers; then it goes on where it was. */
const WATCH_SECONDS_MIN = 300;
const WATCH_SECONDS_SPREAD = 300;
/** API servers send a bookmark about once a minute: a watch that is silent for longer than two is dead. */
const SILENCE_MS_MAX = 150_000;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 30_000;

/** Follows many objects: a listing, then one watch from its version, for ever. Begins at once. */
export class ListWatch<T> {
  readonly #options: ListWatchOptions<T>;
  #stream: KubeStream | null = null;
  #timer: Timer | null = null;
  #silence: Timer | null = null;
  #version = '';
  /** In a row; reset by what a watch tells. */
  #failures = 0;
  #up = false;
  /** Code of the failure that was told. */
  #told: string | null = null;
  #closed = false;

  constructor(options: ListWatchOptions<T>) {
    this.#options = options;
    void this.#list();
  }

  close(): void {
    this.#closed = true;
    this.#end();
  }

  /** Page by page: an answer of any number of objects would be too large for either side. */
  async #list(): Promise<void> {
    const { client, path, selector, target, decode, handlers, requestTimeoutMs } = this.#options;
    const objects: T[] = [];
    let next = '';
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const query = `limit=${PAGE_SIZE}${next === '' ? '' : `&continue=${encodeURIComponent(next)}`}&${selector}`;
      const result = await client.call(
        target('list'),
        { method: 'GET', path: `${path}?${query}`, timeoutMs: requestTimeoutMs },
        (body) => decodeList(body, decode) !== null,
      );
      if (this.#closed) return;
      // A page that comes too late (410) is no trouble: the listing begins anew.
      if (!result.ok) return this.#failed(result.failure);
      const list = decodeList(result.body, decode)!;
      objects.push(...list.objects);
      next = list.next;
      if (next !== '') continue;
      this.#version = list.resourceVersion;
      handlers.listed(objects);
      if (!this.#closed) this.#watch();
      return;
    }
    this.#failed(ENDLESS);
  }

  #watch(): void {
    const { client, clock, random, path, selector, target, requestTimeoutMs } = this.#options;
    const startMonoMs = clock.now().monoMs;
    const seconds = Math.floor(WATCH_SECONDS_MIN + random() * WATCH_SECONDS_SPREAD);
    const query =
      `watch=true&allowWatchBookmarks=true&timeoutSeconds=${seconds}` + `&resourceVersion=${this.#version}&${selector}`;
    const note = (failure: Failure | null) => client.note(target('watch'), failure, clock.now().monoMs - startMonoMs);
    this.#stream = client.transport.stream(
      { method: 'GET', path: `${path}?${query}`, timeoutMs: requestTimeoutMs },
      {
        onOpen: () => {
          note(null);
          this.#heard();
          this.#setUp(true, null);
        },
        onLine: (line) => this.#take(line),
        onEnd: (failure) => {
          this.#stream = null;
          if (failure === null) return this.#again();
          const named = failure instanceof TransportError ? failureOfError(failure) : failureOf(failure, null);
          note(named);
          this.#failed(named);
        },
      },
    );
  }

  #take(line: string): void {
    this.#heard();
    const { decode, handlers } = this.#options;
    const event = parseEvent(line);
    if (event === null) return this.#failed(MALFORMED);
    if (event.type === 'ERROR') {
      return this.#failed(failureOf({ status: statusOf(event.object), body: event.object, retryAfterMs: null }, null));
    }
    const version = (event.object as { metadata?: { resourceVersion?: unknown } } | null)?.metadata?.resourceVersion;
    if (typeof version === 'string') this.#version = version;
    this.#failures = 0;
    if (event.type === 'BOOKMARK') return handlers.idle();
    const object = decode(event.object);
    if (object === null) return this.#failed(MALFORMED);
    if (event.type === 'DELETED') handlers.gone(object);
    else handlers.changed(object);
  }

  /** A proper end: on from the last version. One that told nothing counts as a failure: it is not opened again and again. */
  #again(): void {
    if (this.#failures > 0) return this.#failed(MUTE);
    this.#end();
    this.#failures = 1;
    this.#watch();
  }

  /** From a fresh listing; a version that is too old for the server is no trouble of anybody's, and the first is not waited for. */
  #failed(failure: Failure): void {
    this.#end();
    const inRow = this.#failures > 0 || failure.code === 'forbidden';
    this.#setUp(false, inRow && failure.code !== 'gone' ? failure : null);
    if (this.#closed) return;
    const { timers, random } = this.#options;
    const backoffMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** this.#failures) * (0.75 + random() / 2);
    const delayMs = failure.code === 'gone' && this.#failures === 0 ? 0 : backoffMs;
    this.#failures = Math.min(this.#failures + 1, 10);
    this.#timer = timers.after(Math.max(delayMs, failure.retryAfterMs ?? 0), () => void this.#list());
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

  #setUp(up: boolean, failure: Failure | null): void {
    const told = failure?.code ?? (up ? null : this.#told);
    if (this.#up === up && this.#told === told) return;
    this.#up = up;
    this.#told = told;
    this.#options.handlers.watching(up, failure);
  }
}

const MALFORMED: Failure = {
  code: 'unexpected',
  message: 'a watch told what no API server tells',
  mayHaveHappened: false,
  retryAfterMs: null,
};
const MUTE: Failure = { ...MALFORMED, code: 'reset', message: 'watches end without having told anything' };
const ENDLESS: Failure = { ...MALFORMED, message: `there are more than ${PAGE_SIZE * PAGES_MAX}` };
const SILENT: Failure = { ...MALFORMED, code: 'timeout', message: 'a watch told nothing for too long' };

function decodeList<T>(
  body: unknown,
  decode: (object: unknown) => T | null,
): { readonly resourceVersion: string; readonly next: string; readonly objects: readonly T[] } | null {
  const list = body as { metadata?: { resourceVersion?: unknown; continue?: unknown }; items?: unknown } | null;
  const resourceVersion = list?.metadata?.resourceVersion;
  const next = list?.metadata?.continue ?? '';
  const items = list?.items ?? [];
  if (typeof resourceVersion !== 'string' || typeof next !== 'string' || !Array.isArray(items)) return null;
  const objects: T[] = [];
  for (const item of items) {
    const object = decode(item);
    if (object === null) return null;
    objects.push(object);
  }
  return { resourceVersion, next, objects };
}

function parseEvent(line: string): { readonly type: string; readonly object: unknown } | null {
  try {
    const event: unknown = JSON.parse(line);
    if (typeof event !== 'object' || event === null) return null;
    const { type, object } = event as { type?: unknown; object?: unknown };
    return typeof type === 'string' ? { type, object } : null;
  } catch {
    return null;
  }
}

function statusOf(object: unknown): number {
  const code = (object as { code?: unknown } | null)?.code;
  return typeof code === 'number' ? code : 500;
}
