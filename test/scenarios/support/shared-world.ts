import { DEFAULT_CANDIDACY } from '../../../src/election/index.ts';
import { Leadership } from '../../../src/leadership/leadership.ts';
import type { Member, MembersAnswer, Membership } from '../../../src/ports/membership.ts';
import { ElectionRunner } from '../../../src/runner/runner.ts';
import { FairShare } from '../../../src/shares/fair-share.ts';
import { Link } from './link.ts';
import { MemoryLease } from './memory-lease.ts';
import { ProcessTime, VirtualTime } from './virtual-time.ts';
import { NO_METRICS, SILENT_LOG, TIMINGS } from './world.ts';

const HEARTBEAT_MS = 10_000;
const MEMBER_DURATION_MS = 40_000;

interface Heartbeats {
  readonly count: number;
  readonly lastMs: number;
  readonly campaigns: readonly string[];
}

export interface Held {
  readonly name: string;
  readonly leadership: Leadership;
  readonly runner: ElectionRunner;
  readonly link: Link;
}

/** One process that takes part in all elections of the world, and shares them fairly. */
export class SharingReplica {
  readonly name: string;
  readonly identity: string;
  readonly time: ProcessTime;
  readonly elections: readonly Held[];
  readonly shares: FairShare;
  /** Names of replicas whose heartbeats it does not see. */
  readonly blindTo = new Set<string>();
  readonly logged: string[] = [];
  dead = false;
  /** What its heartbeats name instead of the elections in which it would lead. */
  says: readonly string[] | null = null;

  constructor(name: string, start: number, world: SharedWorld, elections: readonly string[]) {
    this.name = name;
    this.identity = `${name}_uid-${name}-${start}_${start}`;
    const time = new ProcessTime(world.time);
    this.time = time;
    this.elections = elections.map((election) => {
      const store = world.leases.get(election)!;
      const link = new Link(world.time, time, store);
      const lease = { namespace: 'default', name: election };
      const leadership = new Leadership({ identity: this.identity, lease, timings: TIMINGS, clock: time });
      leadership.subscribe(
        ({ kind }) =>
          kind === 'started' &&
          world.started.push({ election, by: name, atMs: world.time.nowMs, monoMs: time.now().monoMs }),
      );
      const runner = new ElectionRunner({
        election: { identity: this.identity, timings: TIMINGS, holderAddress: null, candidacy: DEFAULT_CANDIDACY },
        leases: link,
        watch: (dispatch) => link.watch(dispatch),
        ...{ leadership, clock: time, timers: time, random: world.random, metrics: NO_METRICS, log: SILENT_LOG },
        announce: () => {},
        drainMsMax: 10_000,
        onFatal: (error) => {
          throw error;
        },
      });
      return { name: election, leadership, runner, link };
    });
    this.shares = new FairShare({
      elections: this.elections.map(({ leadership, runner }) => ({ leadership, control: runner })),
      membership: world.membershipOf(this),
      leaseDurationMs: TIMINGS.leaseDurationMs,
      retryPeriodMs: TIMINGS.retryPeriodMs,
      ...{ clock: time, timers: time, random: world.random },
      log: { ...SILENT_LOG, info: (fields) => this.logged.push((fields as { code: string }).code) },
    });
  }

  get campaigns(): readonly string[] {
    return this.says ?? this.elections.flatMap(({ name, runner }) => (runner.candidacy().candidate ? name : []));
  }

  led(): string[] {
    return this.dead ? [] : this.elections.filter(({ leadership }) => leadership.isLeader()).map(({ name }) => name);
  }

  of(election: string): Held {
    return this.elections.find(({ name }) => name === election)!;
  }

  /** SIGKILL: nothing is released, and no heartbeat comes any more. */
  kill(): void {
    this.dead = true;
    this.time.freeze();
    for (const { link } of this.elections) link.cut = true;
  }

  /** SIGTERM: everything is released. */
  async leave(): Promise<void> {
    this.shares.close();
    await Promise.all(this.elections.map(({ runner }) => runner.stop()));
    this.dead = true;
  }
}

