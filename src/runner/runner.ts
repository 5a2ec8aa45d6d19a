import {
  type CandidacyBar,
  type Challenger,
  candidacyBar,
  type ElectionConfig,
  type ElectionEffect,
  type ElectionEvent,
  type ElectionState,
  effectivePriority,
  initialState,
  type LeaseContent,
  type LeaseRecord,
  nextWake,
  podOfIdentity,
  predecessorTrustedUntilMonoMs,
  type ReleaseResult,
  type Report,
  type RequestOutcome,
  type StopReason,
  standsAtMonoMs,
  step,
  viewOf,
} from '../election/index.ts';
import type {
  CandidacyAnswer,
  ElectionControl,
  LoopHealth,
  StepDownOptions,
  StepDownOutcome,
} from '../leadership/control.ts';
import type { Leadership } from '../leadership/leadership.ts';
import type { Clock, Random, Timer, Timers } from '../ports/clock.ts';
import { type Delay, endableDelay } from '../ports/delay.ts';
import type { Logger } from '../ports/log.ts';
import type { ElectionMetrics } from '../ports/metrics.ts';
import { stopWork } from './stop-work.ts';

/** Reads and writes the election's Lease; implemented by `src/kube`. Every call ends within about its timeout. */
export interface LeasePort {
  read(timeoutMs: number): Promise<RequestOutcome>;
  create(content: LeaseContent, timeoutMs: number): Promise<RequestOutcome>;
  update(base: LeaseRecord, content: LeaseContent, timeoutMs: number): Promise<RequestOutcome>;
  challenge(base: LeaseRecord, challenger: Challenger, timeoutMs: number): Promise<RequestOutcome>;
}

/** Follows the Lease and feeds {@link ElectionRunner.dispatch}; implemented by `src/kube`. */
export interface WatchPort {
  start(): void;
  stop(): void;
  /** It was found to lag behind: begin anew. */
  restart(): void;
}

export interface RunnerOptions {
  readonly election: ElectionConfig;
  readonly leases: LeasePort;
  /** Made by the caller, which wires its handlers to {@link ElectionRunner.dispatch}. */
  readonly watch: (dispatch: (event: ElectionEvent) => void) => WatchPort;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly metrics: ElectionMetrics;
  readonly log: Logger;
  /** Tells the cluster (`became leader`, `stopped leading`); does not wait. */
  readonly announce: (what: string, leaseUid: string | null) => void;
  /** How long work may drain when leadership is given up on purpose. */
  readonly drainMsMax: number;
  /** In a coordinated election: from when on this replica is to be a candidate, told on each change; infinite for never. */
  readonly stands?: (atMonoMs: number) => void;
  /** The loop met a state that can't be: it no longer leads, and the process should end. */
  readonly onFatal: (error: unknown) => void;
}

/** kube-controller-manager's tolerance: how long a loop may be late before only a restart can mend it. */
const WEDGED_TOLERANCE_MS = 20_000;

/** What people are told of the end of a release. */
const RELEASED: Readonly<Record<ReleaseResult, readonly [StepDownOutcome['result'], (log: Logger) => void]>> = {
  freed: ['released', (log) => log.info({ code: 'RELEASED' }, 'the Lease is free for others')],
  taken: ['not-leading', (log) => log.info({ code: 'TAKEN_OVER' }, 'another replica holds the Lease already')],
  kept: [
    'unreleased',
    (log) => log.warn({ code: 'RELEASE_FAILED' }, 'the Lease could not be freed and will expire by itself'),
  ],
};

/** A foreign record may last for longer than timers can count (setTimeout: 24 days); waking for nothing harms nobody. */
const WAKE_DELAY_MS_MAX = 3_600_000;

/**
 * Drives one election: feeds it events, publishes what it decides, then performs its effects. All state is the election's;
 * what is kept here are timers and promises.
 */
export class ElectionRunner implements ElectionControl, LoopHealth {
  readonly #options: RunnerOptions;
  readonly #watch: WatchPort;
  readonly #queue: ElectionEvent[] = [];
  readonly #awaitingRelease: ((result: StepDownOutcome['result']) => void)[] = [];
  readonly #finished: Promise<void>;
  #finish: () => void = () => {};
  #state: ElectionState;
  #timer: Timer | null = null;
  #wakeAtMonoMs: number | null = null;
  #wakeDueMonoMs: number | null = null;
  #answerDueMonoMs: number | null = null;
  #handlingEvents = false;
  #failed = false;
  #seen = false;
  /** Code of the last failed attempt, until one succeeds. */
  #problem: string | null = null;
  #immediate = false;
  /** The process before this one in the same pod gave answers, too, and its application lives on. */
  #predecessorTrustedUntilMonoMs = Number.NEGATIVE_INFINITY;
  #bar: CandidacyBar | null = null;
  #standsAtMonoMs = Number.POSITIVE_INFINITY;
  /** Runs while answers already given are waited for to lapse. */
  #lapse: Delay | null = null;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#state = initialState(options.election);
    this.#watch = options.watch((event) => this.dispatch(event));
    this.#finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** Begins to campaign. */
  start(): void {
    this.#watch.start();
  }

