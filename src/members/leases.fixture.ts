import { ProcessTime, VirtualTime } from '../../test/scenarios/support/virtual-time.ts';
import { Leadership } from '../leadership/leadership.ts';
import type {
  Heartbeat,
  MemberLease,
  MemberLeases,
  MemberOutcome,
  MemberProfile,
  MemberWatchHandlers,
  StoredMemberLease,
} from '../ports/members.ts';
import type { RemovalOutcome } from '../ports/request-failure.ts';
import { createMembership, type OwnMembership } from './membership.ts';
import { memberLeaseName } from './naming.ts';

const FAILED = { kind: 'failed', code: 'unreachable', message: 'no connection', retryAfterMs: null } as const;
export const TIMINGS = {
  leaseDurationMs: 15_000,
  renewDeadlineMs: 10_000,
  renewIntervalMs: 2_000,
  retryPeriodMs: 2_000,
};

/** Member Leases in memory, with the API server's rules for writes, and watches that tell at once. */
export class FakeLeases {
  readonly time = new VirtualTime();
  readonly stored = new Map<string, StoredMemberLease>();
  readonly #watches = new Set<FakeWatch>();
  readonly requests: string[] = [];
  /** Pods that are cut off. */
  readonly cutOff = new Set<string>();
  forbidRemoval = false;
  /** Of each way of a request, and of what a watch tells. */
  latencyMs = 0;
  /** True times of each Lease's writes. */
  readonly writtenAtMs = new Map<string, number[]>();
  /** How long each Lease had not been written when it was deleted. */
  readonly deletedAfterMs: number[] = [];
  /** Runs once, before the next deletion is carried out. */
  beforeRemoval: (() => void) | null = null;
  #version = 100;

  /** As seen by a process of this pod. */
  portOf(pod: string, candidate: string, process: ProcessTime): MemberLeases {
    const said = { pod, candidate, address: `${pod}:4042`, version: '1.0.0', since: '2026-01-01T00:00:00.000Z' };
    const profile = { ...said, campaigns: 'web' };
    const ask = async <T>(verb: string, act: () => T): Promise<T | typeof FAILED> => {
      this.requests.push(`${pod} ${verb}`);
      await this.#latency();
      const answer = this.cutOff.has(pod) ? FAILED : act();
      await this.#latency();
      if (this.latencyMs > 0) await new Promise<void>((resolve) => process.arrive(resolve));
      return this.cutOff.has(pod) ? FAILED : answer;
    };
    return {
      read: (name) => ask('read', () => this.#read(name)),
      create: (name, heartbeat) => ask('create', () => this.#create(name, heartbeat, profile)),
      update: (base, heartbeat) => ask('update', () => this.#update(base, heartbeat, profile)),
      remove: (lease) => ask('remove', () => this.#remove(lease)),
      watch: (handlers) => {
        this.requests.push(`${pod} watch`);
        const watch = { pod, process, handlers };
        this.#watches.add(watch);
        handlers.listed([...this.stored.values()]);
        handlers.watching(true, null);
        return { close: () => void this.#watches.delete(watch) };
      },
    };
  }

  /** The watch of this pod comes back after a cut. */
  reconnect(pod: string): void {
    this.cutOff.delete(pod);
    for (const watch of this.#watches) {
      if (watch.pod !== pod) continue;
      const leases = [...this.stored.values()];
      watch.process.arrive(() => watch.handlers.listed(leases));
      watch.process.arrive(() => watch.handlers.watching(true, null));
    }
  }

  /** Nothing is heard of it any more, and it hears nothing. */
  crash({ process }: MemberReplica): void {
    process.freeze();
    for (const watch of this.#watches) if (watch.process === process) this.#watches.delete(watch);
  }

  /** One of a replica that is not there. */
  add(lease: StoredMemberLease): void {
    this.#store(lease);
  }

  renew(name: string): void {
    const lease = this.stored.get(name)!;
    this.#store({ ...lease, renewTime: `${lease.renewTime}+` });
  }

  countOf(verb: string): number {
    return this.requests.filter((request) => request.endsWith(` ${verb}`)).length;
  }

  #read(name: string): MemberOutcome {
    const lease = this.stored.get(name);
    return lease === undefined ? { kind: 'absent' } : { kind: 'ok', lease };
  }

  #create(name: string, heartbeat: Heartbeat, profile: MemberProfile): MemberOutcome {
    if (this.stored.has(name)) return { kind: 'conflict' };
    return this.#store({ name, uid: `uid-${this.#version}`, resourceVersion: '', ...heartbeat, profile, raw: null });
  }

  #update(base: StoredMemberLease, heartbeat: Heartbeat, profile: MemberProfile): MemberOutcome {
    return this.#holds(base) ? this.#store({ ...base, ...heartbeat, profile }) : { kind: 'conflict' };
  }

  #remove(lease: Pick<MemberLease, 'name' | 'uid' | 'resourceVersion'>): RemovalOutcome {
    if (this.forbidRemoval) return { ...FAILED, code: 'forbidden' };
    const before = this.beforeRemoval;
    this.beforeRemoval = null;
    before?.();
    const stored = this.stored.get(lease.name);
    if (stored === undefined) return { kind: 'removed' };
    if (!this.#holds(lease)) return { kind: 'conflict' };
    this.stored.delete(lease.name);
    this.deletedAfterMs.push(this.time.nowMs - this.writtenAtMs.get(lease.name)!.at(-1)!);
    this.#tell((handlers) => handlers.gone(stored));
    return { kind: 'removed' };
  }

  #holds({ name, uid, resourceVersion }: Pick<MemberLease, 'name' | 'uid' | 'resourceVersion'>): boolean {
    const stored = this.stored.get(name);
    return stored?.uid === uid && stored.resourceVersion === resourceVersion;
  }

  #store(lease: StoredMemberLease): MemberOutcome {
    this.#version += 1;
    const stored = { ...lease, resourceVersion: `${this.#version}` };
    this.stored.set(stored.name, stored);
    this.writtenAtMs.set(stored.name, [...(this.writtenAtMs.get(stored.name) ?? []), this.time.nowMs]);
    this.#tell((handlers) => handlers.changed(stored));
    return { kind: 'ok', lease: stored };
  }

  #tell(tell: (handlers: MemberWatchHandlers) => void): void {
    for (const watch of this.#watches) {
      const arrive = () => void (!this.cutOff.has(watch.pod) && watch.process.arrive(() => tell(watch.handlers)));
      if (this.latencyMs === 0) arrive();
      else this.time.after(this.latencyMs, arrive);
    }
  }

