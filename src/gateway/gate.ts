import type { Leadership } from '../leadership/leadership.ts';
import type { Clock, Timer, Timers } from '../ports/clock.ts';
import { delay, endableDelay } from '../ports/delay.ts';
import { OutwardPasses } from './outward-passes.ts';
import { Roster } from './roster.ts';

/** Work that goes through the gateway, to the local application or to another replica: a request, a tunnel or a connection. */
export interface Passage {
  /** Ends it at once, on both sides. Called at most once, and never after `leave()`. */
  cut(): void;
}

/** A passage's right to go on; to be asked again before each write, in either direction. */
export interface Pass {
  /** Of the term under which it was let in; null for what goes to another replica, whose gate says it. */
  readonly fencingToken: string | null;
  /** Whether its term still stands: evaluated from the clocks at this moment, when it is this replica's own. When it does not, the passage is cut. */
  open(): boolean;
  /** The same, to be asked before the first byte: nothing begins at a replica that is known to lead no more. */
  begins(): boolean;
  /** What was let in goes on as something else, which is what is cut then. */
  goOnAs(passage: Passage): void;
  /** The passage has ended by itself. */
  leave(): void;
}

/** Whoever else leads, and where its peer listener is: null when it told no address (a client-go elector). */
export interface LeaderPlace {
  readonly identity: string;
  readonly pod: string;
  readonly address: string | null;
}

export interface GateOptions {
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly timers: Timers;
  /** How long running work may go on when leadership is handed over, in milliseconds. */
  readonly drainMs: number;
  /** Told of each cut: how many passages, and whether the term was `lost` or had its time to drain. */
  readonly onCut?: (passages: number, why: 'lost' | 'drained-too-long') => void;
}

/** What an application may take to notice that its connections were cut, before another one is given work. */
const NOTICE_MS = 100;

/**
 * Lets work through to the local application while this replica leads, and not a moment longer. Nothing here believes a flag:
 * each question is answered from the deadline, so that a process that was stopped lets nothing pass when it goes on.
 */
export class Gate {
  readonly #leadership: Leadership;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #drainMs: number;
  readonly #onCut: NonNullable<GateOptions['onCut']>;
  readonly #passes = new Roster<Admission>();
  readonly #outward: OutwardPasses;
  readonly #waiters = new Set<() => void>();
  #deadline: Timer | null = null;
  #drained: (() => void) | null = null;

  constructor({ leadership, clock, timers, drainMs, onCut = () => {} }: GateOptions) {
    this.#leadership = leadership;
    this.#clock = clock;
    this.#timers = timers;
    this.#drainMs = drainMs;
    this.#onCut = onCut;
    this.#outward = new OutwardPasses(timers);
    leadership.onStop('gateway', ({ graceful, untilMonoMs }) => (graceful ? this.#drain(untilMonoMs) : this.cutAll()));
    leadership.subscribe(({ kind }) => {
      // Either nothing may go on, or all that runs belongs to a term that another one has replaced.
      if (kind === 'stopped' && (leadership.workValidForMs() === 0 || leadership.isLeader())) this.cutAll();
      const leader = leadership.leader();
      if (leader !== null) this.#outward.succeeded(leader.identity);
      for (const wake of [...this.#waiters]) wake();
    });
  }

  /** Passages at this moment. */
  get size(): number {
    return this.#passes.size;
  }

  /** Lets a passage in while this replica leads; null otherwise. */
  enter(passage: Passage): Pass | null {
    const fencingToken = this.#leadership.fencingToken();
    if (fencingToken === null) return null;
    const pass = new Admission(this, passage, fencingToken);
    this.#passes.add(pass);
    if (this.#deadline === null) this.#watchDeadline();
    return pass;
  }

  /** Lets a passage through to another replica. It is cut soon after anybody else is known to lead. */
  enterElsewhere(passage: Passage, { identity }: LeaderPlace): Pass {
    return this.#outward.enter(passage, identity);
  }

  /** Who else leads now; null when nobody is known to, or this replica does. */
  leaderElsewhere(): LeaderPlace | null {
    const leader = this.#leadership.leader();
    return leader === null || leader.identity === this.#leadership.identity ? null : leader;
  }

  /** Resolves at the next change of leadership, or after `waitMs`, or when `signal` aborts. */
  async changed(waitMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const limit = endableDelay(waitMs, this.#timers);
    this.#waiters.add(limit.end);
    signal.addEventListener('abort', limit.end, { once: true });
    await limit.over;
    signal.removeEventListener('abort', limit.end);
    this.#waiters.delete(limit.end);
  }

  /** Ends all passages at once. */
  cutAll(why: 'lost' | 'drained-too-long' = 'lost'): void {
    const { size } = this.#passes;
    if (size === 0) return;
    for (const pass of this.#passes.all()) this.cut(pass);
    this.#onCut(size, why);
  }

  /** Running work ends by itself, or is cut when its time is over. Others may lead as soon as this resolves. */
  async #drain(untilMonoMs: number): Promise<void> {
    if (this.#passes.size === 0) return;
    const leftMs = untilMonoMs - this.#clock.now().monoMs;
    const limit = endableDelay(Math.min(this.#drainMs, leftMs - NOTICE_MS), this.#timers);
    this.#drained = limit.end;
    await limit.over;
    this.#drained = null;
    if (this.#passes.size === 0) return;
    this.cutAll('drained-too-long');
    await delay(NOTICE_MS, this.#timers);
  }

  /** One timer for all: a passage that sends nothing must end with its term, too. */
  #watchDeadline(): void {
    this.#deadline?.cancel();
    this.#deadline = null;
    if (this.#passes.size === 0) return;
    const leftMs = this.#leadership.workValidForMs();
    if (leftMs > 0) this.#deadline = this.#timers.after(leftMs, () => this.#watchDeadline());
    else this.cutAll();
  }

  /** For passes: whether work may go on. */
  valid(): boolean {
    return this.#leadership.workValidForMs() > 0;
  }

  /** For passes. */
  cut(pass: Admission): void {
    if (this.forget(pass)) pass.passage.cut();
  }

  /** For passes: false when it was over already. */
  forget(pass: Admission): boolean {
    if (!this.#passes.remove(pass)) return false;
    if (this.#passes.size === 0) this.#drained?.();
    return true;
  }
}

class Admission implements Pass {
  readonly #gate: Gate;
  passage: Passage;
  readonly fencingToken: string;
  /** For its {@link Roster}. */
  place = -1;

  constructor(gate: Gate, passage: Passage, fencingToken: string) {
    this.#gate = gate;
    this.passage = passage;
    this.fencingToken = fencingToken;
  }

  open(): boolean {
    if (this.place !== -1 && this.#gate.valid()) return true;
    this.#gate.cut(this);
    return false;
  }

  begins(): boolean {
    return this.open();
  }

  goOnAs(passage: Passage): void {
    this.passage = passage;
  }

  leave(): void {
    this.#gate.forget(this);
  }
}
