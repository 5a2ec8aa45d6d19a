import { podOfIdentity } from '../election/identity.ts';
import { clockJumpToleranceMs, type ElectionTimings, type Validity, validForMs } from '../election/timing.ts';
import type { Clock } from '../ports/clock.ts';

/** This replica's own tenure, from the acquiring write to the loss. */
export interface Tenure {
  /** resourceVersion of the acquiring write. */
  readonly fencingToken: string;
  readonly validity: Validity;
  /** False from the moment a hand-over begins: running work may end, new work may not start. */
  readonly accepting: boolean;
}

/** What the election last learnt. Only the runner publishes it; consumers ask {@link Leadership}. */
export interface LeadershipState {
  readonly tenure: Tenure | null;
  readonly leaseUid: string | null;
  /** The holder last seen; `knownUntilMonoMs` is when its record, unchanged, will have expired here. */
  readonly holder: {
    readonly identity: string;
    readonly address: string | null;
    readonly knownUntilMonoMs: number;
  } | null;
  readonly term: { readonly transitions: number; readonly acquireTime: string | null } | null;
}

/** The body of `GET /leader`, of every event and of every notification. */
export interface LeaderAnswer {
  readonly isLeader: boolean;
  readonly identity: string;
  readonly leader: { readonly identity: string; readonly pod: string; readonly address: string | null } | null;
  /** Whole milliseconds for which `isLeader: true` may be trusted, counted from the answer; 0 when not leading. */
  readonly validForMs: number;
  /** resourceVersion of the write that began this replica's tenure; null when not leading. */
  readonly fencingToken: string | null;
  readonly term: { readonly transitions: number; readonly acquireTime: string | null } | null;
  readonly lease: { readonly namespace: string; readonly name: string; readonly uid: string | null };
}

/** One change that consumers are told of, in order. `answer` was true when it was made; its `validForMs` runs on. */
export interface LeadershipChange {
  readonly kind: 'started' | 'stopped' | 'leader-changed';
  readonly answer: LeaderAnswer;
  /** Why leading ended (`stopped` only): a code such as `expired`, `step-down`. */
  readonly reason: string | null;
}

export type LeadershipListener = (change: LeadershipChange) => void;

/**
 * Order in which consumers stop a tenure's work: traffic first, then the application is told, then the cluster. Within one
 * stage hooks run together; a stage begins when the one before it has ended.
 */
export const STOP_STAGES = ['gateway', 'notify', 'publish'] as const;
export type StopStage = (typeof STOP_STAGES)[number];

export interface StopContext {
  /** True when leadership is given up on purpose and still valid (work may drain until `untilMonoMs`); false after a loss. */
  readonly graceful: boolean;
  /** Monotonic time by which the hook must be done; it is not waited for beyond. */
  readonly untilMonoMs: number;
  readonly reason: string;
}
export type StopHook = (context: StopContext) => Promise<void> | void;

export interface LeadershipOptions {
  readonly identity: string;
  readonly lease: { readonly namespace: string; readonly name: string };
  readonly timings: ElectionTimings;
  readonly clock: Clock;
}

const NOTHING_KNOWN: LeadershipState = { tenure: null, leaseUid: null, holder: null, term: null };

/**
 * The one place that says whether this replica leads. Leadership is a deadline: each question is answered from the clock at
 * that moment, so that a process that was stopped or suspended finds out on the first question, not when a timer runs.
 */
export class Leadership {
  readonly identity: string;
  readonly #options: LeadershipOptions;
  readonly #toleranceMs: number;
  readonly #listeners = new Set<LeadershipListener>();
  readonly #renewalListeners = new Set<() => void>();
  readonly #hooks = new Map<StopStage, Set<StopHook>>(STOP_STAGES.map((stage) => [stage, new Set()]));
  #state: LeadershipState = NOTHING_KNOWN;
  #trustedUntilMonoMs = 0;
  /** The other leader that listeners were last told of. */
  #toldLeader: string | null = null;

  constructor(options: LeadershipOptions) {
    this.identity = options.identity;
    this.#options = options;
    this.#toleranceMs = clockJumpToleranceMs(options.timings);
  }

