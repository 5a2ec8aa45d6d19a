import { Leadership, STOP_STAGES, type StopContext } from '../leadership/leadership.ts';
import { systemClock, systemTimers } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import type { NotifyMetrics } from '../ports/notify-metrics.ts';

const TIMINGS = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, renewIntervalMs: 2_000, retryPeriodMs: 2_000 };

/** One replica as notifications see it: terms that a test gives and takes as the runner does, a log and counts to look at. */
export class GivenReplica {
  readonly log: { readonly level: string; readonly code: string; readonly [field: string]: unknown }[] = [];
  /** `channel event outcome`, in order. */
  readonly counted: string[] = [];
  readonly leadership: Leadership;
  /** What notifications are made with. */
  readonly ports: {
    readonly leadership: Leadership;
    readonly clock: typeof systemClock;
    readonly timers: typeof systemTimers;
    readonly log: Logger;
    readonly metrics: NotifyMetrics;
  };
  #skippedMs = 0;
  #token = 100;

  constructor() {
    const clock = {
      now: () => {
        const { monoMs, wallMs } = systemClock.now();
        return { monoMs: monoMs + this.#skippedMs, wallMs: wallMs + this.#skippedMs };
      },
    };
    const lease = { namespace: 'default', name: 'app' };
    this.leadership = new Leadership({ identity: 'a_uid-a_1', lease, timings: TIMINGS, clock });
    const line = (level: string) => (fields: object) => void this.log.push({ level, ...(fields as { code: string }) });
    this.ports = {
      leadership: this.leadership,
      clock,
      timers: systemTimers,
      log: {
        fatal: line('fatal'),
        error: line('error'),
        warn: line('warn'),
        info: line('info'),
        debug: line('debug'),
      },
      metrics: {
        ended: (channel, event, outcome) => void this.counted.push(`${channel} ${event} ${outcome}`),
        delivered: () => {},
      },
    };
  }

  /** Both clocks go on by that much, all at once. */
  skip(ms: number): void {
    this.#skippedMs += ms;
  }

  codes(): string[] {
    return this.log.map(({ code }) => code);
  }

  /** Begins a term under a new token. */
  lead(forMs = 10_000): void {
    this.#token += 1;
    this.#publish(forMs, true);
  }

  renew(forMs = 10_000): void {
    this.#publish(forMs, true);
  }

  follow(name: string): void {
    this.leadership.publish(this.#led(name));
  }

  /** The term ends at once; resolves when all who had to stop have. */
  lose(reason = 'expired', withinMs = 5_000): Promise<void> {
    this.leadership.publish(NOBODY, reason);
    return this.#stop({ graceful: false, untilMonoMs: this.ports.clock.now().monoMs + withinMs, reason });
  }

  /** Gives the term up: resolves when all who had to stop have, and nobody leads. */
  async handOver(reason = 'step-down', withinMs = 5_000): Promise<void> {
    this.#publish(withinMs, false, reason);
    await this.#stop({ graceful: true, untilMonoMs: this.ports.clock.now().monoMs + withinMs, reason });
    this.leadership.publish(NOBODY);
  }

  #led(name: string) {
    const knownUntilMonoMs = this.ports.clock.now().monoMs + 15_000;
    const holder = { identity: `${name}_uid-${name}_1`, address: null, knownUntilMonoMs };
    return { tenure: null, leaseUid: 'uid', holder, term: null };
  }

  #publish(forMs: number, accepting: boolean, reason: string | null = null): void {
    const now = this.ports.clock.now();
    const validity = { basis: now, validUntilMonoMs: now.monoMs + forMs };
    const tenure = { fencingToken: String(this.#token), validity, accepting };
    this.leadership.publish({ ...this.#led('a'), tenure }, reason);
  }

  async #stop(context: StopContext): Promise<void> {
    for (const stage of STOP_STAGES) {
      await Promise.all(this.leadership.stopHooks(stage).map((hook) => hook(context)));
    }
  }
}

const NOBODY = { tenure: null, leaseUid: 'uid', holder: null, term: null };
