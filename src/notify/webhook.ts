import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Leadership, LeadershipChange } from '../leadership/leadership.ts';
import type { Clock, Timer, Timers } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import type { NotifyMetrics } from '../ports/notify-metrics.ts';
import { type PostOutcome, post } from './post.ts';

export interface WebhookOptions {
  readonly url: URL;
  /** Holds a bearer token; read at each try. Null: none is sent. */
  readonly tokenFile: string | null;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Logger;
  readonly metrics: NotifyMetrics;
}

const TRY_MS_MAX = 1_000;
const RETRY_AFTER_MS = 100;
/** A receiver that comes back shall hear of a loss within a second. */
const RETRY_AFTER_MS_MAX = { stopped: 500, started: 5_000, 'leader-changed': 5_000 };
/** No retry begins later than this after the change. */
const RETRIED_FOR_MS_MAX = 120_000;

/** A change that the receiver has not been told of yet. */
interface Notice {
  readonly kind: LeadershipChange['kind'];
  readonly reason: string | null;
  readonly sinceMonoMs: number;
  /** The same for all tries, so that a receiver knows one that it has taken before. */
  readonly id: string;
  /** Resolved when the first try has ended, or will never be made. */
  readonly tried: PromiseWithResolvers<void>;
  tries: number;
}

type Failure = Exclude<PostOutcome, { kind: 'delivered' }> | { readonly kind: 'failed'; readonly message: string };

/**
 * Tells a receiver of every change by POST, one at a time. At most two notices wait: a loss, and after it the newest other change.
 * A loss ends what is under way and drops what waits, so that it is sent at once. Nothing is sent after what is newer.
 */
export class Webhook {
  readonly #options: WebhookOptions;
  readonly #hooks: (() => void)[];
  #loss: Notice | null = null;
  #latest: Notice | null = null;
  #trying: { readonly notice: Notice; readonly abort: AbortController } | null = null;
  #retry: Timer | null = null;
  /** How it failed last, until it works again. */
  #trouble: string | null = null;
  #closed = false;