  /**
   * Stops work, frees the Lease if it is held, and ends. Does not wait for answers given to lapse: as a native sidecar this
   * is called after the application has ended. With `keepWatching` it is still known who leads, until {@link end}.
   */
  async stop({ keepWatching = false }: { readonly keepWatching?: boolean } = {}): Promise<void> {
    this.#immediate = true;
    this.#lapse?.end();
    this.dispatch({ kind: 'stop' });
    await this.#finished;
    if (!keepWatching) this.end();
  }

  /** After {@link stop}: nothing more is asked of the API server. */
  end(): void {
    this.#watch.stop();
    this.#timer?.cancel();
  }

  get paused(): boolean {
    return this.#state.desire === 'pause';
  }

  candidacy(): CandidacyAnswer {
    const why = candidacyBar(this.#state);
    return { candidate: why === null, why, priority: effectivePriority(this.#state) };
  }

  async stepDown({ immediate, to }: StepDownOptions): Promise<StepDownOutcome> {
    return this.#giveUp({ kind: 'step-down', ...(to !== undefined && { to }) }, immediate);
  }

  async pause(options: { readonly immediate: boolean }): Promise<StepDownOutcome> {
    const wasPaused = this.paused;
    const outcome = this.#giveUp({ kind: 'pause' }, options.immediate);
    if (!wasPaused && this.paused) this.#options.log.warn({ code: 'PAUSED' }, 'does not campaign until it is resumed');
    return outcome;
  }

  resume(): void {
    const wasPaused = this.paused;
    this.dispatch({ kind: 'resume' });
    if (wasPaused) this.#options.log.info({ code: 'RESUMED' }, 'campaigns again');
  }

  standBack(value: boolean): void {
    if (this.#state.standsBack !== value) this.dispatch({ kind: 'stand-back', value });
  }

  /** The end is near: leads on, if it does, but does not begin to again; nothing takes that back. */
  retire(): void {
    this.dispatch({ kind: 'retire' });
  }

  /**
   * Whether the application is fit to lead: an unfit one does not campaign, and hands over what it leads. `why` is a code for
   * the log (`refused`, `timeout`). `ended`: the application is known to be gone (nothing listens where it did), so that nobody
   * trusts answers given before; otherwise the Lease is freed no sooner than those have lapsed. May be called before `start`,
   * and again with the same: then only `ended` may say something new.
   */
  setEligible(eligible: boolean, why: string, { ended = false }: { readonly ended?: boolean } = {}): void {
    const { tenure, eligible: wasEligible } = this.#state;
    this.#options.metrics.applicationHealthy(eligible);
    this.#options.log.debug(
      { code: 'ELECTION', kind: 'eligible', eligible, why, ended },
      'the application was checked',
    );
    const handsOver = wasEligible || tenure?.handOver != null;
    if (!eligible && ended && handsOver) this.#hurry();
    this.dispatch({ kind: 'eligible', value: eligible });
  }

  wedged(): string | null {
    const { clock, election } = this.#options;
    const nowMonoMs = clock.now().monoMs;
    const { tenure } = this.#state;
    if (this.#failed) return 'the election loop has failed';
    if (tenure !== null) {
      const staleMs = nowMonoMs - tenure.validity.basis.monoMs;
      if (staleMs > election.timings.leaseDurationMs + WEDGED_TOLERANCE_MS) {
        return `leading without a renewal for ${Math.round(staleMs / 1_000)} s`;
      }
    }
    const dueMonoMs = Math.min(this.#wakeDueMonoMs ?? Infinity, this.#answerDueMonoMs ?? Infinity);
    const lateMs = nowMonoMs - dueMonoMs;
    return lateMs > WEDGED_TOLERANCE_MS ? `the election loop is ${Math.round(lateMs / 1_000)} s late` : null;
  }

  unready(): string | null {
    if (this.#seen) return null;
    return `the Lease has not been seen yet${this.#problem === null ? '' : `: ${this.#problem}`}`;
  }

  /** Takes one event. Events that come while another is handled wait for their turn. */
  dispatch(event: ElectionEvent): void {
    if (this.#failed) return;
    this.#queue.push(event);
    if (this.#handlingEvents) return;
    this.#handlingEvents = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#take(next);
      this.#arm();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#handlingEvents = false;
    }
  }

  #take(event: ElectionEvent): void {
    const { leadership, clock } = this.#options;
    const before = this.#state;
    const [state, effects] = step(before, event, clock.now());
    this.#state = state;
    if (state.pending === null) this.#answerDueMonoMs = null;
    if (state.sighting.kind !== 'unknown') this.#seen = true;
    this.#predecessorTrustedUntilMonoMs = Math.max(
      this.#predecessorTrustedUntilMonoMs,
      predecessorTrustedUntilMonoMs(state),
    );
    if (state.unclaimed !== before.unclaimed) this.#unclaimed(state.unclaimed);
    this.#countBar(candidacyBar(state));
    this.#stand(standsAtMonoMs(state));
    const stopping = effects.find((effect) => effect.kind === 'stop-work');
    leadership.publish(viewOf(state), stopping?.reason ?? null);
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: ElectionEffect): void {
    const { leases } = this.#options;
    switch (effect.kind) {
      case 'read':
        return this.#answer(effect, leases.read(effect.timeoutMs));
      case 'create':
        return this.#answer(effect, leases.create(effect.content, effect.timeoutMs));
      case 'update':
        return this.#answer(effect, leases.update(effect.base, effect.content, effect.timeoutMs));
      case 'challenge':
        return this.#challenge(effect);
      case 'started':
        return this.#started(effect.fencingToken);
      case 'stop-work':
        return this.#stopping(effect.graceful, effect.reason);
      case 'released':
        return this.#released(effect.result);
      case 'finished':
        return this.#finish();
      case 'report':
        return this.#report(effect.report);
    }
  }

  #answer(effect: { readonly requestId: number; readonly timeoutMs: number }, outcome: Promise<RequestOutcome>): void {
    this.#answerDueMonoMs = this.#options.clock.now().monoMs + effect.timeoutMs;
    outcome.then(
      (value) => this.dispatch({ kind: 'replied', requestId: effect.requestId, outcome: value }),
      (error: unknown) => this.#fail(error),
    );
  }

  #challenge({ base, challenger, ...effect }: Extract<ElectionEffect, { kind: 'challenge' }>): void {
    const { leases, log } = this.#options;
    const { holder, holderPriority } = base;
    log.info({ code: 'CHALLENGING', holder, holderPriority }, 'asks the holder to give way');
    this.#answer(effect, leases.challenge(base, challenger, effect.timeoutMs));
  }

  #unclaimed(unclaimed: boolean): void {
    const { log, metrics, announce } = this.#options;
    metrics.unclaimed(unclaimed);
    if (!unclaimed) return;
    const why = candidacyBar(this.#state);
    log.warn(
      { code: 'NO_CANDIDATE', why },
      'nobody leads and nobody claims the Lease, nor may this replica: no replica is fit to lead',
    );
    const { sighting } = this.#state;
    announce(`sees no candidate (${why})`, sighting.kind === 'present' ? sighting.record.uid : null);
  }

  #countBar(bar: CandidacyBar | null): void {
    if (bar === this.#bar) return;
    this.#bar = bar;
    this.#options.metrics.candidacy(bar);
  }

  #stand(atMonoMs: number): void {
    if (atMonoMs === this.#standsAtMonoMs) return;
    this.#standsAtMonoMs = atMonoMs;
    this.#options.stands?.(atMonoMs);
  }

  #started(fencingToken: string): void {
    const { metrics, log, announce } = this.#options;
    metrics.started();
    const { transitions } = this.#state.tenure ?? { transitions: null };
    log.info({ code: 'LEADING', fencingToken, transitions }, 'became leader');
    announce('became leader', this.#state.tenure?.leaseUid ?? null);
  }

  #stopping(graceful: boolean, reason: StopReason): void {
    const { metrics, log, announce, leadership, clock, timers, election, drainMsMax } = this.#options;
    metrics.stopped(reason);
    const { successor } = this.#state;
    const fields = { code: 'NOT_LEADING', reason, ...(successor !== null && { to: podOfIdentity(successor) }) };
    if (graceful) log.info(fields, `stopped leading: ${reason}`);
    else {
      log.warn(fields, `lost leadership: ${reason}`);
      // It was lost before it could be given up.
      for (const resolve of this.#awaitingRelease.splice(0)) resolve('not-leading');
    }
    const { sighting } = this.#state;
    const leaseUid = sighting.kind === 'present' ? sighting.record.uid : null;
    const { leaseDurationMs, renewDeadlineMs } = election.timings;
    const untilMonoMs = clock.now().monoMs + (graceful ? drainMsMax : leaseDurationMs - renewDeadlineMs);
    void stopWork(leadership, { graceful, reason, untilMonoMs }, this.#options)
      .then(() => {
        // Someone may still act on an answer that was true when it was given: the next leader must not begin before it lapses.
        const trustedUntilMonoMs = Math.max(leadership.trustedUntilMonoMs(), this.#predecessorTrustedUntilMonoMs);
        const trustedMs = trustedUntilMonoMs - clock.now().monoMs;
        if (!graceful || this.#immediate || trustedMs <= 0) return undefined;
        this.#lapse = endableDelay(trustedMs, timers);
        return this.#lapse.over;
      })
      .then(() => {
        this.#immediate = false;
        this.dispatch({ kind: 'work-stopped' });
        // After the release: it takes the open connection, and the next leader waits for it.
        announce('stopped leading', leaseUid);
      });
  }

  #released(result: ReleaseResult): void {
    const { log } = this.#options;
    const [outcome, say] = RELEASED[result];
    say(log);
    for (const resolve of this.#awaitingRelease.splice(0)) resolve(outcome);
  }

  #report(report: Report): void {
    const { metrics, log } = this.#options;
    switch (report.kind) {
      case 'renewed':
        return metrics.renewed();
      case 'renewal-failed':
        return metrics.renewalFailed(report.code);
      case 'attempt-failed':
        this.#problem = report.code;
        return;
      case 'reachable':
        this.#problem = null;
        return;
      case 'slow-path':
        return metrics.slowPath();
      case 'watch-lagging':
        return this.#watch.restart();
      case 'lost-while-stopping':
        log.warn(
          { code: 'NOT_LEADING', reason: report.reason },
          `lost leadership before it was freed: ${report.reason}`,
        );
        return;
      case 'absent':
        return report.waitMs > 0
          ? log.info(
              { code: 'LEASE_MISSING', waitMs: Math.round(report.waitMs) },
              'the Lease does not exist; it is created after a lease duration, since a holder of a deleted Lease may still be at work (a Lease shipped with the manifests is taken at once)',
            )
          : log.info({ code: 'LEASE_MISSING', waitMs: 0 }, 'the Lease does not exist: it is created');
      default:
        log.debug({ code: 'ELECTION', ...report }, report.kind);
    }
  }

  #giveUp(event: { kind: 'step-down'; to?: string } | { kind: 'pause' }, immediate: boolean): Promise<StepDownOutcome> {
    const { clock } = this.#options;
    const startMonoMs = clock.now().monoMs;
    const outcome = (result: StepDownOutcome['result']): StepDownOutcome => ({
      result,
      tookMs: Math.round(clock.now().monoMs - startMonoMs),
    });
    if (this.#state.tenure === null) {
      this.dispatch(event);
      return Promise.resolve(outcome('not-leading'));
    }
    // Whoever asks again, now vouching for the application, need not wait for what the first one waits for.
    if (immediate) this.#hurry();
    return new Promise((resolve) => {
      this.#awaitingRelease.push((result) => resolve(outcome(result)));
      this.dispatch(event);
    });
  }

  /** What is handed over, or about to be, is not kept until the answers given have lapsed. */
  #hurry(): void {
    if (this.#state.tenure === null) return;
    this.#immediate = true;
    this.#lapse?.end();
  }

  #arm(): void {
    const wake = nextWake(this.#state);
    // Kept while nothing changed: jitter drawn anew at each event could put a wake off again and again.
    if (this.#timer !== null && wake?.atMonoMs === this.#wakeAtMonoMs) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#wakeAtMonoMs = wake?.atMonoMs ?? null;
    this.#wakeDueMonoMs = null;
    if (wake === null) return;
    const { clock, timers, random } = this.#options;
    const nowMonoMs = clock.now().monoMs;
    const dueMonoMs = Math.max(nowMonoMs, wake.atMonoMs) + random() * wake.jitterMsMax;
    this.#wakeDueMonoMs = dueMonoMs;
    this.#timer = timers.after(Math.min(dueMonoMs - nowMonoMs, WAKE_DELAY_MS_MAX), () => {
      this.#timer = null;
      this.dispatch({ kind: 'tick' });
    });
  }

  /** Fails closed: whatever went wrong, this replica does not lead from here on. */
  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#timer?.cancel();
    this.#watch.stop();
    for (const resolve of this.#awaitingRelease.splice(0)) resolve('unreleased');
    this.#finish();
    try {
      this.#options.leadership.publish({ tenure: null, leaseUid: null, holder: null, term: null }, 'failed');
    } finally {
      this.#options.onFatal(error);
    }
  }
}
