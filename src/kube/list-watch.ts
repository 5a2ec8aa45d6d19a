import type { Timer } from '../ports/clock.ts';
import type { CallTarget } from './client.ts';
import type { Failure } from './errors.ts';
import type { KubeStream } from './transport.ts';
import { openWatch, WATCH_MALFORMED, type WatchPorts } from './watch-stream.ts';

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

export interface ListWatchOptions<T> extends WatchPorts {
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
  /** Between two tries, before jitter of a quarter; a refused one is tried as seldom as ever. Default 30 s. */
  readonly retryMsMax?: number;
}

const OBJECTS_MAX = 20_000;
const PAGE_SIZE_MAX = 500;
const PAGE_SIZE_MIN = 2;
/** A page that did not arrive whole may have been larger than the transport takes, or than there was time for. */
const PAGE_SHRINKING = 4;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 30_000;

/** Follows many objects: a listing, then one watch from its version, for ever. Begins at once. */
export class ListWatch<T> {
  readonly #options: ListWatchOptions<T>;
  #stream: KubeStream | null = null;
  #timer: Timer | null = null;
  #version = '';
  #pageSize = PAGE_SIZE_MAX;
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
    const pageSize = this.#pageSize;
    let next = '';
    for (let page = 0; page < OBJECTS_MAX / pageSize; page += 1) {
      const query = `limit=${pageSize}${next === '' ? '' : `&continue=${encodeURIComponent(next)}`}&${selector}`;
      const result = await client.call(
        target('list'),
        { method: 'GET', path: `${path}?${query}`, timeoutMs: requestTimeoutMs },
        (body) => decodeList(body, decode) !== null,
      );
      if (this.#closed) return;
      // A page that comes too late (410) is no trouble: the listing begins anew.
      if (!result.ok) {
        const cut = result.failure.code === 'reset' || result.failure.code === 'timeout';
        if (cut) this.#pageSize = Math.max(PAGE_SIZE_MIN, Math.floor(pageSize / PAGE_SHRINKING));
        return this.#failed(result.failure);
      }
      const list = decodeList(result.body, decode)!;
      objects.push(...list.objects);
      next = list.next;
      if (next !== '') continue;
      this.#version = list.resourceVersion;
      this.#pageSize = Math.min(PAGE_SIZE_MAX, pageSize * PAGE_SHRINKING);
      handlers.listed(objects);
      if (!this.#closed) this.#watch();
      return;
    }
    this.#failed(ENDLESS);
  }

  #watch(): void {
    const { path, selector, target, requestTimeoutMs } = this.#options;
    const query = `resourceVersion=${this.#version}${selector === '' ? '' : `&${selector}`}`;
    this.#stream = openWatch(
      this.#options,
      { target: target('watch'), path, query, timeoutMs: requestTimeoutMs },
      {
        opened: () => this.#setUp(true, null),
        told: (type, object, version) => this.#take(type, object, version),
        ended: (failure) => (failure === null ? this.#again() : this.#failed(failure)),
      },
    );
  }

  #take(type: string, told: unknown, version: string | null): void {
    const { decode, handlers } = this.#options;
    if (version !== null) this.#version = version;
    this.#failures = 0;
    if (type === 'BOOKMARK') return handlers.idle();
    const object = decode(told);
    if (object === null) return this.#failed(WATCH_MALFORMED);
    if (type === 'DELETED') handlers.gone(object);
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
    const { timers, random, retryMsMax = RETRY_MS_MAX } = this.#options;
    const backoffMsMax = failure.code === 'forbidden' ? RETRY_MS_MAX : retryMsMax;
    const backoffMs = Math.min(backoffMsMax, RETRY_MS_MIN * 2 ** this.#failures) * (0.75 + random() / 2);
    const delayMs = failure.code === 'gone' && this.#failures === 0 ? 0 : backoffMs;
    this.#failures = Math.min(this.#failures + 1, 10);
    this.#timer = timers.after(Math.max(delayMs, failure.retryAfterMs ?? 0), () => void this.#list());
  }

  #end(): void {
    this.#stream?.close();
    this.#stream = null;
    this.#timer?.cancel();
  }

  #setUp(up: boolean, failure: Failure | null): void {
    const told = failure?.code ?? (up ? null : this.#told);
    if (this.#up === up && this.#told === told) return;
    this.#up = up;
    this.#told = told;
    this.#options.handlers.watching(up, failure);
  }
}

const MUTE: Failure = { ...WATCH_MALFORMED, code: 'reset', message: 'watches end without having told anything' };
const ENDLESS: Failure = { ...WATCH_MALFORMED, message: `there are more than ${OBJECTS_MAX}` };

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
