import type { LeaseRecord } from '../election/index.ts';
import type { Timer } from '../ports/clock.ts';
import type { ElectionMetrics } from '../ports/metrics.ts';
import { decodeLease } from './codec.ts';
import type { Failure } from './errors.ts';
import { type LeaseName, leasesPath, leaseTarget } from './leases.ts';
import type { KubeStream } from './transport.ts';
import { openWatch, WATCH_MALFORMED, WATCH_SILENT, type WatchPorts } from './watch-stream.ts';

/** What a watch tells; the same words as the election's events. */
export interface LeaseWatchHandlers {
  observed(record: LeaseRecord, source: 'list' | 'watch'): void;
  deleted(record: LeaseRecord): void;
  absent(resourceVersion: string): void;
  watching(up: boolean): void;
}

export interface LeaseWatchOptions extends WatchPorts {
  readonly lease: LeaseName;
  readonly handlers: LeaseWatchHandlers;
  readonly metrics: ElectionMetrics;
  /** First delay after a failure; doubles up to sixteen times that. */
  readonly retryPeriodMs: number;
  readonly requestTimeoutMs: number;
}

const BACKOFF_DOUBLINGS_MAX = 4;

/**
 * Follows one Lease: a listing, then a watch from its version, for ever. Only a hint for the election: that a Lease is held
 * or free is decided by compare-and-swap.
 */
export class LeaseWatch {
  readonly #options: LeaseWatchOptions;
  #stream: KubeStream | null = null;
  #timer: Timer | null = null;
  #version = '';
  #failures = 0;
  #up = false;
  #stopped = false;
  /** Answers to requests of an earlier run are ignored. */
  #run = 0;

  constructor(options: LeaseWatchOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#list();
  }

  /** Ends it for good. */
  stop(): void {
    this.#stopped = true;
    this.#close();
  }

  /** The election has seen something newer than this watch told: it is opened anew, from a listing. */
  restart(): void {
    if (this.#stopped) return;
    this.#end('stale');
    void this.#list();
  }

  async #list(): Promise<void> {
    const run = this.#run;
    const { client, lease, handlers, requestTimeoutMs } = this.#options;
    const path = `${leasesPath(lease.namespace)}?${this.#selector()}`;
    const result = await client.call(
      leaseTarget('list', lease.name),
      { method: 'GET', path, timeoutMs: requestTimeoutMs },
      (body) => decodeList(body) !== null,
    );
    if (this.#stopped || run !== this.#run) return;
    if (!result.ok) return this.#failed(result.failure);
    const list = decodeList(result.body)!;
    this.#version = list.resourceVersion;
    if (list.record === null) handlers.absent(this.#version);
    else handlers.observed(list.record, 'list');
    // What was told may have led to stop() or restart().
    if (run === this.#run) this.#watch();
  }

  #watch(): void {
    const { lease, requestTimeoutMs } = this.#options;
    this.#stream = openWatch(
      this.#options,
      {
        target: leaseTarget('watch', lease.name),
        path: leasesPath(lease.namespace),
        query: `resourceVersion=${this.#version}&${this.#selector()}`,
        timeoutMs: requestTimeoutMs,
      },
      {
        opened: () => this.#setUp(true),
        told: (type, object, version) => this.#take(type, object, version),
        ended: (failure) => {
          if (failure === null) return this.#again();
          if (failure.code === 'gone') return this.#relist();
          this.#failed(failure);
        },
      },
    );
  }

  #take(type: string, object: unknown, version: string | null): void {
    this.#failures = 0;
    if (version !== null) this.#version = version;
    if (type === 'BOOKMARK') return;
    const record = decodeLease(object);
    if (record === null) return this.#failed(WATCH_MALFORMED);
    if (type === 'DELETED') this.#options.handlers.deleted(record);
    else this.#options.handlers.observed(record, 'watch');
  }

  /**
   * A proper end: on from the last version, without a listing and without counting as down. A watch that told nothing
   * before its end is as good as none: the next one is not opened at once, and the Lease is polled meanwhile.
   */
  #again(): void {
    if (this.#failures > 0) return this.#retry('ended', null);
    this.#close();
    this.#options.metrics.watchRestarted('ended');
    this.#failures = 1;
    this.#watch();
  }

  /** The version is too old for the server: a fresh listing. */
  #relist(): void {
    this.#end('gone');
    this.#failures = Math.min(this.#failures + 1, BACKOFF_DOUBLINGS_MAX);
    if (this.#failures === 1) void this.#list();
    else this.#later(() => void this.#list(), null);
  }

  #failed(failure: Failure): void {
    const named = failure === WATCH_MALFORMED ? 'malformed' : failure === WATCH_SILENT ? 'silent' : failure.code;
    this.#retry(named, failure.retryAfterMs);
  }

  #retry(reason: string, retryAfterMs: number | null): void {
    this.#end(reason);
    this.#failures = Math.min(this.#failures + 1, BACKOFF_DOUBLINGS_MAX + 1);
    this.#later(() => void this.#list(), retryAfterMs);
  }

  #later(action: () => void, retryAfterMs: number | null): void {
    const { timers, random, retryPeriodMs } = this.#options;
    const delayMs = retryPeriodMs * 2 ** (this.#failures - 1) * (0.75 + random() / 2);
    this.#timer = timers.after(Math.max(delayMs, retryAfterMs ?? 0), action);
  }

  #end(reason: string): void {
    this.#close();
    this.#options.metrics.watchRestarted(reason);
    this.#setUp(false);
  }

  #close(): void {
    this.#run += 1;
    this.#stream?.close();
    this.#stream = null;
    this.#timer?.cancel();
  }

  #setUp(up: boolean): void {
    this.#options.metrics.watching(up);
    if (this.#up === up && up) return;
    this.#up = up;
    this.#options.handlers.watching(up);
  }

  #selector(): string {
    return `fieldSelector=${encodeURIComponent(`metadata.name=${this.#options.lease.name}`)}`;
  }
}

/** The Lease of a listing by name (null: there is none), as of when; null when the body is no listing. */
function decodeList(body: unknown): { resourceVersion: string; record: LeaseRecord | null } | null {
  const list = body as { metadata?: { resourceVersion?: unknown }; items?: unknown } | null;
  const resourceVersion = list?.metadata?.resourceVersion;
  if (typeof resourceVersion !== 'string' || !(list?.items === null || Array.isArray(list?.items))) return null;
  const [item] = list.items ?? [];
  const record = decodeLease(item);
  return item !== undefined && record === null ? null : { resourceVersion, record };
}
