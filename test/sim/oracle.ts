import type { Version, WatchEvent } from './api-server.ts';
import { leaseIn, sightingKey, specOf, versionOf } from './lease-reading.ts';
import type { Exchange, NetworkObserver } from './network.ts';

/** One broken promise. `invariant` is its number in this folder's README. */
export interface Violation {
  readonly invariant: number;
  readonly atMs: number;
  readonly what: string;
}

/** What the oracle may ask of a process. */
export interface Judged {
  /** Unique, also where two processes share an identity. */
  readonly process: string;
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
  /** It leads although it was told not to. */
  barred(): boolean;
  /** The replica would say that it leads, or that work may still drain. */
  claims(): boolean;
}

/** An elector of another make: it breaks rules by itself, and is judged only for what it does to ours. */
export interface Foreigner {
  readonly process: string;
  readonly identity: string;
  /** True time for which each of its writes keeps the Lease from us, whatever our clocks' rates are. */
  readonly rightfulMs: number;
  /** Its work goes on, rightly or not. */
  acts(): boolean;
}

interface ForeignLedger {
  readonly foreigner: Foreigner;
  /** True time until which it holds the Lease by right. */
  rightfulUntilMs: number;
}

interface Ledger {
  readonly process: Judged;
  /** The Lease's states that it wrote itself. */
  readonly ownKeys: Set<string>;
  /** Renewals that it sent, by renewTime: when, by its monotonic clock. */
  readonly sentAt: Map<string, number>;
  /** When, by its monotonic clock, it first saw each sighting. */
  readonly seenAt: Map<string, number>;
  /** Latest send time of an acknowledged write that names it the holder. */
  acknowledgedFromMonoMs: number;
  leading: boolean;
  /** It was shown, after its last acknowledged write, that another holds the Lease. */
  ousted: boolean;
  /** resourceVersion of its last write that it was shown. */
  ownVersion: string;
  requestTimes: number[];
}