  constructor(options: WebhookOptions) {
    this.#options = options;
    const { leadership } = options;
    this.#hooks = [
      leadership.subscribe((change) => this.#take(change)),
      // One try: what stops next must not wait for a receiver that is down.
      leadership.onStop('notify', () => this.#loss?.tried.promise),
    ];
  }

  /** Ends it, once a loss has had its try; nothing else is waited for. */
  async close(): Promise<void> {
    for (const unhook of this.#hooks) unhook();
    await this.#loss?.tried.promise;
    this.#closed = true;
    this.#retry?.cancel();
    this.#dropAll();
    this.#trying?.abort.abort();
  }

  #take({ kind, reason }: LeadershipChange): void {
    const sinceMonoMs = this.#options.clock.now().monoMs;
    const notice: Notice = { kind, reason, sinceMonoMs, id: randomUUID(), tried: Promise.withResolvers(), tries: 0 };
    if (kind === 'stopped') {
      this.#dropAll();
      this.#loss = notice;
      this.#trying?.abort.abort();
      this.#trying = null;
    } else {
      this.#end(this.#latest, 'superseded');
      this.#latest = notice;
      // Leading again: a loss that has had its try and waits for another holds no more.
      const waits = this.#loss !== null && this.#loss.tries > 0 && this.#trying?.notice !== this.#loss;
      if (kind === 'started' && waits) this.#end(this.#loss, 'superseded');
    }
    this.#pump();
  }

  /** Begins the next try, unless one is under way. */
  #pump(): void {
    if (this.#closed || this.#trying !== null) return;
    this.#retry?.cancel();
    this.#retry = null;
    // Its deadline may pass before the election tells of it.
    if (this.#latest?.kind === 'started' && !this.#options.leadership.isLeader()) this.#end(this.#latest, 'superseded');
    const notice = this.#loss ?? this.#latest;
    if (notice === null) return;
    const abort = new AbortController();
    this.#trying = { notice, abort };
    notice.tries += 1;
    void this.#send(notice, abort.signal).then((outcome) => this.#ended(notice, abort, outcome));
  }

  async #send({ kind, reason, id }: Notice, signal: AbortSignal): Promise<PostOutcome | Failure> {
    const { url, tokenFile, leadership, clock, timers } = this.#options;
    const authorization = tokenFile === null ? {} : bearer(tokenFile);
    if (authorization === null) return { kind: 'failed', message: 'the file of the token can’t be read or holds none' };
    const time = new Date(clock.now().wallMs).toISOString();
    const body = JSON.stringify({ event: kind, reason, time, ...leadership.answer() });
    const headers = {
      'Content-Type': 'application/json',
      'User-Agent': 'leasegate',
      'Leasegate-Event': kind,
      'Leasegate-Delivery': id,
      ...authorization,
    };
    return post({ url, headers, body, timeoutMs: TRY_MS_MAX, timers, signal });
  }

  #ended(notice: Notice, abort: AbortController, outcome: PostOutcome | Failure): void {
    const { clock, metrics } = this.#options;
    notice.tried.resolve();
    if (this.#trying?.abort === abort) this.#trying = null;
    const current = notice === this.#loss || notice === this.#latest;
    const tookMs = clock.now().monoMs - notice.sinceMonoMs;
    if (outcome.kind === 'delivered') {
      metrics.delivered('webhook', tookMs);
      if (current) this.#end(notice, 'delivered');
      this.#works();
    } else if (!abort.signal.aborted) {
      metrics.ended('webhook', notice.kind, outcome.kind);
      this.#fails(outcome);
      if (current && notice === this.#loss && this.#latest?.kind === 'started') this.#end(notice, 'superseded');
      else if (current && tookMs >= RETRIED_FOR_MS_MAX) this.#giveUp(notice, tookMs);
      else if (current && notice === (this.#loss ?? this.#latest)) return this.#later(notice);
    }
    this.#pump();
  }

  #later({ kind, tries }: Notice): void {
    const delayMs = Math.min(RETRY_AFTER_MS * 2 ** (tries - 1), RETRY_AFTER_MS_MAX[kind]);
    this.#retry = this.#options.timers.after(delayMs, () => this.#pump());
  }

  #dropAll(): void {
    this.#end(this.#loss, 'superseded');
    this.#end(this.#latest, 'superseded');
  }

  /** It waits no more. */
  #end(notice: Notice | null, outcome: 'delivered' | 'superseded' | 'given-up'): void {
    if (notice === null) return;
    if (notice === this.#loss) this.#loss = null;
    if (notice === this.#latest) this.#latest = null;
    notice.tried.resolve();
    this.#options.metrics.ended('webhook', notice.kind, outcome);
  }

  #giveUp(notice: Notice, tookMs: number): void {
    const { log, url } = this.#options;
    this.#end(notice, 'given-up');
    log.warn(
      { code: 'WEBHOOK_GIVEN_UP', event: notice.kind, receiver: url.origin, tries: notice.tries },
      `the receiver was not told of ${notice.kind} in ${Math.round(tookMs / 1_000)} s, and will not be`,
    );
  }

  #works(): void {
    const { log, url } = this.#options;
    if (this.#trouble === null) return;
    log.info({ code: 'WEBHOOK_RECOVERED', receiver: url.origin, was: this.#trouble }, 'the receiver takes POSTs again');
    this.#trouble = null;
  }

  #fails(failure: Failure): void {
    const { log, url } = this.#options;
    const trouble = failure.kind === 'rejected' ? `status ${failure.status}` : failure.kind;
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    log.warn({ code: 'WEBHOOK_FAILING', receiver: url.origin, remedy: REMEDIES[failure.kind] }, explain(failure));
  }
}

/** The path and query of the URL are not logged: they may hold a secret. */
function explain(failure: Failure): string {
  switch (failure.kind) {
    case 'rejected':
      return `the receiver of notifications answers with status ${failure.status}`;
    case 'timeout':
      return `the receiver of notifications does not answer within ${TRY_MS_MAX} ms`;
    default:
      return `the receiver of notifications can't be told: ${failure.message}`;
  }
}

const REMEDIES = {
  rejected: 'let it answer 2xx (redirects are not followed), or correct LEASEGATE_NOTIFY_URL',
  timeout: 'let it answer before it does its work',
  unreachable: 'start it, or correct LEASEGATE_NOTIFY_URL',
  failed: 'mount a readable file with one token, or correct LEASEGATE_NOTIFY_TOKEN_FILE',
} as const satisfies Record<Failure['kind'], string>;

function bearer(file: string): { readonly Authorization: string } | null {
  try {
    const token = readFileSync(file, 'utf8').trim();
    return /^[\x21-\x7e]+$/.test(token) ? { Authorization: `Bearer ${token}` } : null;
  } catch {
    return null;
  }
}
