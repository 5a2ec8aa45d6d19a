import type { MemberLease } from '../ports/members.ts';

/**
 * Who is alive, by observation: no remote clock is looked at, only whether `renewTime` changes. Pure.
 *
 * Time counts only as far as the watch was heard. A member is dead when others, or nobody, were heard of for its whole duration
 * and it was not; while nothing is heard at all (the watch is cut, the API server is down, this process was stopped), nobody
 * dies of that. Versions are not compared: they begin anew below the known ones when etcd is restored, and a listing that is stale
 * after all only puts off a death.
 */
export interface ObserverConfig {
  /** Of Leases that carry no duration; and of what is not about a single one. */
  readonly durationMs: number;
  /** More are not looked at. */
  readonly membersMax: number;
}

export type ObserverEvent =
  /** All that is there. */
  | { readonly kind: 'listed'; readonly leases: readonly MemberLease[] }
  | { readonly kind: 'changed'; readonly lease: MemberLease }
  | { readonly kind: 'gone'; readonly lease: MemberLease }
  /** The watch told that nothing has changed. */
  | { readonly kind: 'idle' };

export interface ObservedMember {
  readonly lease: MemberLease;
  /** When its heartbeat was last seen to change, on the observer's monotonic clock; at first when it was first seen. */
  readonly seenMonoMs: number;
  /** Whether a heartbeat of it was ever seen to change: one that was only found may be long dead. */
  readonly confirmed: boolean;
  readonly alive: boolean;
  /** The same as `seenMonoMs`, in time that was listened; later by silences that were too long for its duration. */
  readonly seenListenedMs: number;
}

export interface MemberChange {
  /**
   * `joined`: a new Lease, or a new process under the old one; `returned`: the same process, after it had been `lost`; `left`:
   * its Lease was deleted; `changed`: what it says of itself.
   */
  readonly kind: 'joined' | 'lost' | 'returned' | 'left' | 'changed';
  readonly member: ObservedMember;
}

/**
 * Of a member's duration: the longest silence between two signs of the watch that still counts in full against it; what is longer
 * counts as this. Heartbeats come three times in a duration at least: with the wait for one it stays below two thirds and a bit, so
 * that whoever wakes from a long stop takes nobody for dead before he has read what he missed, however slow his own heartbeat is.
 */
const SILENCE_DURATIONS_MAX = 3 / 8;

/** What has been observed; never changed from outside. */
export class MemberObserver {
  readonly #config: ObserverConfig;
  readonly #members = new Map<string, ObservedMember>();
  #listenedMs = 0;
  #heardMonoMs: number | null = null;
  /** Nobody expires before. */
  #nextExpiryListenedMs = Number.POSITIVE_INFINITY;
  #overflow = false;

  constructor(config: ObserverConfig) {
    this.#config = config;
  }

  /** By name of the Lease. */
  get members(): ReadonlyMap<string, ObservedMember> {
    return this.#members;
  }

  /** Whether there are more than are looked at. */
  get overflow(): boolean {
    return this.#overflow;
  }

  /** Time that was listened, in milliseconds since the first sign. */
  get listenedMs(): number {
    return this.#listenedMs;
  }

  /** Takes in what the watch told at `nowMonoMs`, and returns what has changed by that, in this order: told, then lost. */
  observe(event: ObserverEvent, nowMonoMs: number): readonly MemberChange[] {
    this.#hear(nowMonoMs);
    const changes: MemberChange[] = [];
    switch (event.kind) {
      case 'listed':
        this.#list(event.leases, nowMonoMs, changes);
        break;
      case 'changed':
        this.#see(event.lease, nowMonoMs, changes);
        break;
      case 'gone':
        this.#forget(event.lease.name, changes);
        break;
      case 'idle':
        break;
    }
    if (this.#listenedMs >= this.#nextExpiryListenedMs) this.#expire(changes);
    return changes;
  }

  #hear(nowMonoMs: number): void {
    const silenceMs = this.#heardMonoMs === null ? 0 : nowMonoMs - this.#heardMonoMs;
    const countedMs = Math.min(Math.max(0, silenceMs), silenceMsMax(this.#config.durationMs));
    this.#listenedMs += countedMs;
    this.#heardMonoMs = nowMonoMs;
    for (const [name, member] of this.#members) {
      const excessMs = countedMs - silenceMsMax(this.#durationMs(member));
      if (excessMs <= 0 || !member.alive) continue;
      this.#members.set(name, { ...member, seenListenedMs: member.seenListenedMs + excessMs });
    }
  }

  #list(leases: readonly MemberLease[], nowMonoMs: number, changes: MemberChange[]): void {
    const names = new Set(leases.map(({ name }) => name));
    for (const name of [...this.#members.keys()]) if (!names.has(name)) this.#forget(name, changes);
    this.#overflow = false;
    for (const lease of leases) this.#see(lease, nowMonoMs, changes);
  }

  #see(lease: MemberLease, nowMonoMs: number, changes: MemberChange[]): void {
    const before = this.#members.get(lease.name);
    if (before === undefined && this.#members.size >= this.#config.membersMax) {
      this.#overflow = true;
      return;
    }
    const same = before !== undefined && before.lease.uid === lease.uid;
    const renewed = !same || before.lease.renewTime !== lease.renewTime || before.lease.holder !== lease.holder;
    const member: ObservedMember = renewed
      ? { lease, seenMonoMs: nowMonoMs, seenListenedMs: this.#listenedMs, alive: true, confirmed: same }
      : { ...before, lease };
    this.#members.set(lease.name, member);
    if (member.alive) {
      this.#nextExpiryListenedMs = Math.min(this.#nextExpiryListenedMs, this.#expiryListenedMs(member));
    }
    const kind = changeOf(before, member);
    if (kind !== null) changes.push({ kind, member });
  }

  #forget(name: string, changes: MemberChange[]): void {
    const member = this.#members.get(name);
    if (member === undefined) return;
    this.#members.delete(name);
    changes.push({ kind: 'left', member: { ...member, alive: false } });
  }

  #expire(changes: MemberChange[]): void {
    this.#nextExpiryListenedMs = Number.POSITIVE_INFINITY;
    for (const [name, member] of this.#members) {
      if (!member.alive) continue;
      const expiryListenedMs = this.#expiryListenedMs(member);
      if (this.#listenedMs < expiryListenedMs) {
        this.#nextExpiryListenedMs = Math.min(this.#nextExpiryListenedMs, expiryListenedMs);
        continue;
      }
      const lost = { ...member, alive: false };
      this.#members.set(name, lost);
      changes.push({ kind: 'lost', member: lost });
    }
  }

  #expiryListenedMs(member: ObservedMember): number {
    return member.seenListenedMs + this.#durationMs(member);
  }

  #durationMs({ lease }: ObservedMember): number {
    return lease.durationMs ?? this.#config.durationMs;
  }
}

function silenceMsMax(durationMs: number): number {
  return durationMs * SILENCE_DURATIONS_MAX;
}

function changeOf(before: ObservedMember | undefined, { lease, alive }: ObservedMember): MemberChange['kind'] | null {
  if (before === undefined || before.lease.uid !== lease.uid || before.lease.holder !== lease.holder) return 'joined';
  if (alive && !before.alive) return 'returned';
  return sameProfile(before.lease, lease) ? null : 'changed';
}

function sameProfile({ profile: a }: MemberLease, { profile: b }: MemberLease): boolean {
  return (Object.keys(b) as (keyof typeof b)[]).every((key) => a[key] === b[key]);
}