/** The field is an int32. */
const TRANSITIONS_MAX = 2 ** 31 - 1;
/** In retry periods: more than replicas let pass between two looks at a missing Lease without beginning their wait anew. */
const LOOKS_APART = 6;
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
  readonly #longestMs: number;
  readonly #ledgers = new Map<string, Ledger>();
  readonly #foreigners = new Map<string, ForeignLedger>();
  /** Somebody held the Lease once. */
  #everHeld = false;
  #createdAtMs = Number.NEGATIVE_INFINITY;
  #lastToken: string | null = null;
  /** Promises about uniqueness and order are off until then. */
  #exemptUntilMs = Number.NEGATIVE_INFINITY;
  #recreatedUntilMs = Number.NEGATIVE_INFINITY;
  grants = 0;

  /** `longestMs`: no claim of anyone lasts longer. */
  constructor({ now, longestMs }: { readonly now: () => number; readonly longestMs: number }) {
    this.#now = now;
    this.#longestMs = longestMs;
  }

  enroll(process: Judged): void {
    this.#ledgers.set(process.process, {
      process,
      ownKeys: new Set(),
      sentAt: new Map(),
      seenAt: new Map(),
      acknowledgedFromMonoMs: Number.NEGATIVE_INFINITY,
      leading: false,
      ousted: false,
      ownVersion: '0',
      requestTimes: [],
    });
  }

  enrollForeign(foreigner: Foreigner): void {
    this.#foreigners.set(foreigner.process, { foreigner, rightfulUntilMs: Number.NEGATIVE_INFINITY });
  }

  /** How often a version was written under each number: more than once after a restore of etcd. */
  readonly #numbersGiven = new Map<number, number>();
  /** The write that is judged replaces a state that shares its number with another: no compare-and-swap tells them apart. */
  #ambiguous = false;

  /** Something happens for `forMs` that nobody can be safe from: looks away until every claim from before has ended. */
  exempt(forMs = 0): void {
    this.#exemptUntilMs = Math.max(this.#exemptUntilMs, this.#now() + forMs + 1.5 * this.#longestMs);
  }

  /** Whoever first looks now finds a free Lease, and can't know that it replaced a held one. */
  recreated(): void {
    this.#recreatedUntilMs = this.#now() + 1.5 * this.#longestMs;
  }

  /** An old backup was restored: numbers begin anew below those that were given out. */
  restored(): void {
    this.exempt();
    this.#lastToken = null;
  }

  /** After each step: 1, 2 and 16. */
  look(): void {
    let acting: Judged | null = null;
    for (const { process, acknowledgedFromMonoMs, ousted } of this.#ledgers.values()) {
      if (process.claims() && process.monoMs() > acknowledgedFromMonoMs + process.renewDeadlineMs + 0.001) {
        this.#broken(2, `${short(process.identity)} leads beyond the deadline of its last acknowledged write`);
      }
      if (ousted && process.claims())
        this.#broken(1, `${short(process.identity)} leads although it saw another holder`);
      if (process.barred()) this.#broken(16, `${short(process.identity)} leads although it is told not to`);
      if (!process.acts()) continue;
      if (acting !== null && !this.#exempt) {
        this.#broken(1, `${short(acting.identity)} and ${short(process.identity)} act at the same time`);
      }
      acting = process;
    }
    if (acting === null || this.#exempt) return;
    for (const { foreigner, rightfulUntilMs } of this.#foreigners.values()) {
      if (this.#now() < rightfulUntilMs && foreigner.acts()) {
        this.#broken(1, `${short(acting.identity)} acts while ${short(foreigner.identity)} rightly does`);
      }
    }
  }

  /** 8: nobody leads, although nothing is wrong any more. */
  leaderless(forMs: number): void {
    this.#broken(8, `nobody leads for ${Math.round(forMs)} ms`);
  }

  /** 14: it leads at last, although one of higher priority asked for it long ago. */
  usurped(identity: string): void {
    this.#broken(14, `${short(identity)} leads, and one of higher priority that preempts does not`);
  }

  /** 15: leadership still moves, although nothing has happened for long. */
  unsettled(grants: number): void {
    this.#broken(15, `${grants} changes of leader with nothing the matter`);
  }

  /** 0: it found itself in a state that can't be. */
  failed(process: string, error: unknown): void {
    this.#broken(0, `${short(process)}: ${error}`);
  }

  /** 5 and 7: a grant or its end, as subscribers were told. */
  changed(process: string, kind: 'started' | 'stopped', token: string | null): void {
    const ledger = this.#ledgers.get(process)!;
    const { identity } = ledger.process;
    if ((kind === 'started') === ledger.leading) this.#broken(7, `${short(identity)} ${kind} twice`);
    ledger.leading = kind === 'started';
    if (kind === 'stopped') return;
    ledger.ousted = false;
    if (ledger.process.stopping())
      this.#broken(7, `${short(identity)} leads again while it still stops its former work`);
    this.grants += 1;
    // Versions begin anew below the last ones after a restore of etcd.
    ledger.ownVersion = token ?? ledger.ownVersion;
    if (token === null) this.#broken(5, `${short(identity)} started without a token`);
    else if (!this.#exempt && this.#lastToken !== null && !later(token, this.#lastToken)) {
      this.#broken(5, `${short(identity)} leads under token ${token} after ${this.#lastToken}`);
    }
    this.#lastToken = token;
  }

  sent(process: string, request: { readonly body?: unknown }): void {
    const ledger = this.#ledgers.get(process);
    if (ledger === undefined) return;
    const { renewTime, holderIdentity = '' } = specOf(request.body);
    // Who asks another to give way sends that one's spec back.
    const own = holderIdentity === '' || holderIdentity === ledger.process.identity;
    if (renewTime !== undefined && own) ledger.sentAt.set(renewTime, ledger.process.monoMs());
    const { requestTimes } = ledger;
    requestTimes.push(this.#now());
    while (requestTimes[0]! < this.#now() - REQUESTS_WINDOW_MS) requestTimes.shift();
    const paced = (2 * REQUESTS_WINDOW_MS) / ledger.process.retryPeriodMs;
    if (requestTimes.length > paced + REQUESTS_MAX)
      this.#broken(13, `${short(process)} sent ${requestTimes.length} requests in 10 s`);
  }

  exchanged({ process, request, sentMonoMs, reply, receivedMonoMs, faked }: Exchange): void {
    const ledger = this.#ledgers.get(process);
    if (ledger === undefined || reply === null) return;
    if (!faked && (reply.status === 400 || reply.status === 422)) {
      this.#broken(11, `${short(process)} sent a body that was refused: ${JSON.stringify(reply.body)}`);
    }
    if (reply.status >= 300) return;
    const spec = specOf(leaseIn(reply));
    if (spec.holderIdentity === ledger.process.identity && spec.renewTime !== undefined) {
      const from = request.method === 'GET' ? ledger.sentAt.get(spec.renewTime) : sentMonoMs;
      if (from !== undefined) ledger.acknowledgedFromMonoMs = Math.max(ledger.acknowledgedFromMonoMs, from);
    }
    this.#saw(ledger, leaseIn(reply), receivedMonoMs);
  }

  watched(process: string, event: WatchEvent, receivedMonoMs: number): void {
    const ledger = this.#ledgers.get(process);
    if (ledger === undefined || event.type === 'ERROR') return;
    if (event.type === 'DELETED') this.#ousted(ledger, event.object);
    else this.#saw(ledger, event.object, receivedMonoMs);
  }

  /** 3, 4 and 6: one write to the store. */
  wrote(before: Version, after: Version): void {
    this.#ambiguous = (this.#numbersGiven.get(before.resourceVersion) ?? 0) > 1;
    this.#judgeWrite(before, after);
    this.#ambiguous = false;
  }

  #judgeWrite(before: Version, after: Version): void {
    const old = specOf(before.lease);
    const now = specOf(after.lease);
    const holder = now.holderIdentity ?? '';
    const oldHolder = old.holderIdentity ?? '';
    this.#wroteForeign(before, after, holder, oldHolder);
    this.#noteLifetime(before, after);
    this.#everHeld ||= holder !== '';
    const timesGiven = this.#numbersGiven.get(after.resourceVersion) ?? 0;
    this.#numbersGiven.set(after.resourceVersion, timesGiven + 1);
    const writer = this.#ledgers.get(after.writer);
    if (writer === undefined) return;
    const { identity } = writer.process;
    if (before.lease !== null && sightingKey(before.lease) === sightingKey(after.lease)) {
      return this.#checkChallenge(writer, after.lease);
    }
    writer.ownKeys.add(sightingKey(after.lease));
    // Another process may share its identity.
    const wasIts = oldHolder === identity && writer.sentAt.has(old.renewTime ?? '');
    if (holder === '') return this.#checkRelease(writer, wasIts || (this.#exempt && oldHolder === identity));
    if (holder !== identity) return this.#broken(6, `${short(identity)} made ${short(holder)} the holder`);
    // After a restore a number may name another state than the one that was timed: nothing can be said of what follows.
    if (before.lease === null || this.#exempt) return;
    const changes = holder !== oldHolder;
    const transitions = Math.min((old.leaseTransitions ?? 0) + (changes ? 1 : 0), TRANSITIONS_MAX);
    if ((now.leaseTransitions ?? 0) !== transitions)
      this.#broken(
        4,
        `${changes ? 'an acquisition' : 'a renewal'} counted ${old.leaseTransitions} → ${now.leaseTransitions}`,
      );
    if (now.acquireTime !== now.renewTime && (changes || now.acquireTime !== old.acquireTime))
      this.#broken(4, `${changes ? 'an acquisition' : 'a renewal'} wrote an acquireTime of the past`);
    if (oldHolder !== '' && !wasIts) this.#checkTakeover(writer, before, now.renewTime ?? '');
  }

  /**
   * A Lease that is created, led and deleted between two looks leaves no trace for one whose watch is late or cut off: it goes
   * on waiting out the absence that began before. `docs/reliability.md` says so.
   */
  #noteLifetime(before: Version, after: Version): void {
    if (before.lease === null) this.#createdAtMs = this.#now();
    if (after.lease !== null) return;
    const retryPeriodsMs = [...this.#ledgers.values()].map(({ process }) => process.retryPeriodMs);
    if (this.#now() - this.#createdAtMs < LOOKS_APART * Math.max(0, ...retryPeriodsMs) + 1_000) this.exempt();
  }

  /** Who changes nothing of the spec asks its holder to give way, by name, and does not lead. */
  #checkChallenge({ process }: Ledger, lease: unknown): void {
    const { annotations = {} } = (lease as { metadata: { annotations?: Record<string, string> } }).metadata;
    const asks = annotations['leasegate.dev/challenger'] === process.identity;
    if (!asks || process.claims() || specOf(lease).holderIdentity === process.identity)
      this.#broken(6, `${short(process.identity)} wrote a Lease and changed nothing of it`);
  }

  #checkRelease({ process }: Ledger, wasIts: boolean): void {
    if (!wasIts) this.#broken(6, `${short(process.identity)} released a Lease that was not its own`);
    if (process.claims() || process.stopping())
      this.#broken(6, `${short(process.identity)} released while its work went on`);
  }

  /** Who holds the Lease by right among electors of another make, and what they break for everybody. */
  #wroteForeign(before: Version, after: Version, holder: string, oldHolder: string): void {
    if (after.lease !== null) {
      for (const ledger of this.#foreigners.values()) {
        if (ledger.foreigner.identity !== holder) ledger.rightfulUntilMs = Number.NEGATIVE_INFINITY;
      }
    }
    const writer = this.#foreigners.get(after.writer);
    if (writer === undefined) return;
    const { identity, rightfulMs } = writer.foreigner;
    if (holder === identity) writer.rightfulUntilMs = this.#now() + rightfulMs;
    // It creates a missing Lease without waiting for whoever held it, and frees one that a successor holds already.
    const creates = before.lease === null && this.#everHeld;
    const wipes = holder === '' && oldHolder !== '' && oldHolder !== identity;
    if (creates || wipes) this.exempt();
  }

  #checkTakeover({ process, seenAt, sentAt }: Ledger, before: Version, renewTime: string): void {
    const { holderIdentity = '', leaseDurationSeconds = 0 } = specOf(before.lease);
    // A former process of its own pod is dead.
    if (podUidOf(holderIdentity) === process.podUid && holderIdentity !== process.identity) return;
    const seenMonoMs = seenAt.get(sightingKey(before.lease));
    if (seenMonoMs === undefined)
      return this.#broken(3, `${short(process.identity)} took over from a record it never saw`);
    const dueMonoMs = seenMonoMs + (leaseDurationSeconds * 1_000 || process.leaseDurationMs);
    const earlyMs = dueMonoMs - sentAt.get(renewTime)!;
    if (earlyMs > 0.001) this.#broken(3, `${short(process.identity)} took over ${Math.round(earlyMs)} ms early`);
  }

  /** A sighting's time counts from when it was first shown. */
  #saw(ledger: Ledger, lease: unknown, monoMs: number): void {
    const key = sightingKey(lease);
    if (!ledger.ownKeys.has(key)) this.#ousted(ledger, lease);
    else if (later(versionOf(lease), ledger.ownVersion)) ledger.ownVersion = versionOf(lease);
    if (ledger.seenAt.size === 0 && this.#now() < this.#recreatedUntilMs) this.exempt();
    if (!ledger.seenAt.has(key)) ledger.seenAt.set(key, monoMs);
  }

  /** It was shown that the Lease is not as it wrote it. */
  #ousted(ledger: Ledger, lease: unknown): void {
    if (later(versionOf(lease), ledger.ownVersion)) ledger.ousted = true;
  }

  get #exempt(): boolean {
    return this.#now() < this.#exemptUntilMs;
  }

  #broken(invariant: number, what: string): void {
    // From here on two may lead for a while: each has read that it may.
    if (this.#ambiguous) this.exempt();
    else this.violations.push({ invariant, atMs: this.#now(), what });
  }
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