/** Several elections among replicas that know each other by heartbeats, in virtual time. */
export class SharedWorld {
  readonly time = new VirtualTime();
  readonly leases: ReadonlyMap<string, MemoryLease>;
  readonly replicas: SharingReplica[] = [];
  readonly started: {
    readonly election: string;
    readonly by: string;
    readonly atMs: number;
    readonly monoMs: number;
  }[] = [];
  readonly #heartbeats = new Map<string, Heartbeats>();
  readonly #leaderlessSince = new Map<string, number>();
  /** The longest time that each election had no leader, since {@link forget}. */
  readonly leaderlessMsMax = new Map<string, number>();
  readonly random: () => number;
  /** Whether anybody sees members at all. */
  watching = true;

  constructor(elections: readonly string[], random: () => number = () => 0.5) {
    this.leases = new Map(elections.map((name) => [name, new MemoryLease()]));
    this.random = random;
  }

  /** With these elections, or with all of them. */
  add(name: string, elections: readonly string[] = [...this.leases.keys()]): SharingReplica {
    const replica = new SharingReplica(name, this.replicas.length + 1, this, elections);
    this.replicas.push(replica);
    replica.shares.start();
    for (const { runner } of replica.elections) runner.start();
    this.#beat(replica);
    return replica;
  }

  #beat(replica: SharingReplica): void {
    if (replica.dead) return;
    const count = (this.#heartbeats.get(replica.identity)?.count ?? 0) + 1;
    this.#heartbeats.set(replica.identity, { count, lastMs: this.time.nowMs, campaigns: replica.campaigns });
    this.time.after(HEARTBEAT_MS, () => this.#beat(replica));
  }

  membershipOf(replica: SharingReplica): Membership {
    return { answer: () => this.#membersSeenBy(replica), subscribe: () => () => {} };
  }

  #membersSeenBy(observer: SharingReplica): MembersAnswer {
    if (!this.watching) return { members: [], watching: false, truncated: false };
    const members = [...this.#heartbeats].flatMap(([candidate, { count, lastMs, campaigns }]): Member[] => {
      const pod = candidate.split('_')[0]!;
      const left = this.replicas.some(({ identity, dead, time }) => identity === candidate && dead && !time.stopped);
      if (observer.blindTo.has(pod) || left) return [];
      const lastHeartbeatAgoMs = this.time.nowMs - lastMs;
      const unsaid = { address: null, since: null, version: null, role: 'standby' as const };
      const alive = lastHeartbeatAgoMs < MEMBER_DURATION_MS;
      return [
        { identity: candidate, candidate, campaigns, pod, lastHeartbeatAgoMs, confirmed: count > 1, alive, ...unsaid },
      ];
    });
    return { members, watching: true, truncated: false };
  }

  async pass(ms: number): Promise<void> {
    await this.time.pass(ms, () => {
      this.#look();
      return false;
    });
  }

  /** How many each replica leads that lives, in order of their names. */
  shares(): Record<string, number> {
    return Object.fromEntries(this.replicas.filter(({ dead }) => !dead).map((one) => [one.name, one.led().length]));
  }

  forget(): void {
    this.started.length = 0;
    this.leaderlessMsMax.clear();
  }

  #look(): void {
    for (const election of this.leases.keys()) {
      const isActing = ({ elections, dead }: SharingReplica) =>
        !dead && elections.some(({ name, leadership }) => name === election && leadership.workValidForMs() > 0);
      const acting = this.replicas.filter(isActing);
      // Not by `expect`: it is asked a hundred thousand times, and a comparison by it takes longer than all of a step.
      if (acting.length > 1) throw new Error(`several lead ${election}: ${acting.map(({ name }) => name).join(', ')}`);
      if (acting.length === 1) this.#leaderlessSince.delete(election);
      else if (!this.#leaderlessSince.has(election)) this.#leaderlessSince.set(election, this.time.nowMs);
      const sinceMs = this.#leaderlessSince.get(election) ?? this.time.nowMs;
      const before = this.leaderlessMsMax.get(election) ?? 0;
      this.leaderlessMsMax.set(election, Math.max(before, this.time.nowMs - sinceMs));
    }
  }
}