  /** Milliseconds for which this replica leads from now, 0 when it does not. Never more than it was a moment ago. */
  validForMs(): number {
    const { tenure } = this.#state;
    if (tenure === null || !tenure.accepting) return 0;
    return validForMs(tenure.validity, this.#options.clock.now(), this.#toleranceMs);
  }

  isLeader(): boolean {
    return this.validForMs() > 0;
  }

  /**
   * Milliseconds for which work that already runs may go on: like {@link validForMs}, but also while a hand-over drains.
   */
  workValidForMs(): number {
    const { tenure } = this.#state;
    return tenure === null ? 0 : validForMs(tenure.validity, this.#options.clock.now(), this.#toleranceMs);
  }

  /** The token to fence work with, or null when not leading at this moment. */
  fencingToken(): string | null {
    return this.isLeader() ? (this.#state.tenure?.fencingToken ?? null) : null;
  }

  /** The full answer, evaluated now. An asker may trust it for `validForMs`; {@link trustedUntilMonoMs} remembers that. */
  answer(): LeaderAnswer {
    const answer = this.#evaluate();
    const untilMonoMs = this.#options.clock.now().monoMs + answer.validForMs;
    if (answer.isLeader) this.#trustedUntilMonoMs = Math.max(this.#trustedUntilMonoMs, untilMonoMs);
    return answer;
  }

  /** Who is known to lead now, this replica included. Unlike {@link answer}, nobody trusts it for longer than this moment. */
  leader(): LeaderAnswer['leader'] {
    return this.#evaluate().leader;
  }

  /** Which Lease, with its uid where it has been seen. */
  lease(): LeaderAnswer['lease'] {
    const { namespace, name } = this.#options.lease;
    return { namespace, name, uid: this.#state.leaseUid };
  }

  /** Monotonic time until which somebody may still trust an answer that said `isLeader: true`. */
  trustedUntilMonoMs(): number {
    return this.#trustedUntilMonoMs;
  }

  /** Calls `listener` on each change, in order, synchronously. Returns the way to end it. */
  subscribe(listener: LeadershipListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Calls `listener`, synchronously, when a renewal has moved the deadline of a term. Returns the way to end it. */
  onRenewed(listener: () => void): () => void {
    this.#renewalListeners.add(listener);
    return () => void this.#renewalListeners.delete(listener);
  }

  /** Registers work that must stop before leadership is given away. Returns the way to end it. */
  onStop(stage: StopStage, hook: StopHook): () => void {
    const hooks = this.#hooks.get(stage)!;
    hooks.add(hook);
    return () => void hooks.delete(hook);
  }

  /** For the runner: replaces what is known and tells subscribers what changed. `reason` says why a tenure ended. */
  publish(next: LeadershipState, reason: string | null = null): void {
    const before = this.#state;
    this.#state = next;
    const led = before.tenure?.accepting === true;
    const leads = next.tenure?.accepting === true;
    const sameTenure = led && leads && before.tenure?.fencingToken === next.tenure?.fencingToken;
    if (sameTenure && before.tenure?.validity.validUntilMonoMs !== next.tenure?.validity.validUntilMonoMs) {
      for (const listener of [...this.#renewalListeners]) listener();
    }
    if (led && !sameTenure) this.#emit('stopped', reason);
    if (leads && !sameTenure) this.#emit('started', null);
    else if (!leads && !led && this.#toldLeader !== this.#otherLeader()) this.#emit('leader-changed', null);
  }

  /** For the runner: the hooks of one stage. */
  stopHooks(stage: StopStage): readonly StopHook[] {
    return [...this.#hooks.get(stage)!];
  }

  #evaluate(): LeaderAnswer {
    const { identity, clock } = this.#options;
    const { tenure, holder, term } = this.#state;
    const now = clock.now();
    // Rounded down: an answer may promise less than it could, never more.
    const left = tenure?.accepting ? Math.floor(validForMs(tenure.validity, now, this.#toleranceMs)) : 0;
    const leads = left > 0;
    const known = holder !== null && (holder.identity === identity ? leads : now.monoMs < holder.knownUntilMonoMs);
    return {
      isLeader: leads,
      identity,
      leader: known
        ? { identity: holder.identity, pod: podOfIdentity(holder.identity), address: holder.address }
        : null,
      validForMs: left,
      fencingToken: leads ? (tenure?.fencingToken ?? null) : null,
      term,
      lease: this.lease(),
    };
  }

  /** Who else is known to lead now. This replica's own name in the Lease is no news: `started` and `stopped` speak of it. */
  #otherLeader(): string | null {
    const { leader } = this.#evaluate();
    return leader === null || leader.identity === this.identity ? null : leader.identity;
  }

  #emit(kind: LeadershipChange['kind'], reason: string | null): void {
    this.#toldLeader = this.#otherLeader();
    const change: LeadershipChange = { kind, answer: this.#evaluate(), reason };
    for (const listener of [...this.#listeners]) listener(change);
  }
}
