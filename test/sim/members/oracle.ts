import type { KubeRequest } from '../../../src/kube/transport.ts';
import type { ApiObject } from '../../../src/lease-server/object.ts';
import type { WatchEvent } from '../api-server.ts';
import { CALM, type Exchange, type NetworkObserver, type Weather } from '../network.ts';
import type { Violation } from '../oracle.ts';
import type { Write } from './api-server.ts';

/** What the oracle may ask of a process. */
export interface JudgedMember {
  readonly name: string;
  readonly host: string;
  readonly leaseName: string;
  readonly identity: string;
  readonly durationMs: number;
  readonly intervalMs: number;
  running(): boolean;
  ended(): boolean;
  terminating(): boolean;
  weather(): Weather;
}

type Verdict = Pick<Violation, 'invariant' | 'what'>;

interface Ledger {
  readonly member: JudgedMember;
  /** True time since which nothing has been in its way. */
  wellSinceMs: number;
  /** True time of its last heartbeat that was stored. */
  beatAtMs: number;
  /** It was told that a heartbeat of its own was stored. */
  acknowledged: boolean;
  /** The one request that may be lost without its counting as harm: since when. */
  hiccupAtMs: number;
  hiccup: boolean;
  /** Its watch may have lost events since it listed. */
  watchGap: boolean;
  /** Its last write was before etcd was restored: the number of that version may name another state now, or follow a newer one's. */
  renumbered: boolean;
  /** True times of the last two signs of its watch. */
  heardAtMs: readonly [number, number];
  /** The heartbeat of each Lease that its watch, or a listing, told of last. */
  readonly shown: Map<string, string>;
  readonly requestTimes: number[];
}

interface Beat {
  readonly holder: string;
  readonly renewTime: string;
  readonly atMs: number;
  readonly durationMs: number;
}

/** Clocks of processes run between 1 − this and 1 + this. */
export const RATE_BOUND = 0.05;
/** The longest that made-up answers ask a client to wait for. */
const RETRY_AFTER_MS_MAX = 5_000;
/** In durations: how long the older of two processes of one name may be silent after the younger one's end, beyond the first. */
const SILENT_DURATIONS_MAX = 1.2;
const SILENCE_INTERVALS = 1.5;
/** More than are written while a process is stopped. */
const BEATS_MAX = 100;
const REQUESTS_WINDOW_MS = 10_000;
const REQUESTS_MAX = 60;

/**
 * Judges a history of heartbeats from outside: from the store's writes, from what passed over the network, and from what
 * processes tell of each other. It shares no code with what it judges.
 */
