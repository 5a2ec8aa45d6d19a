import type { KubeReply } from '../../src/kube/transport.ts';
import type { Version, WatchEvent } from './api-server.ts';
import type { Exchange, NetworkObserver } from './network.ts';

/** One broken promise. `invariant` is its number in this folder's README. */
export interface Violation {
  readonly invariant: number;
  readonly atMs: number;
  readonly what: string;
}

/** The parts of a Lease that the oracle reads, by itself: it shares no code with what it judges. */
interface Spec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

/** What the oracle may ask of a process. */
export interface Judged {
  readonly identity: string;
  readonly podUid: string;
  readonly leaseDurationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
  monoMs(): number;
  /** Work may be going on at this moment. */
  acts(): boolean;
  /** Work of an ended tenure is still being stopped, and has not overrun its time. */
  stopping(): boolean;
  /** The replica would say that it leads, or that work may still drain. */
  claims(): boolean;
}

interface Ledger {
  readonly process: Judged;
  /** Renewals that it sent, by renewTime: when, by its monotonic clock. */
  readonly sentAt: Map<string, number>;
  /** When, by its monotonic clock, it first saw the present run of each sighting. */
  readonly seenAt: Map<string, number>;
  /** Latest send time of an acknowledged write that names it the holder. */
  acknowledgedFromMonoMs: number;
  leading: boolean;
  /** It was shown, after its last acknowledged write, that another holds the Lease. */
  ousted: boolean;
  /** resourceVersion of its last acknowledged write. */
  ownVersion: string;
  requestTimes: number[];
}

const REQUESTS_WINDOW_MS = 10_000;
/** Besides two requests (a read, a write) for each retry period: listings and watches; a storm is far above. */
const REQUESTS_MAX = 40;

/**
 * Judges a history from outside: from the store's states, from what passed over the network, and from what each process
 * would do at each moment.
 */
