import type { Leadership } from '../leadership/leadership.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { MemberLeases, MemberOutcome } from '../ports/members.ts';
import type { Member, MembersAnswer, Membership, MembershipChange } from '../ports/membership.ts';
import type { Watching } from '../ports/publisher.ts';
import type { RemovalOutcome, RequestFailure } from '../ports/request-failure.ts';
import {
  type CollectionConfig,
  type CollectionReport,
  type CollectionStep,
  collect,
  initialCollection,
  mark,
  onCollectionReply,
  unmark,
} from './collection.ts';
import {
  type MemberChange,
  MemberObserver,
  type ObservedMember,
  type ObserverConfig,
  type ObserverEvent,
} from './observer.ts';

export interface RosterOptions {
  readonly observer: ObserverConfig;
  readonly collection: CollectionConfig;
  readonly leases: MemberLeases;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: (report: CollectionReport | RosterReport) => void;
}

export type RosterReport =
  /** The watch fails, again and again, or works again (null). */
  | { readonly kind: 'watch'; readonly failure: RequestFailure | null }
  /** There are more members than are kept. */
  | { readonly kind: 'overflow' };

const REQUEST_TIMEOUT_MS = 5_000;

/** The members by one watch: who there is, who leads among them, who is alive; and the collection of those who are not. */
export class Roster implements Membership {
  readonly #options: RosterOptions;
  readonly #observer: MemberObserver;
  readonly #listeners = new Set<(change: MembershipChange) => void>();
  #collection;
  #watch: Watching | null = null;
  #endFollowing: (() => void) | null = null;
  #watching = false;
  #failing = false;
  #overflow = false;
  /** The candidate that listeners were last told to lead. */
  #leader: string | null = null;

  constructor(options: RosterOptions) {
    this.#options = options;
    this.#observer = new MemberObserver(options.observer);
    this.#collection = initialCollection(options.collection);
  }

  start(): void {
    const { leases, leadership } = this.#options;
    this.#leader = leadership.leader()?.identity ?? null;
    this.#endFollowing = leadership.subscribe(() => this.#followLeader());
    this.#watch = leases.watch({
      listed: (all) => this.#observe({ kind: 'listed', leases: all }),
      changed: (lease) => this.#observe({ kind: 'changed', lease }),
      gone: (lease) => this.#observe({ kind: 'gone', lease }),
      idle: () => this.#observe({ kind: 'idle' }),
      watching: (up, failure) => this.#onWatching(up, failure),
    });
  }

  close(): void {
    this.#watch?.close();
    this.#watch = null;
    this.#watching = false;
    this.#endFollowing?.();
    this.#listeners.clear();
  }

  answer(): MembersAnswer {
    const leader = this.#options.leadership.leader()?.identity ?? null;
    const members = [...this.#observer.members.values()].map((member) => this.#tell(member, leader));
    const key = ({ pod, identity }: Member) => pod ?? identity;
    members.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
    return { members, watching: this.#watching, truncated: this.#observer.overflow };
  }

  subscribe(listener: (change: MembershipChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #tell({ lease, seenMonoMs, confirmed, alive }: ObservedMember, leader: string | null): Member {
    const { candidate, campaigns, pod, address, since, version } = lease.profile;
    return {
      identity: lease.holder,
      candidate,
      campaigns: campaigns?.split(',').filter((name) => name !== '') ?? null,
      pod,
      address,
      role: candidate !== null && candidate === leader ? 'leader' : 'standby',
      since,
      version,
      lastHeartbeatAgoMs: Math.max(0, Math.round(this.#options.clock.now().monoMs - seenMonoMs)),
      confirmed,
      alive,
    };
  }

  #observe(event: ObserverEvent): void {
    const { clock, report } = this.#options;
    const changes = this.#observer.observe(event, clock.now().monoMs);
    for (const change of changes) this.#note(change);
    if (this.#observer.overflow && !this.#overflow) report({ kind: 'overflow' });
    this.#overflow = this.#observer.overflow;
    this.#collect(collect(this.#collection, this.#moment()));
  }

  #note({ kind, member }: MemberChange): void {
    if (kind === 'lost') this.#collection = mark(this.#collection, member, this.#moment());
    // A dead one may still be written to, by whoever annotates Leases.
    else if (member.alive || kind === 'left') this.#collection = unmark(this.#collection, member.lease.name);
    this.#publish({ kind, member: this.#tell(member, this.#leader) });
  }

  #publish(change: MembershipChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  /** Roles are nobody's to write: they follow from who holds the Lease that is elected on. */
  #followLeader(): void {
    const before = this.#leader;
    this.#leader = this.#options.leadership.leader()?.identity ?? null;
    if (before === this.#leader) return;
    for (const member of this.#observer.members.values()) {
      const { candidate } = member.lease.profile;
      if (candidate === null || (candidate !== before && candidate !== this.#leader)) continue;
      this.#publish({ kind: 'changed', member: this.#tell(member, this.#leader) });
    }
  }

  #collect({ state, request, report }: CollectionStep): void {
    this.#collection = state;
    if (report !== null) this.#options.report(report);
    if (request === null) return;
    const { leases } = this.#options;
    const sent: Promise<MemberOutcome | RemovalOutcome> =
      request.kind === 'read'
        ? leases.read(request.name, REQUEST_TIMEOUT_MS)
        : leases.remove(request.lease, REQUEST_TIMEOUT_MS);
    void sent.then((outcome) => {
      if (this.#watch === null) return;
      const step = onCollectionReply(this.#collection, outcome, this.#moment());
      this.#collect(step);
      if (step.request === null) this.#collect(collect(this.#collection, this.#moment()));
    });
  }

  #moment() {
    return { listenedMs: this.#observer.listenedMs, random: this.#options.random() };
  }

  #onWatching(up: boolean, failure: RequestFailure | null): void {
    this.#watching = up;
    const recovered = up && this.#failing;
    if (failure === null && !recovered) return;
    this.#failing = failure !== null;
    this.#options.report({ kind: 'watch', failure });
  }
}
