import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import type { PublisherName, PublishMetrics } from '../ports/publish-metrics.ts';
import type { PublishFailure } from '../ports/publisher.ts';

export interface ReporterOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: PublishMetrics;
  /** Tells the cluster, on this pod; does not wait. */
  readonly announce: (type: 'Normal' | 'Warning', reason: string, message: string) => void;
}

/** Who else insists on another state is told of so often. */
const REASSERTED_LOG_INTERVAL_MS = 60_000;

/** What a publisher does: one trouble of each does not hide the other's. */
export type Activity = 'write' | 'watch';

/** Tells of publishing: every failure is counted; logged and announced are changes only. */
export class PublishReporter {
  readonly #options: ReporterOptions;
  readonly #present = new Map<string, { readonly code: string; readonly request: string }>();
  readonly #roles = new Map<PublisherName, string>();
  readonly #reassertedAtMonoMs = new Map<PublisherName, number>();

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** A failure that is tried again at once: counted, and no trouble yet. */
  count(publisher: PublisherName, { code }: PublishFailure): void {
    this.#options.metrics.failed(publisher, code);
  }

  /** Leadership has changed: what the cluster should say is another thing now. */
  pending(publisher: PublisherName): void {
    this.#options.metrics.inEffect(publisher, false);
  }

  /** The cluster says what it should. `tookMs` since this replica's leadership changed. */
  published(publisher: PublisherName, token: string | null, tookMs: number): void {
    const role = token === null ? 'standby' : 'leader';
    this.#options.metrics.inEffect(publisher, true);
    if (this.#roles.get(publisher) === role + token) return;
    this.#roles.set(publisher, role + token);
    this.#options.log.info({ code: 'PUBLISHED', publisher, role, tookMs: Math.round(tookMs) }, `published: ${role}`);
  }

  /** It had been as it should be, and was not any more. */
  reasserted(publisher: PublisherName): void {
    const { clock, log, metrics } = this.#options;
    metrics.reasserted(publisher);
    const { monoMs } = clock.now();
    if (monoMs - (this.#reassertedAtMonoMs.get(publisher) ?? -Infinity) < REASSERTED_LOG_INTERVAL_MS) return;
    this.#reassertedAtMonoMs.set(publisher, monoMs);
    log.warn({ code: 'PUBLISH_REASSERTED', publisher }, 'what is published had been changed, and was put right');
  }

  /** Null: in order. */
  note(publisher: PublisherName, activity: Activity, failure: PublishFailure | null): void {
    const { log, announce, metrics } = this.#options;
    const key = `${publisher} ${activity}`;
    const before = this.#present.get(key);
    if (failure === null) {
      if (before === undefined) return;
      this.#present.delete(key);
      log.info({ code: 'PUBLISH_RECOVERED', publisher, activity, was: before.code }, 'publishing works again');
      announce('Normal', 'PublishRecovered', `${publisher}: ${before.request} works again`);
      return;
    }
    const { code, request, message, remedy, answered } = failure;
    metrics.failed(publisher, code);
    if (activity === 'write') metrics.inEffect(publisher, false);
    if (before?.code === code && before.request === request) return;
    this.#present.set(key, { code, request });
    log.warn({ code: 'PUBLISH_FAILED', publisher, activity, failure: code, request, remedy }, `publishing: ${message}`);
    // An API server that is not reached can't be told, either.
    if (answered) announce('Warning', 'PublishFailed', `${publisher}: ${request}: ${message}; ${remedy}`);
  }
}
