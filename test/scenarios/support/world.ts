import { expect } from 'vitest';
import { type Candidacy, DEFAULT_CANDIDACY, type ElectionTimings } from '../../../src/election/index.ts';
import { Leadership, type LeadershipChange } from '../../../src/leadership/leadership.ts';
import type { Logger } from '../../../src/ports/log.ts';
import type { Metrics } from '../../../src/ports/metrics.ts';
import { ElectionRunner, type RunnerOptions } from '../../../src/runner/runner.ts';
import { Link } from './link.ts';
import { MemoryLease } from './memory-lease.ts';
import { ProcessTime, VirtualTime } from './virtual-time.ts';

export const TIMINGS: ElectionTimings = {
  leaseDurationMs: 15_000,
  renewDeadlineMs: 10_000,
  renewIntervalMs: 2_000,
  retryPeriodMs: 2_000,
};

const nothing = () => {};
export const SILENT_LOG: Logger = { fatal: nothing, error: nothing, warn: nothing, info: nothing, debug: nothing };
export const NO_METRICS: Metrics = {
  request: nothing,
  renewed: nothing,
  renewalFailed: nothing,
  slowPath: nothing,
  started: nothing,
  stopped: nothing,
  watchRestarted: nothing,
  watching: nothing,
  candidacy: nothing,
  applicationHealthy: nothing,
  unclaimed: nothing,
  eventDropped: nothing,
};

export interface ReplicaOptions {
  /** Monotonic milliseconds per true millisecond. */
  readonly rate?: number;
  /** Part of each jitter that is taken. */
  readonly random?: number;
  /** A new start of an earlier replica's pod. */
  readonly start?: number;
  readonly candidacy?: Partial<Candidacy>;
  /** Ports to look at, and to break. */
  readonly ports?: Partial<RunnerOptions>;
}

/** One process: the real runner, the real election, its own clocks and its own way to the store. */
export class Replica {
  readonly name: string;
  readonly time: ProcessTime;
  readonly link: Link;
  readonly leadership: Leadership;
  readonly runner: ElectionRunner;
  readonly changes: { readonly atMs: number; readonly change: LeadershipChange }[] = [];
  /** Set when the process is gone: it does nothing any more, and holds nothing. */
  dead = false;

  constructor(
    name: string,
    world: World,
    { rate = 1, random = 0.5, start = 1, candidacy, ports = {} }: ReplicaOptions,
  ) {
    this.name = name;
    this.time = new ProcessTime(world.time, rate);
    this.link = new Link(world.time, this.time, world.lease);
    const identity = `${name}_uid-${name}_${start}`;
    this.leadership = new Leadership({
      identity,
      lease: { namespace: 'default', name: 'demo' },
      timings: TIMINGS,
      clock: this.time,
    });
    this.leadership.subscribe((change) => this.changes.push({ atMs: world.time.nowMs, change }));
    this.runner = new ElectionRunner({
      election: { identity, timings: TIMINGS, holderAddress: null, candidacy: { ...DEFAULT_CANDIDACY, ...candidacy } },
      leases: this.link,
      watch: (dispatch) => this.link.watch(dispatch),
      leadership: this.leadership,
      clock: this.time,
      timers: this.time,
      random: () => random,
      metrics: NO_METRICS,
      log: SILENT_LOG,
      announce: nothing,
      drainMsMax: 10_000,
      onFatal: (error) => {
        throw error;
      },
      ...ports,
    });
  }

  get identity(): string {
    return this.leadership.identity;
  }

  /** SIGKILL, or power loss: nothing is stopped, nothing is released. */
  kill(): void {
    this.dead = true;
    this.time.freeze();
    this.link.cut = true;
  }

  /** When this replica was told that it leads, in true time. */
  startedMs(): number[] {
    return this.changes.filter(({ change }) => change.kind === 'started').map(({ atMs }) => atMs);
  }
}

/**
 * N replicas and one Lease, in virtual time. After everything that happens the oracle looks: no two replicas' claims hold
 * in the same true moment, and fencing tokens only grow.
 */
export class World {
  readonly time = new VirtualTime();
  readonly lease: MemoryLease;
  readonly replicas: Replica[] = [];
  #lastGrant = { token: 0, by: '' };

  constructor(options: { readonly leaseExists?: boolean } = {}) {
    this.lease = new MemoryLease(options.leaseExists ?? true);
  }

  /** Starts a replica. */
  add(name: string, options: ReplicaOptions = {}): Replica {
    const replica = new Replica(name, this, options);
    this.replicas.push(replica);
    replica.runner.start();
    return replica;
  }

  /** Starts `first`, and when it leads the others. */
  async led(first: string, ...others: string[]): Promise<Replica[]> {
    const leader = this.add(first);
    await this.pass(100);
    expect(leader.leadership.isLeader()).toBe(true);
    const replicas = [leader, ...others.map((name) => this.add(name))];
    await this.pass(100);
    return replicas;
  }

  async pass(ms: number): Promise<void> {
    await this.time.pass(ms, () => {
      this.#look();
      return false;
    });
  }

  /** Lets time pass until somebody but `before` leads, and returns who, and how long that took. */
  async nextLeader(before: Replica, withinMs = 60_000): Promise<{ leader: Replica; tookMs: number }> {
    const fromMs = this.time.nowMs;
    let leader: Replica | null = null;
    await this.time.pass(withinMs, () => {
      this.#look();
      leader = this.leader();
      return leader !== null && leader !== before;
    });
    expect(leader, `nobody but ${before.name} led within ${withinMs} ms`).not.toBeNull();
    return { leader: leader!, tookMs: this.time.nowMs - fromMs };
  }

  leader(): Replica | null {
    return this.replicas.find((replica) => !replica.dead && replica.leadership.isLeader()) ?? null;
  }

  #look(): void {
    const acting = this.replicas.filter((replica) => !replica.dead && replica.leadership.workValidForMs() > 0);
    expect(acting.map(({ name }) => name).slice(1), 'only one replica may lead at a time').toEqual([]);
    const [leader] = acting;
    const token = Number(leader?.leadership.fencingToken() ?? 0);
    if (leader === undefined || token === 0) return;
    if (token === this.#lastGrant.token) expect(leader.identity).toBe(this.#lastGrant.by);
    expect(token, 'fencing tokens grow').toBeGreaterThanOrEqual(this.#lastGrant.token);
    this.#lastGrant = { token, by: leader.identity };
  }
}
