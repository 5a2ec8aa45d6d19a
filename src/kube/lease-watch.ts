import type { LeaseRecord } from '../election/index.ts';
import type { Clock, Random, Timer, Timers } from '../ports/clock.ts';
import type { ElectionMetrics } from '../ports/metrics.ts';
import type { KubeClient } from './client.ts';
import { decodeLease } from './codec.ts';
import { type LeaseName, leasesPath, leaseTarget } from './leases.ts';
import type { KubeStream } from './transport.ts';
import { failureOfEnd, failureOfEvent, parseWatchEvent } from './watch-events.ts';

/** What a watch tells; the same words as the election's events. */
export interface LeaseWatchHandlers {
  observed(record: LeaseRecord, source: 'list' | 'watch'): void;
  deleted(record: LeaseRecord): void;
  absent(resourceVersion: string): void;
  watching(up: boolean): void;
}

export interface LeaseWatchOptions {
  readonly client: KubeClient;
  readonly lease: LeaseName;
  readonly handlers: LeaseWatchHandlers;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly metrics: ElectionMetrics;
  /** First delay after a failure; doubles up to sixteen times that. */
  readonly retryPeriodMs: number;
  readonly requestTimeoutMs: number;
}

/** The server ends the watch after this long, so that load spreads over API servers; then it goes on where it was. */
const WATCH_SECONDS_MIN = 300;
const WATCH_SECONDS_SPREAD = 300;
/** API servers send a bookmark about once a minute: a watch that is silent for longer than two is dead. */
const SILENCE_MS_MAX = 150_000;
const BACKOFF_DOUBLINGS_MAX = 4;

/**
 * Follows one Lease: a listing, then a watch from its version, for ever. Only a hint for the election: that a Lease is held
 * or free is decided by compare-and-swap.
 */
export class LeaseWatch {
  readonly #options: LeaseWatchOptions;
  #stream: KubeStream | null = null;
  #timer: Timer | null = null;
  #silence: Timer | null = null;
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
    if (!result.ok) return this.#failed(result.failure.code, result.failure.retryAfterMs);
    const list = decodeList(result.body)!;
    this.#version = list.resourceVersion;
    if (list.record === null) handlers.absent(this.#version);
    else handlers.observed(list.record, 'list');
    // What was told may have led to stop() or restart().
    if (run === this.#run) this.#watch();
  }

  #watch(): void {
    const { client, lease, clock, random, requestTimeoutMs } = this.#options;
    const startMonoMs = clock.now().monoMs;
    const target = leaseTarget('watch', lease.name);
    const seconds = Math.floor(WATCH_SECONDS_MIN + random() * WATCH_SECONDS_SPREAD);
    const path =
      `${leasesPath(lease.namespace)}?watch=true&allowWatchBookmarks=true&timeoutSeconds=${seconds}` +
      `&resourceVersion=${this.#version}&${this.#selector()}`;
    this.#stream = client.transport.stream(
      { method: 'GET', path, timeoutMs: requestTimeoutMs },
      {
        onOpen: () => {
          client.note(target, null, clock.now().monoMs - startMonoMs);
          this.#heard();
          this.#setUp(true);
        },
        onLine: (line) => this.#take(line),
        onEnd: (failure) => {
          this.#stream = null;
          if (failure === null) return this.#again('ended');
          const named = failureOfEnd(failure);
          client.note(target, named, clock.now().monoMs - startMonoMs);
          if (named.code === 'gone') return this.#relist('gone');
          this.#failed(named.code, named.retryAfterMs);
        },
      },
    );
  }

  #take(line: string): void {
    this.#heard();
    const event = parseWatchEvent(line);
    if (event === null) return this.#failed('malformed', null);
    if (event.type === 'ERROR') {
      const failure = failureOfEvent(event.object);
      return failure.code === 'gone' ? this.#relist('gone') : this.#failed(failure.code, null);
    }
    this.#failures = 0;
    const version = (event.object as { metadata?: { resourceVersion?: string } } | null)?.metadata?.resourceVersion;
    if (version !== undefined) this.#version = version;
    if (event.type === 'BOOKMARK') return;
    const record = decodeLease(event.object);
    if (record === null) return this.#failed('malformed', null);
    if (event.type === 'DELETED') this.#options.handlers.deleted(record);
    else this.#options.handlers.observed(record, 'watch');
  }

  /**
   * A proper end: on from the last version, without a listing and without counting as down. A watch that told nothing
   * before its end is as good as none: the next one is not opened at once, and the Lease is polled meanwhile.
   */
  #again(reason: string): void {
    if (this.#failures > 0) return this.#failed(reason, null);
    this.#close();
    this.#options.metrics.watchRestarted(reason);
    this.#failures = 1;
    this.#watch();
  }

  /** The version is too old for the server: a fresh listing. */
  #relist(reason: string): void {
    this.#end(reason);
    this.#failures = Math.min(this.#failures + 1, BACKOFF_DOUBLINGS_MAX);
    if (this.#failures === 1) void this.#list();
    else this.#later(() => void this.#list(), null);
  }

  #failed(reason: string, retryAfterMs: number | null): void {
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
    this.#silence?.cancel();
  }

  #heard(): void {
    this.#silence?.cancel();
    this.#silence = this.#options.timers.after(SILENCE_MS_MAX, () => this.#failed('silent', null));
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