  #latency(): Promise<void> {
    if (this.latencyMs === 0) return Promise.resolve();
    return new Promise((resolve) => void this.time.after(this.latencyMs, resolve));
  }
}

interface FakeWatch {
  readonly pod: string;
  readonly process: ProcessTime;
  readonly handlers: MemberWatchHandlers;
}

let starts = 0;

/** A replica that keeps its heartbeat in fake Leases. */
export class MemberReplica {
  readonly pod: string;
  readonly process: ProcessTime;
  readonly leadership: Leadership;
  readonly membership: OwnMembership;
  readonly leaseName: string;
  readonly candidate: string;
  readonly codes: string[] = [];
  readonly changes: string[] = [];

  constructor(leases: FakeLeases, pod: string, random: () => number = () => 0.5) {
    starts += 1;
    this.pod = pod;
    this.process = new ProcessTime(leases.time);
    this.candidate = `${pod}_uid-${pod}_${starts}`;
    const lease = { namespace: 'shop', name: 'cart' };
    this.leaseName = memberLeaseName({ lease, hostname: pod, namespace: 'shop' });
    this.leadership = new Leadership({ identity: this.candidate, lease, timings: TIMINGS, clock: this.process });
    const line = (fields: object) => void this.codes.push((fields as { code: string }).code);
    this.membership = createMembership({
      leaseName: this.leaseName,
      start: `${starts}`,
      durationMs: 40_000,
      intervalMs: 10_000,
      leases: leases.portOf(pod, this.candidate, this.process),
      leadership: this.leadership,
      clock: this.process,
      timers: this.process,
      random,
      log: { fatal: line, error: line, warn: line, info: line, debug: line },
    });
    this.membership.start();
    this.membership.subscribe(({ kind, member }) => this.changes.push(`${kind} ${member.pod}`));
  }

  /** Sees this candidate lead from now on. */
  follow(identity: string): void {
    const knownUntilMonoMs = this.process.now().monoMs + 15_000;
    const holder = { identity, address: null, knownUntilMonoMs };
    this.leadership.publish({ tenure: null, leaseUid: 'uid', holder, term: null }, null);
  }

  /** The pods it takes for alive. */
  alive(): string[] {
    return this.membership.answer().members.flatMap(({ pod, alive }) => (alive && pod !== null ? [pod] : []));
  }
}
