import { Leadership, type StopContext } from '../leadership/leadership.ts';
import { systemClock } from '../ports/clock.ts';

const TIMINGS = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, renewIntervalMs: 2_000, retryPeriodMs: 2_000 };

/** A leadership on the real clocks that a test gives and takes, as the runner does. */
export class GivenLeadership extends Leadership {
  readonly #clock: { now(): { monoMs: number; wallMs: number } };
  #token = 100;

  constructor(name: string, clock = systemClock) {
    super({ identity: `${name}_uid-${name}_1`, lease: { namespace: 'default', name: 'app' }, timings: TIMINGS, clock });
    this.#clock = clock;
  }

  /** Begins a term under a new token. */
  lead(forMs = 10_000): string {
    this.#token += 1;
    this.#publish(forMs, true);
    return String(this.#token);
  }

  /** Prolongs the term. */
  renew(forMs: number): void {
    this.#publish(forMs, true);
  }

  /** Another replica leads, and listens for its peers there. */
  follow(name: string, address: string | null, reason: string | null = null): void {
    const knownUntilMonoMs = this.#clock.now().monoMs + 15_000;
    const holder = { identity: `${name}_uid-${name}_1`, address, knownUntilMonoMs };
    this.publish({ tenure: null, leaseUid: 'uid', holder, term: null }, reason);
  }

  /** Another one leads already, while nothing here has asked the clock yet whether the own term is over. */
  overtaken(name: string, address: string): void {
    const now = this.#clock.now();
    const tenure = {
      fencingToken: String(this.#token),
      validity: { basis: now, validUntilMonoMs: now.monoMs + 10_000 },
      accepting: true,
    };
    const holder = { identity: `${name}_uid-${name}_1`, address, knownUntilMonoMs: now.monoMs + 60_000 };
    this.publish({ tenure, leaseUid: 'uid', holder, term: null });
  }

  /** Nobody leads; what ran is cut. */
  async lose(reason = 'expired'): Promise<void> {
    this.publish({ tenure: null, leaseUid: 'uid', holder: null, term: null }, reason);
    await this.#stop({ graceful: false, untilMonoMs: this.#clock.now().monoMs + 5_000, reason });
  }

  /** Gives the term up on purpose: resolves when all work has stopped, and nobody leads. */
  async handOver(untilMs = 10_000): Promise<void> {
    this.#publish(untilMs, false, 'step-down');
    await this.#stop({ graceful: true, untilMonoMs: this.#clock.now().monoMs + untilMs, reason: 'step-down' });
    this.publish({ tenure: null, leaseUid: 'uid', holder: null, term: null });
  }

  #publish(forMs: number, accepting: boolean, reason: string | null = null): void {
    const now = this.#clock.now();
    const validity = { basis: now, validUntilMonoMs: now.monoMs + forMs };
    const tenure = { fencingToken: String(this.#token), validity, accepting };
    const holder = { identity: this.identity, address: null, knownUntilMonoMs: now.monoMs + 15_000 };
    this.publish({ tenure, leaseUid: 'uid', holder, term: null }, reason);
  }

  async #stop(context: StopContext): Promise<void> {
    await Promise.all(this.stopHooks('gateway').map((hook) => hook(context)));
  }
}
