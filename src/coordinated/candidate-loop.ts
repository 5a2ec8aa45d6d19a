import type { Clock, Random, Timer, Timers } from '../ports/clock.ts';
import { endableDelay } from '../ports/delay.ts';
import type { CandidateOutcome, CandidateStore } from '../ports/lease-candidates.ts';
import type { Watching } from '../ports/publisher.ts';
import type { RemovalOutcome } from '../ports/request-failure.ts';
import {
  type CandidateEvent,
  type CandidateReport,
  type CandidateRequest,
  candidateDueMonoMs,
  INITIAL_CANDIDATE,
  isSettled,
  stepCandidate,
} from './candidate.ts';

export interface CandidateLoopOptions {
  readonly store: CandidateStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly report: (report: CandidateReport) => void;
}

/** The API server waits 5 s for an answer: one that hangs leaves time for another. */
const REQUEST_TIMEOUT_MS = 2_000;

/**
 * The API server prefers the candidate that was created first, by whole seconds, and among those of one second now this one, now
 * that one, with a hand-over each time: so replicas that start together are not to be created together.
 */
const FIRST_DELAY_MS_MAX = 3_000;

/** Keeps the own candidate: feeds its steps with time, answers and what the watch tells, and performs what they ask for. */
export class CandidateLoop {
  readonly #options: CandidateLoopOptions;
  #state = INITIAL_CANDIDATE;
  #watching: Watching | null = null;
  #timer: Timer | null = null;
  #closed = false;
  /** Drawn when it is to stand for the first time. */
  #firstAtMonoMs: number | null = null;
  readonly #waiting = new Set<() => void>();

  constructor(options: CandidateLoopOptions) {
    this.#options = options;
  }

  /** From when on it is to stand, the first time up to 3 s later; infinite: it is withdrawn, if it stands. */
  stand(atMonoMs: number): void {
    if (atMonoMs !== Number.POSITIVE_INFINITY && !this.#closed) {
      const { clock, random } = this.#options;
      this.#watch();
      this.#firstAtMonoMs ??= clock.now().monoMs + random() * FIRST_DELAY_MS_MAX;
    }
    this.#dispatch({ kind: 'stand', atMonoMs: Math.max(atMonoMs, this.#firstAtMonoMs ?? atMonoMs) });
  }

  /** Whether it is stored, as far as is known, and nothing is wrong with it. */
  get stands(): boolean {
    return this.#state.standing && !this.#state.failing;
  }

  /** Resolves when it is not stored, unless it is wanted, and no later than in `limitMs`. */
  async settled(limitMs: number): Promise<void> {
    const { clock, timers } = this.#options;
    if (isSettled(this.#state, clock.now())) return;
    const limit = endableDelay(limitMs, timers);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    await Promise.race([promise, limit.over]);
    this.#waiting.delete(resolve);
    limit.end();
  }

  /** Deletes it. Resolves when that is done, or `limitMs` are over: then it is forgotten after half an hour. */
  async stop(limitMs: number): Promise<void> {
    this.#dispatch({ kind: 'stop' });
    await this.settled(limitMs);
    this.#closed = true;
    this.#timer?.cancel();
    this.#watching?.close();
  }

  #watch(): void {
    this.#watching ??= this.#options.store.watch({
      seen: (candidate) => this.#dispatch({ kind: 'seen', candidate }),
      missed: () => this.#dispatch({ kind: 'missed' }),
      watching: (_up, failure) => {
        if (failure !== null) this.#options.report({ kind: 'failing', code: failure.code, message: failure.message });
      },
    });
  }

  #dispatch(event: CandidateEvent): void {
    if (this.#closed) return;
    const { clock, timers, report } = this.#options;
    this.#timer?.cancel();
    const [state, effects] = stepCandidate(this.#state, event, clock.now());
    this.#state = state;
    const dueMonoMs = candidateDueMonoMs(state, clock.now());
    if (dueMonoMs !== Number.POSITIVE_INFINITY) {
      this.#timer = timers.after(dueMonoMs - clock.now().monoMs, () => this.#dispatch({ kind: 'tick' }));
    }
    for (const effect of effects) {
      if (effect.kind === 'report') report(effect.report);
      else void this.#perform(effect).then((outcome) => this.#dispatch({ kind: 'replied', outcome }));
    }
    if (isSettled(state, clock.now())) for (const resolve of [...this.#waiting]) resolve();
  }

  #perform(request: CandidateRequest): Promise<CandidateOutcome | RemovalOutcome> {
    const { store } = this.#options;
    switch (request.kind) {
      case 'read':
        return store.read(REQUEST_TIMEOUT_MS);
      case 'create':
        return store.create(request.renewTime, REQUEST_TIMEOUT_MS);
      case 'renew':
        return store.renew(request.base, request.renewTime, REQUEST_TIMEOUT_MS);
      case 'remove':
        return store.remove(request.base, REQUEST_TIMEOUT_MS);
    }
  }
}