export class MemberOracle implements NetworkObserver {
  readonly violations: Violation[] = [];
  readonly #now: () => number;
  readonly #ledgers = new Map<string, Ledger>();
  /** The last heartbeat in each Lease. */
  readonly #beats = new Map<string, Beat>();
  /** The last heartbeats of each name, the oldest first. */
  readonly #history = new Map<string, readonly Beat[]>();
  /** Requests that were sent since etcd was restored last. */
  #sentSinceRestore = new WeakSet<KubeRequest>();
  heartbeats = 0;
  collected = 0;
  /** Deletions that came too late: somebody had renewed. */
  racesLost = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  enroll(member: JudgedMember): void {
    this.#ledgers.set(member.name, {
      member,
      wellSinceMs: this.#now(),
      beatAtMs: Number.NEGATIVE_INFINITY,
      acknowledged: false,
      hiccupAtMs: Number.NEGATIVE_INFINITY,
      hiccup: false,
      watchGap: false,
      renumbered: false,
      heardAtMs: [this.#now(), this.#now()],
      shown: new Map(),
      requestTimes: [],
    });
  }

  /** True time of the last heartbeat of a Lease; minus infinity where there is none. */
  beatAtMs(lease: string): number {
    return this.#beats.get(lease)?.atMs ?? Number.NEGATIVE_INFINITY;
  }

  /** One request of this process may be lost, from now until `end` is called. False where it has had that lately. */
  hiccup(process: string): { end(): void } | null {
    const ledger = this.#ledgers.get(process)!;
    const now = this.#now();
    if (now - Math.max(ledger.hiccupAtMs, ledger.wellSinceMs) < 2 * ledger.member.durationMs) return null;
    ledger.hiccup = true;
    ledger.hiccupAtMs = now;
    return {
      end: () => {
        ledger.hiccup = false;
      },
    };
  }

  // --- what is stored

  wrote({ name, before, after, writer }: Write): void {
    const ledger = this.#ledgers.get(writer);
    if (after === null) {
      if (before !== null && ledger !== undefined) this.#judgeDeletion(ledger, name, before);
      this.#beats.delete(name);
      return;
    }
    const holder = holderOf(after);
    const renewed = before === null || holderOf(before) !== holder || renewTimeOf(before) !== renewTimeOf(after);
    if (ledger !== undefined) this.#judgeWrite(ledger, name, before, after);
    if (!renewed) return;
    const beat = { holder, renewTime: renewTimeOf(after), atMs: this.#now(), durationMs: durationOf(after) };
    this.#beats.set(name, beat);
    // Who wrote may have ended by then: what was under way is stored all the same.
    for (const other of this.#ledgers.values()) {
      if (other.member.leaseName === name && this.#isOusted(other)) this.#afterOuster(other);
    }
    this.#history.set(name, [...(this.#history.get(name) ?? []).slice(1 - BEATS_MAX), beat]);
  }

  /** 9: nobody deletes a Lease that was renewed within its duration, but its own holder at its end. */
  #judgeDeletion({ member }: Ledger, name: string, before: ApiObject): void {
    const beat = this.#beats.get(name)!;
    if (name === member.leaseName) {
      if (!member.terminating()) this.violate(9, `${member.name} deletes its own Lease while it lives`);
      else if (holderOf(before) !== member.identity)
        this.violate(9, `${member.name} deletes what ${beat.holder} holds`);
      return;
    }
    this.collected += 1;
    const ageMs = this.#now() - beat.atMs;
    if (ageMs < beat.durationMs) {
      this.violate(9, `${member.name} collects ${beat.holder}, renewed ${Math.round(ageMs)} ms ago`);
    }
  }

  #judgeWrite(ledger: Ledger, name: string, before: ApiObject | null, after: ApiObject): void {
    const { member } = ledger;
    if (name !== member.leaseName || holderOf(after) !== member.identity) {
      return this.violate(9, `${member.name} writes ${name} as ${holderOf(after)}`);
    }
    this.heartbeats += 1;
    ledger.beatAtMs = this.#now();
    const former = before === null ? '' : holderOf(before);
    if (former === '' || former === member.identity || !ledger.acknowledged) return;
    const beat = this.#beats.get(name)!;
    const ageMs = this.#now() - beat.atMs;
    if (ageMs < beat.durationMs / (1 + RATE_BOUND) - 1 && !ledger.renumbered) {
      this.violate(17, `${member.name} takes its Lease back from ${former}, renewed ${Math.round(ageMs)} ms ago`);
    }
  }

  /** An old backup was restored: what was written since is gone, and what was deleted is back. */
  restored(leases: ReadonlyMap<string, ApiObject>): void {
    this.#sentSinceRestore = new WeakSet();
    for (const ledger of this.#ledgers.values()) {
      ledger.renumbered = true;
      // Its Lease was another's, and may be its own again: it will see that when it looks.
      if (this.#isOusted(ledger)) this.#afterOuster(ledger);
    }
    for (const name of this.#beats.keys()) if (!leases.has(name)) this.#beats.delete(name);
    for (const [name, lease] of leases) {
      const beats = this.#history.get(name)!;
      const at = beats.findLastIndex(({ renewTime }) => renewTime === renewTimeOf(lease));
      this.#history.set(name, beats.slice(0, at + 1));
      const forgotten = { holder: holderOf(lease), renewTime: renewTimeOf(lease), atMs: Number.NEGATIVE_INFINITY };
      this.#beats.set(name, beats[at] ?? { ...forgotten, durationMs: durationOf(lease) });
    }
  }

  // --- what processes tell

  /**
   * 10: after the heartbeat that a process knew of whomever it takes for dead there was none for as long as one holds. (What it
   * has not been told yet, because it was stopped, may be that others have come back since.)
   */
  lost(process: string, identity: string): void {
    const { watchGap, shown, wellSinceMs, heardAtMs, member } = this.#ledgers.get(process)!;
    const lease = identity.slice(0, identity.lastIndexOf('_'));
    const beats = this.#history.get(lease) ?? [];
    const at = beats.findLastIndex(({ renewTime }) => renewTime === shown.get(lease));
    const beat = beats[at];
    const now = this.#now();
    if (beat === undefined || watchGap) return;
    const gapMs = (beats[at + 1]?.atMs ?? now) - beat.atMs;
    // A silence of its own counts for as long as two heartbeats may be apart: what was nearly too late may seem to be so.
    const silent = now - wellSinceMs < beat.durationMs || now - heardAtMs[0] > SILENCE_INTERVALS * member.intervalMs;
    const silenceMs = silent ? SILENCE_INTERVALS * member.intervalMs : 0;
    if (gapMs >= beat.durationMs / (1 + RATE_BOUND) - silenceMs - 1) return;
    this.violate(10, `${process} takes ${identity} for dead, which renewed after ${Math.round(gapMs)} ms`);
  }

  // --- what goes over the network

  sent(process: string, request: KubeRequest): void {
    this.#sentSinceRestore.add(request);
    const { requestTimes } = this.#ledgers.get(process)!;
    const now = this.#now();
    requestTimes.push(now);
    while (requestTimes[0]! < now - REQUESTS_WINDOW_MS) requestTimes.shift();
    if (requestTimes.length > REQUESTS_MAX) {
      this.violate(13, `${process} sends ${requestTimes.length} requests in ${REQUESTS_WINDOW_MS} ms`);
    }
  }

  exchanged({ process, request, reply, faked }: Exchange): void {
    if (reply === null) return;
    const ledger = this.#ledgers.get(process)!;
    // A stale listing tells, too: what came after it is told by the watch from its version on.
    if (request.path.includes('?') && reply.status === 200) {
      ledger.watchGap = false;
      for (const lease of leasesIn(reply.body)) show(ledger, lease);
    }
    if (faked) return;
    if (reply.status === 400 || reply.status === 422) {
      this.violate(11, `${process} sends a body that is refused: ${JSON.stringify(reply.body)}`);
    }
    const written = (request.method === 'PUT' || request.method === 'POST') && reply.status < 300;
    if (written) ledger.acknowledged = true;
    if (written && this.#sentSinceRestore.has(request)) ledger.renumbered = false;
    if (request.method === 'DELETE' && reply.status === 409) this.racesLost += 1;
  }

  watched(process: string, { type, object }: WatchEvent, _receivedMonoMs: number): void {
    const ledger = this.#ledgers.get(process)!;
    ledger.heardAtMs = [ledger.heardAtMs[1], this.#now()];
    if (type === 'ADDED' || type === 'MODIFIED') show(ledger, object as ApiObject);
  }

  // --- at each moment

  /** 10: whose network is healthy misses no duration, though one request is lost on the way. */
  look(): void {
    const now = this.#now();
    for (const ledger of this.#ledgers.values()) {
      const { member } = ledger;
      if (member.ended()) continue;
      // Events are lost, or come one by one so slowly that each seems to end a silence.
      if (member.weather().watchDrop > 0 || member.weather().delayMs > CALM.delayMs) ledger.watchGap = true;
      const well = member.running() && !member.terminating() && (ledger.hiccup || calm(member.weather()));
      if (!well || this.#hasSibling(member)) {
        ledger.wellSinceMs = now;
        if (this.#isOusted(ledger)) this.#afterOuster(ledger);
      }
      const gapMs = Math.min(now - ledger.beatAtMs, now - ledger.wellSinceMs - RETRY_AFTER_MS_MAX);
      if (gapMs < member.durationMs) continue;
      this.violate(10, `${member.name} has sent no heartbeat for ${Math.round(gapMs)} ms`);
    }
  }

  /** Whoever finds another's heartbeat in its Lease looks twice, a duration apart, before it takes that one for dead. */
  #afterOuster(ledger: Ledger): void {
    ledger.wellSinceMs = this.#now() + SILENT_DURATIONS_MAX * ledger.member.durationMs;
  }

  #isOusted({ member, acknowledged }: Ledger): boolean {
    return acknowledged && this.#beats.get(member.leaseName)?.holder !== member.identity;
  }

  /** 9, 10: what is stored long after the faults have ended should be the Leases of the living, and all of theirs. */
  leftovers(leases: Iterable<string>): Verdict[] {
    const living = this.#living().map(({ leaseName }) => leaseName);
    const stored = new Set(leases);
    return [
      ...[...stored]
        .filter((name) => !living.includes(name))
        .map((name) => ({ invariant: 9, what: `${name} is dead and is not collected` })),
      ...living
        .filter((name) => !stored.has(name))
        .map((name) => ({ invariant: 10, what: `${name} lives and has no Lease` })),
    ];
  }

  /** 10: by then everybody takes the living for alive, and only them. */
  misbeliefs(process: string, hosts: readonly string[]): Verdict[] {
    const living = [...new Set(this.#living().map(({ host }) => host))].sort();
    if (hosts.join() === living.join()) return [];
    return [{ invariant: 10, what: `${process} takes ${hosts} for alive, and ${living} are` }];
  }

  /** 9: a graceful end on a healthy network leaves no Lease of its own. */
  left(process: string, holder: string | null): void {
    const { member, wellSinceMs } = this.#ledgers.get(process)!;
    if (holder !== member.identity || this.#now() - wellSinceMs < member.durationMs) return;
    this.violate(9, `${process} has ended and left its Lease`);
  }

  #living(): JudgedMember[] {
    return [...this.#ledgers.values()].map(({ member }) => member).filter((member) => !member.ended());
  }

  #hasSibling({ name, host }: JudgedMember): boolean {
    return this.#living().some((other) => other.host === host && other.name !== name);
  }

  violate(invariant: number, what: string): void {
    this.violations.push({ invariant, atMs: this.#now(), what });
  }
}

function show({ shown }: Ledger, lease: ApiObject): void {
  shown.set(lease.metadata.name!, renewTimeOf(lease));
}

function leasesIn(body: unknown): readonly ApiObject[] {
  return (body as { items?: readonly ApiObject[] }).items ?? [];
}

const KINDS = Object.keys(CALM) as (keyof Weather)[];

function calm(weather: Weather): boolean {
  return KINDS.every((kind) => weather[kind] === CALM[kind]);
}

function holderOf(lease: ApiObject): string {
  return (lease.spec as { holderIdentity?: string }).holderIdentity ?? '';
}

function renewTimeOf(lease: ApiObject): string {
  return (lease.spec as { renewTime?: string }).renewTime ?? '';
}

function durationOf(lease: ApiObject): number {
  return (lease.spec as { leaseDurationSeconds: number }).leaseDurationSeconds * 1_000;
}