export class Oracle implements NetworkObserver {
  readonly violations: Violation[] = [];
  readonly #now: () => number;
  readonly #ledgers = new Map<string, Ledger>();
  #lastToken: string | null = null;
  /** After a restore of an old etcd, promises about uniqueness and order are off for a while. */
  #exemptUntilMs = Number.NEGATIVE_INFINITY;
  #restoredUntilMs = Number.NEGATIVE_INFINITY;
  /** Somebody else wrote the spec by hand: the same, for as long as an old claim may last. */
  grants = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  enroll(process: Judged): void {
    this.#ledgers.set(process.identity, {
      process,
      sentAt: new Map(),
      seenAt: new Map(),
      acknowledgedFromMonoMs: Number.NEGATIVE_INFINITY,
      leading: false,
      ousted: false,
      ownVersion: '0',
      requestTimes: [],
    });
  }

  exempt(forMs: number): void {
    this.#exemptUntilMs = Math.max(this.#exemptUntilMs, this.#now() + forMs);
  }

  /** An old backup was restored: numbers begin anew below those that were given out. */
  restored(forMs: number): void {
    this.exempt(forMs);
    this.#restoredUntilMs = this.#now() + forMs;
    this.#lastToken = null;
    for (const ledger of this.#ledgers.values()) ledger.ownVersion = '0';
  }

  /** After each step: 1 and 2. */
  look(): void {
    let acting: Judged | null = null;
    for (const { process, acknowledgedFromMonoMs, ousted } of this.#ledgers.values()) {
      if (process.claims() && process.monoMs() > acknowledgedFromMonoMs + process.renewDeadlineMs + 0.001) {
        this.#broken(2, `${short(process.identity)} leads beyond the deadline of its last acknowledged write`);
      }
      if (ousted && process.claims())
        this.#broken(1, `${short(process.identity)} leads although it saw another holder`);
      if (!process.acts()) continue;
      if (acting !== null && !this.#exempt) {
        this.#broken(1, `${short(acting.identity)} and ${short(process.identity)} act at the same time`);
      }
      acting = process;
    }
  }

  /** 5 and 7: a grant or its end, as subscribers were told. */
  changed(identity: string, kind: 'started' | 'stopped', token: string | null): void {
    const ledger = this.#ledgers.get(identity)!;
    if ((kind === 'started') === ledger.leading) this.#broken(7, `${short(identity)} ${kind} twice`);
    ledger.leading = kind === 'started';
    if (kind === 'stopped') return;
    ledger.ousted = false;
    if (ledger.process.stopping())
      this.#broken(7, `${short(identity)} leads again while it still stops its former work`);
    this.grants += 1;
    if (token === null) this.#broken(5, `${short(identity)} started without a token`);
    else if (!this.#exempt && this.#lastToken !== null && !later(token, this.#lastToken)) {
      this.#broken(5, `${short(identity)} leads under token ${token} after ${this.#lastToken}`);
    }
    this.#lastToken = token;
  }

  sent(identity: string, request: { readonly body?: unknown }): void {
    const ledger = this.#ledgers.get(identity);
    if (ledger === undefined) return;
    const renewTime = specOf(request.body).renewTime;
    if (renewTime !== undefined) ledger.sentAt.set(renewTime, ledger.process.monoMs());
    const { requestTimes } = ledger;
    requestTimes.push(this.#now());
    while (requestTimes[0]! < this.#now() - REQUESTS_WINDOW_MS) requestTimes.shift();
    const paced = (2 * REQUESTS_WINDOW_MS) / ledger.process.retryPeriodMs;
    if (requestTimes.length > paced + REQUESTS_MAX)
      this.#broken(13, `${short(identity)} sent ${requestTimes.length} requests in 10 s`);
  }

  exchanged({ process, request, sentMonoMs, reply, receivedMonoMs, faked }: Exchange): void {
    const ledger = this.#ledgers.get(process);
    if (ledger === undefined || reply === null) return;
    if (!faked && (reply.status === 400 || reply.status === 422)) {
      this.#broken(11, `${short(process)} sent a body that was refused: ${JSON.stringify(reply.body)}`);
    }
    if (reply.status >= 300) return;
    const spec = specOf(listed(reply));
    if (spec.holderIdentity === process && spec.renewTime !== undefined) {
      const from = request.method === 'GET' ? ledger.sentAt.get(spec.renewTime) : sentMonoMs;
      if (from !== undefined) ledger.acknowledgedFromMonoMs = Math.max(ledger.acknowledgedFromMonoMs, from);
    }
    this.#saw(ledger, listed(reply), receivedMonoMs);
  }

  watched(process: string, event: WatchEvent, receivedMonoMs: number): void {
    const ledger = this.#ledgers.get(process);
    if (ledger !== undefined && event.type !== 'ERROR') this.#saw(ledger, event.object, receivedMonoMs);
  }

  /** 3, 4 and 6: one write to the store. */
  wrote(before: Version, after: Version): void {
    const writer = this.#ledgers.get(after.writer);
    if (writer === undefined) return;
    const old = specOf(before.lease);
    const now = specOf(after.lease);
    const holder = now.holderIdentity ?? '';
    const oldHolder = old.holderIdentity ?? '';
    if (holder === '') {
      if (oldHolder !== after.writer)
        this.#broken(6, `${short(after.writer)} released the Lease of ${short(oldHolder)}`);
      if (writer.process.claims() || writer.process.stopping())
        this.#broken(6, `${short(after.writer)} released while its work went on`);
      return;
    }
    if (holder !== after.writer) return this.#broken(6, `${short(after.writer)} made ${short(holder)} the holder`);
    // After a restore a number may name another state than the one that was timed: nothing can be said of what follows.
    if (before.lease === null || this.#exempt) return;
    if (holder !== oldHolder) {
      if ((now.leaseTransitions ?? 0) !== (old.leaseTransitions ?? 0) + 1)
        this.#broken(4, `a change of holder counted ${old.leaseTransitions} → ${now.leaseTransitions}`);
      if (now.acquireTime !== now.renewTime) this.#broken(4, 'acquired with an acquireTime of the past');
      if (oldHolder !== '') this.#checkTakeover(writer, before, old);
      return;
    }
    if ((now.leaseTransitions ?? 0) !== (old.leaseTransitions ?? 0))
      this.#broken(4, 'a renewal counted as a transition');
    if (now.acquireTime !== old.acquireTime && now.acquireTime !== now.renewTime)
      this.#broken(4, 'a renewal moved acquireTime');
  }

  #checkTakeover(writer: Ledger, before: Version, old: Spec): void {
    if (podUidOf(old.holderIdentity ?? '') === writer.process.podUid) return;
    const seenMonoMs = writer.seenAt.get(sightingKey(before.lease));
    const durationMs = (old.leaseDurationSeconds ?? 0) * 1_000 || writer.process.leaseDurationMs;
    if (seenMonoMs === undefined)
      return this.#broken(3, `${short(writer.process.identity)} took over from a record it never saw`);
    const sentMonoMs = writer.sentAt.get(this.#lastRenewTimeOf(writer)) ?? writer.process.monoMs();
    if (sentMonoMs < seenMonoMs + durationMs - 0.001) {
      this.#broken(
        3,
        `${short(writer.process.identity)} took over ${Math.round(seenMonoMs + durationMs - sentMonoMs)} ms early`,
      );
    }
  }

  #lastRenewTimeOf(ledger: Ledger): string {
    return [...ledger.sentAt.keys()].at(-1) ?? '';
  }

  /** A sighting's time counts from when its present run began: another sighting in between starts it anew. */
  #saw(ledger: Ledger, lease: unknown, monoMs: number): void {
    const holder = specOf(lease).holderIdentity ?? '';
    const version = (lease as { metadata?: { resourceVersion?: string } } | null | undefined)?.metadata
      ?.resourceVersion;
    if (version !== undefined && holder === ledger.process.identity && later(version, ledger.ownVersion))
      ledger.ownVersion = version;
    else if (version !== undefined && later(version, ledger.ownVersion) && this.#now() > this.#restoredUntilMs) {
      ledger.ousted = true;
    }
    const key = sightingKey(lease);
    if (!ledger.seenAt.has(key)) ledger.seenAt.set(key, monoMs);
  }

  get #exempt(): boolean {
    return this.#now() < this.#exemptUntilMs;
  }

  #broken(invariant: number, what: string): void {
    this.violations.push({ invariant, atMs: this.#now(), what });
  }
}

function listed(reply: KubeReply): unknown {
  const body = reply.body as { items?: unknown[] } | null;
  return body !== null && Array.isArray(body.items) ? body.items[0] : body;
}

function specOf(lease: unknown): Spec {
  return ((lease as { spec?: Spec } | null | undefined)?.spec ?? {}) as Spec;
}

const sightingKeys = new WeakMap<object, string>();

/** All by which two renewals differ; kept, since watchers share what they see. */
function sightingKey(lease: unknown): string {
  if (typeof lease !== 'object' || lease === null) return '';
  const known = sightingKeys.get(lease) ?? keyOf(lease);
  sightingKeys.set(lease, known);
  return known;
}

function keyOf(lease: object): string {
  const { holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions } = specOf(lease);
  const uid = (lease as { metadata?: { uid?: string } }).metadata?.uid;
  return `${uid}|${holderIdentity}|${leaseDurationSeconds}|${acquireTime}|${renewTime}|${leaseTransitions}`;
}

function podUidOf(identity: string): string {
  return identity.split('_')[1] ?? '';
}

function later(a: string, b: string): boolean {
  return Number(a) > Number(b);
}

function short(identity: string): string {
  return identity.split('_')[0] || '(nobody)';
}
