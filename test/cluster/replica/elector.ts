import type { Claimant } from './history.ts';
import { LineProcess } from './line-process.ts';
import type { Timings } from './replica.ts';
import { until } from './until.ts';

export interface ElectorOptions {
  /** Path of the program. */
  readonly command: string;
  readonly identity: string;
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly leaseName: string;
  readonly timings: Timings;
}

/** One line that it printed; see test/interop/go/reporter.go. */
export interface ElectorEvent {
  readonly t_mono_ms: number;
  readonly event: 'started' | 'stopped' | 'new-leader';
  readonly identity: string;
  readonly leader: string;
}

/** A process that campaigns with client-go's own elector. */
export class Elector extends LineProcess {
  readonly name: string;
  readonly identity: string;
  readonly events: ElectorEvent[] = [];

  constructor({ command, identity, kubeconfig, namespace, leaseName, timings }: ElectorOptions) {
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
  }

  get leading(): boolean {
    const last = this.events.findLast(({ event }) => event !== 'new-leader');
    return this.running && last?.event === 'started';
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

  /** From each `started` until the `stopped` that follows it, or its end. client-go tells no tokens. */
  claimant(): Claimant {
    const windows = this.events.flatMap((line, index) => {
      if (line.event !== 'started') return [];
      const stopped = this.events.slice(index).find(({ event }) => event === 'stopped');
      return [{ fromMs: line.t_mono_ms, untilMs: stopped?.t_mono_ms ?? this.endedAtMs ?? Infinity }];
    });
    return { name: this.name, windows, grants: [] };
  }
}
