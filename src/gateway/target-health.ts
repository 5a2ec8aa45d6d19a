import type { Logger } from '../ports/log.ts';

/** Says once that the application can't be reached, and once that it can again: thousands of requests may find it out. */
export class TargetHealth {
  readonly #log: Logger;
  #reachable = true;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** `why`: `unreachable`, `connect-timeout`. */
  failed(why: string): void {
    if (!this.#reachable) return;
    this.#reachable = false;
    this.#log.warn({ code: 'GATEWAY_TARGET_DOWN', why }, 'the application does not accept connections');
  }

  worked(): void {
    if (this.#reachable) return;
    this.#reachable = true;
    this.#log.info({ code: 'GATEWAY_TARGET_UP' }, 'the application accepts connections again');
  }
}
