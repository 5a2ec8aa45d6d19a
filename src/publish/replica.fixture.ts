import { vi } from 'vitest';
import { ProcessTime } from '../../test/scenarios/support/virtual-time.ts';
import { Leadership, STOP_STAGES, type StopContext } from '../leadership/leadership.ts';
import type { PublisherName } from '../ports/publish-metrics.ts';
import type { FakeCluster } from './cluster.fixture.ts';
import { type Publishing, publish } from './publishing.ts';

const TIMINGS = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, renewIntervalMs: 2_000, retryPeriodMs: 2_000 };
export const RESYNC_MS = 60_000;

let tokens = 100;

/** A replica that publishes to a fake cluster, and leads when the test says so. */
export class PublishingReplica {
  readonly process: ProcessTime;
  readonly leadership: Leadership;
  readonly lines: { readonly code: string; readonly [field: string]: unknown }[] = [];
  readonly announced: string[] = [];
  readonly failed = vi.fn();
  readonly inEffect = vi.fn();
  readonly reasserted = vi.fn();
  readonly #publishing: Publishing;
  readonly #name: string;

  constructor(cluster: FakeCluster, name: string, publishers: readonly PublisherName[]) {
    this.#name = name;
    this.process = new ProcessTime(cluster.time);
    const identity = `${name}_uid-${name}_1`;
    const lease = { namespace: 'shop', name: 'app' };
    this.leadership = new Leadership({ identity, lease, timings: TIMINGS, clock: this.process });
    const line = (fields: object) => void this.lines.push(fields as { code: string });
    this.#publishing = publish({
      publishers,
      lease,
      pod: { namespace: 'shop', name, uid: `uid-${name}`, ip: `10.0.0.${name.charCodeAt(0)}` },
      service: 'web',
      resyncMs: RESYNC_MS,
      pods: cluster.podsPort(name, this.process),
      slices: () => cluster.slicePort(name, this.process),
      leadership: this.leadership,
      clock: this.process,
      timers: this.process,
      random: () => 0.5,
      log: { fatal: line, error: line, warn: line, info: line, debug: line },
      metrics: { failed: this.failed, inEffect: this.inEffect, reasserted: this.reasserted },
      announce: (type, reason, message) => void this.announced.push(`${type} ${reason} ${message}`),
    });
  }

  /** Begins a term, and tells no other replica of it. Returns its token. */
  lead(forMs = 10_000): string {
    tokens += 1;
    this.#publish(String(tokens), forMs, true);
    return String(tokens);
  }

  renew(forMs = 10_000): void {
    this.#publish(this.leadership.fencingToken()!, forMs, true);
  }

  /** Sees another lead. */
  follow({ leadership }: PublishingReplica): void {
    const knownUntilMonoMs = this.process.now().monoMs + 15_000;
    const holder = { identity: leadership.identity, address: null, knownUntilMonoMs };
    this.leadership.publish({ tenure: null, leaseUid: 'uid', holder, term: null });
  }

  /** The term is over, whatever still says otherwise. Resolves when the work of it has stopped. */
  async lose(): Promise<void> {
    this.leadership.publish({ tenure: null, leaseUid: 'uid', holder: null, term: null }, 'expired');
    await this.#stop({ graceful: false, untilMonoMs: this.process.now().monoMs + 5_000, reason: 'expired' });
  }

  /** Gives the term up: resolves when all work has stopped and the Lease is free. */
  async handOver(): Promise<void> {
    this.#publish(this.leadership.fencingToken()!, 10_000, false);
    await this.#stop({ graceful: true, untilMonoMs: this.process.now().monoMs + 3_000, reason: 'step-down' });
    this.leadership.publish({ tenure: null, leaseUid: 'uid', holder: null, term: null });
  }

  close(): void {
    this.#publishing.close();
  }

  codes(): string[] {
    return this.lines.map(({ code }) => code);
  }

  #publish(fencingToken: string, forMs: number, accepting: boolean): void {
    const now = this.process.now();
    const tenure = { fencingToken, validity: { basis: now, validUntilMonoMs: now.monoMs + forMs }, accepting };
    const holder = { identity: this.leadership.identity, address: null, knownUntilMonoMs: now.monoMs + 15_000 };
    this.leadership.publish({ tenure, leaseUid: 'uid', holder, term: null }, accepting ? null : 'step-down');
  }

  async #stop(context: StopContext): Promise<void> {
    for (const stage of STOP_STAGES) {
      await Promise.all(this.leadership.stopHooks(stage).map((hook) => hook(context)));
    }
  }

  get name(): string {
    return this.#name;
  }
}
