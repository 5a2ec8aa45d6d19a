import type { Member } from '../ports/membership.ts';

/** A replica that lives for so many lease durations has no past any more. */
const FORGIVEN_LEASE_DURATIONS = 64;
const DOUBLINGS_MAX = 5;
/** Of pods that are gone, too. */
const PODS_MAX = 4096;

/** The pod's process that was last heard of. */
interface Life {
  identity: string;
  sinceMonoMs: number;
  state: 'alive' | 'lost' | 'left';
  /** Whether it was seen to live. What was only found may have ended long ago, with all the others. */
  wasSeen: boolean;
  /** How many processes of this pod were lost lately. */
  crashes: number;
}

/**
 * Which replicas come and crash, and come again: each crash leaves elections unled until their Leases expire. A process is lost when
 * its heartbeats end, or when another one of its pod is there that it did not make way for; whoever ends in an orderly way takes its
 * heartbeat's Lease away before.
 */
export class Crashes {
  readonly #leaseDurationMs: number;
  readonly #pods = new Map<string, Life>();

  constructor(leaseDurationMs: number) {
    this.#leaseDurationMs = leaseDurationMs;
  }

  note(members: readonly Member[], nowMonoMs: number): void {
    const latest = new Map<string, Member>();
    for (const member of members) {
      if (member.pod === null || member.candidate === null) continue;
      const other = latest.get(member.pod);
      if (other === undefined || member.lastHeartbeatAgoMs < other.lastHeartbeatAgoMs) latest.set(member.pod, member);
    }
    for (const [pod, member] of latest) this.#follow(pod, member, nowMonoMs);
    for (const [pod, life] of this.#pods) {
      if (latest.has(pod)) continue;
      if (life.state === 'alive') life.state = 'left';
      if (life.crashes === 0 || this.#isLong(life, nowMonoMs) || this.#pods.size > PODS_MAX) this.#pods.delete(pod);
    }
  }

  /** Whether it is too early to give it anything: each crash doubles the time that it has to live before. */
  unsettled(pod: string | null, nowMonoMs: number): boolean {
    const life = pod === null ? undefined : this.#pods.get(pod);
    if (life === undefined || life.crashes === 0) return false;
    const settlingMs = this.#leaseDurationMs * 2 ** Math.min(life.crashes, DOUBLINGS_MAX);
    return nowMonoMs - life.sinceMonoMs < settlingMs;
  }

  #follow(pod: string, { candidate, alive, confirmed }: Member, nowMonoMs: number): void {
    const life = this.#pods.get(pod);
    if (life === undefined) {
      const found = { identity: candidate!, sinceMonoMs: nowMonoMs, wasSeen: confirmed, crashes: 0 };
      if (alive) this.#pods.set(pod, { ...found, state: 'alive' });
      return;
    }
    const isOther = life.identity !== candidate;
    if (!isOther && confirmed) life.wasSeen = true;
    if (life.state === 'alive') {
      if (this.#isLong(life, nowMonoMs)) life.crashes = 0;
      if (alive && !isOther) return;
      if (life.wasSeen) life.crashes += 1;
      life.state = 'lost';
    }
    if (!alive) return;
    life.identity = candidate!;
    life.sinceMonoMs = nowMonoMs;
    life.state = 'alive';
    life.wasSeen = true;
  }

  #isLong({ sinceMonoMs }: Life, nowMonoMs: number): boolean {
    return nowMonoMs - sinceMonoMs >= FORGIVEN_LEASE_DURATIONS * this.#leaseDurationMs;
  }
}
