import type { KubeRequest } from '../../../src/kube/transport.ts';
import type { WatchEvent } from '../api-server.ts';
import type { Exchange, NetworkObserver } from '../network.ts';
import type { Violation } from '../oracle.ts';
import type { Change, StoredObject } from './server.ts';

/** What the oracle may ask of a process. */
export interface Judged {
  readonly process: string;
  readonly identity: string;
  readonly renewDeadlineMs: number;
  monoMs(): number;
  /** Work may be going on at this moment. */
  acts(): boolean;
  /** The replica would say that it leads, or that work may still drain. */
  claims(): boolean;
}

interface Ledger {
  readonly process: Judged;
  /** Renewals that it sent, by renewTime: when, by its monotonic clock. */
  readonly sentAt: Map<string, number>;
  /** Latest send time of an acknowledged write that names it the holder. */
  acknowledgedFromMonoMs: number;
  /** In the window that began last. */
  requests: number;
  candidateRequests: number;
  windowFromMs: number;
}

/** More than renewals, reads and answers come to with the shortest timings; a storm is far above. */
const REQUESTS_MAX = 200;
/** About its candidate. */
const CANDIDATE_REQUESTS_MAX = 40;
const REQUESTS_WINDOW_MS = 10_000;

/** Judges a coordinated election from outside. Shares no code with what it judges. */
export class CoordinatedOracle implements NetworkObserver {
  readonly violations: Violation[] = [];
  readonly #now: () => number;
  readonly #ledgers = new Map<string, Ledger>();
  grants = 0;
  handOvers = 0;
  #lastToken = 0n;
  /** Since when the Lease asks the same holder to give way. */
  preferredSinceMs: number | null = null;
  #preferred = '';

  constructor(now: () => number) {
    this.#now = now;
  }

  enroll(process: Judged): void {
    this.#ledgers.set(process.process, {
      process,
      sentAt: new Map(),
      acknowledgedFromMonoMs: Number.NEGATIVE_INFINITY,
      requests: 0,
      candidateRequests: 0,
      windowFromMs: 0,
    });
  }

  sent(process: string, request: KubeRequest): void {
    const ledger = this.#ledgers.get(process);
    if (ledger !== undefined) this.#count(ledger, request);
    const spec = (
      request.body as { kind?: unknown; spec?: { renewTime?: unknown; holderIdentity?: unknown } } | undefined
    )?.spec;
    if (ledger === undefined || spec?.holderIdentity !== ledger.process.identity) return;
    const { renewTime } = spec;
    // The first sending counts: what is sent again is not younger.
    if (typeof renewTime === 'string' && !ledger.sentAt.has(renewTime))
      ledger.sentAt.set(renewTime, ledger.process.monoMs());
  }

  exchanged({ process, reply, request }: Exchange): void {
    const ledger = this.#ledgers.get(process);
    if (ledger === undefined || reply === null || reply.status >= 300 || request.path.includes('leasecandidates'))
      return;
    this.#acknowledge(ledger, reply.body as StoredObject | null);
  }

  #count(ledger: Ledger, { path }: KubeRequest): void {
    if (this.#now() - ledger.windowFromMs > REQUESTS_WINDOW_MS) {
      ledger.windowFromMs = this.#now();
      ledger.requests = 0;
      ledger.candidateRequests = 0;
    }
    ledger.requests += 1;
    if (path.includes('/leasecandidates')) ledger.candidateRequests += 1;
    if (ledger.requests > REQUESTS_MAX || ledger.candidateRequests > CANDIDATE_REQUESTS_MAX)
      this.report(13, `${ledger.process.process} sends request after request`);
  }

  watched(_process: string, _event: WatchEvent, _receivedMonoMs: number): void {}

  /** Only an answer acknowledges; that a write was stored is as good when it is read back. */
  #acknowledge(ledger: Ledger, lease: StoredObject | null): void {
    const { holderIdentity, renewTime } = lease?.spec ?? {};
    const sentAt = holderIdentity === ledger.process.identity ? ledger.sentAt.get(String(renewTime)) : undefined;
    if (sentAt === undefined) return;
    ledger.acknowledgedFromMonoMs = Math.max(ledger.acknowledgedFromMonoMs, sentAt);
  }

  wrote({ plural, type, object, writer }: Change): void {
    if (plural !== 'leases') return;
    const { preferredHolder = '', holderIdentity = '' } = type === 'DELETED' ? {} : object.spec;
    const key = preferredHolder === '' ? '' : `${holderIdentity} ${preferredHolder}`;
    if (key !== this.#preferred) this.preferredSinceMs = key === '' ? null : this.#now();
    if (key !== '' && key !== this.#preferred) this.handOvers += 1;
    this.#preferred = key;
    const ours = this.#ledgers.get(writer);
    if (ours !== undefined && holderIdentity !== '' && holderIdentity !== ours.process.identity) {
      this.report(12, `${writer} writes another holder: ${holderIdentity}`);
    }
  }

  started(process: string, token: string | null): void {
    this.grants += 1;
    const value = BigInt(token ?? '0');
    if (value <= this.#lastToken) this.report(5, `${process} got the token ${value} after ${this.#lastToken}`);
    this.#lastToken = value;
  }

  failed(process: string, error: unknown): void {
    this.report(0, `${process}: ${error instanceof Error ? error.message : String(error)}`);
  }

  /** A process has ended properly: nothing of it may be chosen any more. */
  left(identity: string, candidate: StoredObject | null): void {
    if (candidate !== null) this.report(12, `${identity} has ended, and is a candidate still`);
  }

  look(): void {
    const acting: string[] = [];
    for (const { process, acknowledgedFromMonoMs } of this.#ledgers.values()) {
      if (process.acts()) acting.push(process.process);
      if (process.claims() && process.monoMs() > acknowledgedFromMonoMs + process.renewDeadlineMs) {
        this.report(2, `${process.process} leads without a renewal in time`);
      }
    }
    if (acting.length > 1) this.report(1, `act at once: ${acting.join(', ')}`);
  }

  report(invariant: number, what: string): void {
    this.violations.push({ invariant, atMs: Math.round(this.#now()), what });
  }
}
