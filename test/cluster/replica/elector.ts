import { monoMs } from './clock.ts';
import type { Claimant, Window } from './history.ts';
import type { LeaseWatch } from './lease-watch.ts';
import { LineProcess } from './line-process.ts';
import type { Timings } from './replica.ts';
import { until } from './until.ts';

export interface ElectorOptions {
  /** Path of the program: one of test/interop. */
  readonly command: string;
  readonly identity: string;
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly leaseName: string;
  readonly timings: Timings;
  /** With these, each claim ends at the latest where its own renew deadline ends it. */
  readonly deadline?: RenewDeadline;
}

export interface RenewDeadline {
  readonly renewDeadlineMs: number;
  /** Has seen its renewals. */
  readonly witness: LeaseWatch;
}

/** One line that it printed; see test/interop/go/reporter.go. */
export interface ElectorEvent {
  readonly t_mono_ms: number;
  readonly event: 'started' | 'stopped' | 'new-leader';
  readonly identity: string;
  readonly leader: string;
}

/** A process that campaigns with the elector of another library. */
export class Elector extends LineProcess {
  readonly name: string;
  readonly identity: string;
  readonly events: ElectorEvent[] = [];
  readonly #deadline: RenewDeadline | undefined;
  readonly #pauses: { readonly fromMs: number; untilMs: number }[] = [];

  constructor({ command, identity, kubeconfig, namespace, leaseName, timings, deadline }: ElectorOptions) {
    super({
      command,
      args: [
        ...['--kubeconfig', kubeconfig, '--namespace', namespace, '--name', leaseName, '--identity', identity],
        ...['--lease-duration', timings.leaseDuration, '--renew-deadline', timings.renewDeadline],
        ...['--retry-period', timings.retryPeriod],
      ],
      env: { PATH: process.env.PATH },
      onLine: (line) => this.events.push(JSON.parse(line)),
    });
    this.name = identity;
    this.identity = identity;
    this.#deadline = deadline;
  }

  get leading(): boolean {
    const last = this.events.findLast(({ event }) => event !== 'new-leader');
    return this.running && last?.event === 'started';
  }

  /** Whom it takes for the Lease's holder; empty for nobody, and before its first look. */
  get leader(): string {
    return this.events.at(-1)?.leader ?? '';
  }

  /** The first such event at or after a moment. */
  untilEvent(event: ElectorEvent['event'], timeoutMs: number, sinceMs = 0): Promise<ElectorEvent> {
    return until(`${this.name} prints ${event}`, timeoutMs, () =>
      this.events.find((line) => line.event === event && line.t_mono_ms >= sinceMs),
    );
  }

  /** SIGTERM, then waits until it has ended. Returns when the signal was sent. */
  async leave(): Promise<number> {
    const atMs = this.terminate();
    await this.closed();
    return atMs;
  }

  override pause(): void {
    this.#pauses.push({ fromMs: monoMs(), untilMs: Infinity });
    super.pause();
  }

  override resume(): number {
    const atMs = super.resume();
    const pause = this.#pauses.at(-1);
    if (pause !== undefined) pause.untilMs = Math.min(pause.untilMs, atMs);
    return atMs;
  }

  /**
   * From each `started` until the `stopped` that follows it, or its end, without what it was paused for: when a program built on
   * this library may do a leader's work, whether or not by right.
   */
  printed(): Claimant {
    const windows = this.#terms().flatMap((term) => this.#awake(term));
    return { name: this.name, windows, grants: [] };
  }

  /** What it {@link printed}; given a deadline, no further than that allows. These electors tell no tokens. */
  claimant(): Claimant {
    const windows = this.#terms().flatMap(({ fromMs, untilMs }) =>
      this.#awake({ fromMs, untilMs: Math.min(untilMs, this.#allowedMs(untilMs)) }),
    );
    return { name: this.name, windows, grants: [] };
  }

  /** When the last renewal before a moment ceases to allow it to lead. */
  #allowedMs(byMs: number): number {
    if (this.#deadline === undefined) return Infinity;
    const { renewDeadlineMs, witness } = this.#deadline;
    return (witness.lastRenewalMs(this.identity, byMs) ?? -Infinity) + renewDeadlineMs;
  }

  #terms(): Window[] {
    return this.events.flatMap((line, index) => {
      if (line.event !== 'started') return [];
      const stopped = this.events.slice(index).find(({ event }) => event === 'stopped');
      return [{ fromMs: line.t_mono_ms, untilMs: stopped?.t_mono_ms ?? this.endedAtMs ?? Infinity }];
    });
  }

  /** What is left of a window when the pauses are taken out. */
  #awake(window: Window): Window[] {
    const cut = (left: Window[], pause: Window) =>
      left
        .flatMap(({ fromMs, untilMs }) => [
          { fromMs, untilMs: Math.min(untilMs, pause.fromMs) },
          { fromMs: Math.max(fromMs, pause.untilMs), untilMs },
        ])
        .filter(({ fromMs, untilMs }) => fromMs < untilMs);
    return this.#pauses.reduce(cut, [window]);
  }
}
