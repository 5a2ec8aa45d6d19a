import type { Clock, Timer, Timers } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import { type CheckResult, failed, type HealthCheck } from './check.ts';
import { judge, type Thresholds, UNKNOWN, type Verdict } from './verdict.ts';

export interface HealthMonitorOptions extends Thresholds {
  readonly check: HealthCheck;
  /** From the begin of one check to that of the next. */
  readonly intervalMs: number;
  /** How long a check may take; not longer than the interval, so that checks never overlap. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Logger;
  readonly onChange: (change: HealthChange) => void;
}

/** The application became fit or unfit to lead, or was found to be gone after it had become unfit. */
export interface HealthChange {
  readonly healthy: boolean;
  /** `healthy`, or why the last check failed: `refused`, `timeout`. */
  readonly why: string;
  /** Nothing has listened there for as many checks as decide: the application has ended. */
  readonly ended: boolean;
}

/**
 * Checks the application again and again, and tells when the verdict changes. An application that dies is told of within
 * `failures` intervals (and one timeout where it does not refuse), counted from its death.
 */
export class HealthMonitor {
  readonly #options: HealthMonitorOptions;
  #verdict: Verdict = UNKNOWN;
  #timer: Timer | null = null;
  #toldEnded = false;
  /** Of the last check: a verdict may be there while its answer is still under way. */
  #giveUp = new AbortController();
  #stopped = false;

  constructor(options: HealthMonitorOptions) {
    this.#options = options;
  }

  /** The first check begins at once. */
  start(): void {
    void this.#checkOnce();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#giveUp.abort();
  }

  async #checkOnce(): Promise<void> {
    const { clock, timers, intervalMs } = this.#options;
    const startMonoMs = clock.now().monoMs;
    const result = await this.#inTime();
    if (this.#stopped) return;
    this.#take(result);
    // Those that a stopped process missed are not made up for.
    this.#timer = timers.after(Math.max(0, startMonoMs + intervalMs - clock.now().monoMs), () => {
      void this.#checkOnce();
    });
  }

  async #inTime(): Promise<CheckResult> {
    const { check, timers, timeoutMs } = this.#options;
    // An application that never ends an answer must not hold one more connection with each check.
    this.#giveUp.abort();
    const giveUp = new AbortController();
    this.#giveUp = giveUp;
    const { promise: late, resolve: endWait } = Promise.withResolvers<CheckResult>();
    const expire = () => {
      endWait(failed('timeout', `no answer within ${timeoutMs} ms`));
      giveUp.abort();
    };
    // In two steps: an answer that came while this process was stopped is read between them.
    this.#timer = timers.after(timeoutMs, () => {
      this.#timer = timers.after(0, expire);
    });
    const result = await Promise.race([check(giveUp.signal), late]);
    this.#timer.cancel();
    return result;
  }

  #take(result: CheckResult): void {
    const { log, failures, successes } = this.#options;
    const before = this.#verdict;
    const now = judge(before, result, { failures, successes });
    this.#verdict = now;
    if (now.standing === before.standing) {
      if (now.standing === 'unhealthy' && now.ended && !this.#toldEnded) this.#tell(result, true);
    } else if (result.ok) {
      log.info({ code: 'APP_HEALTHY' }, 'the application is fit to lead');
      this.#tell(result, false);
    } else {
      const fields = { why: result.why, detail: result.detail, successesNeeded: now.successesNeeded };
      // A sidecar starts before its application: that this is not there yet is nothing to warn of.
      if (before.standing === 'unknown') {
        log.info({ code: 'APP_UNHEALTHY', ...fields }, `the application is not fit to lead yet: ${result.why}`);
      } else {
        log.warn({ code: 'APP_UNHEALTHY', ...fields }, `the application is not fit to lead any more: ${result.why}`);
      }
      this.#tell(result, now.ended);
    }
  }

  #tell(result: CheckResult, ended: boolean): void {
    this.#toldEnded = ended;
    this.#options.onChange({ healthy: result.ok, why: result.ok ? 'healthy' : result.why, ended });
  }
}
