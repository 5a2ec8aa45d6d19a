import type { Clock, Random, Timer, Timers } from '../ports/clock.ts';
import { endableDelay } from '../ports/delay.ts';
import type { MemberLeases, MemberOutcome } from '../ports/members.ts';
import type { RemovalOutcome } from '../ports/request-failure.ts';
import {
  type HeartbeatConfig,
  type HeartbeatEvent,
  type HeartbeatReport,
  type HeartbeatRequest,
  type HeartbeatState,
  heartbeatDueMonoMs,
  initialHeartbeat,
  stepHeartbeat,
} from './heartbeat.ts';

export interface HeartbeatLoopOptions extends HeartbeatConfig {
  /** Of the own Lease. */
  readonly name: string;
  readonly leases: MemberLeases;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly report: (report: HeartbeatReport) => void;
}

const REQUEST_TIMEOUT_MS_MAX = 10_000;

/** Keeps the own Lease: feeds the heartbeat's steps with time and answers, and performs what they ask for. */
export class HeartbeatLoop {
  readonly #options: HeartbeatLoopOptions;
  readonly #timeoutMs: number;
  readonly #ended = Promise.withResolvers<void>();
  #state: HeartbeatState;
  #timer: Timer | null = null;
  #closed = false;

  constructor(options: HeartbeatLoopOptions) {
    const { identity, durationMs, intervalMs, clock } = options;
    this.#options = options;
    this.#timeoutMs = Math.min(intervalMs, REQUEST_TIMEOUT_MS_MAX);
    this.#state = initialHeartbeat({ identity, durationMs, intervalMs }, clock.now());
  }

  start(): void {
    this.#dispatch({ kind: 'tick' });
  }

  /** Deletes the own Lease. Resolves when that is done, or `limitMs` are over: then it expires by itself. */
  async stop(limitMs: number): Promise<void> {
    this.#dispatch({ kind: 'stop' });
    const limit = endableDelay(limitMs, this.#options.timers);
    await Promise.race([this.#ended.promise, limit.over]);
    limit.end();
    this.#closed = true;
    this.#timer?.cancel();
  }

  #dispatch(event: HeartbeatEvent): void {
    if (this.#closed) return;
    const { clock, timers, random, report } = this.#options;
    this.#timer?.cancel();
    const [state, effects] = stepHeartbeat(this.#state, event, { ...clock.now(), random: random() });
    this.#state = state;
    const dueMonoMs = heartbeatDueMonoMs(state);
    if (dueMonoMs !== Number.POSITIVE_INFINITY) {
      this.#timer = timers.after(dueMonoMs - clock.now().monoMs, () => this.#dispatch({ kind: 'tick' }));
    }
    for (const effect of effects) {
      if (effect.kind === 'report') report(effect.report);
      else void this.#perform(effect).then((outcome) => this.#dispatch({ kind: 'replied', outcome }));
    }
    if (state.phase === 'ended') this.#ended.resolve();
  }

  #perform(request: HeartbeatRequest): Promise<MemberOutcome | RemovalOutcome> {
    const { leases, name } = this.#options;
    switch (request.kind) {
      case 'read':
        return leases.read(name, this.#timeoutMs);
      case 'create':
        return leases.create(name, request.heartbeat, this.#timeoutMs);
      case 'update':
        return leases.update(request.base, request.heartbeat, this.#timeoutMs);
      case 'remove':
        return leases.remove(request.base, this.#timeoutMs);
    }
  }
}
