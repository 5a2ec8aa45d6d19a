import type { Leadership, StopContext } from '../leadership/leadership.ts';
import type { Clock, Random, Timer, Timers } from '../ports/clock.ts';
import { endableDelay } from '../ports/delay.ts';
import type { PublisherName } from '../ports/publish-metrics.ts';
import type { Watching } from '../ports/publisher.ts';
import type { PublishReporter } from './reporter.ts';
import type { Findings, Target, Turn } from './target.ts';

export interface PublisherOptions {
  readonly target: Target;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly reporter: PublishReporter;
  /** Time between two looks of a leader at what is published, whatever the watch told. */
  readonly resyncMs: number;
}

const REQUEST_TIMEOUT_MS = 2_000;
/** How long the end of a term waits to be published. A next leader does not depend on it: it clears what it finds. */
const UNDO_MS_MAX = 1_500;
/** Fresh readings are tried so often in a row when others write at the same time. */
const CONFLICTS_MAX = 5;
const RETRY_MS_MIN = 200;
const RETRY_MS_MAX = 10_000;
/** Whoever else insists on another state is not raced. */
const REASSERT_INTERVAL_MS = 1_000;

/**
 * Keeps what the cluster says in step with this replica's leadership: at once when that changes, again after failures as long
 * as it is wanted, and, while this replica leads, when somebody else changes it. A standby whose state is published asks
 * nothing more: the leader's watch is on the others' objects, too. Nothing that happens here is waited for by the election,
 * but the end of a term, for a bounded time.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #ends: (() => void)[] = [];
  #pass = 0;
  #busy = false;
  /** Something was disturbed while a pass was under way. */
  #again = false;
  #failures = 0;
  /** What has been as it should be since leadership changed. */
  readonly #inEffect = new Set<PublisherName>();
  #changedAtMonoMs = 0;
  #passedAtMonoMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;
  #dueMonoMs = Number.POSITIVE_INFINITY;
  #watching: Watching | null = null;
  #onSettled: (() => void)[] = [];

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Publishes what this replica is, a standby most likely, and follows its leadership from there on. */
  start(): void {
    const { leadership, target } = this.#options;
    const note = (pod: string | undefined) => void (pod !== undefined && target.sawLeader(pod));
    note(leadership.leader()?.pod);
    this.#ends.push(
      leadership.subscribe(({ kind, answer }) => {
        if (!answer.isLeader) note(answer.leader?.pod);
        if (kind === 'started') this.#change();
        // What is to be undone waits for the stage that it belongs to, and is not put right before.
        else if (kind === 'stopped') this.#rest();
      }),
      leadership.onStop('publish', (context) => this.#undo(context)),
    );
    this.#change();
  }

  /** Ends it: nothing is asked any more. What is published stays. */
  close(): void {
    for (const end of this.#ends.splice(0)) end();
    this.#pass += 1;
    this.#rest();
    this.#settle();
  }

  async #undo({ untilMonoMs }: StopContext): Promise<void> {
    const { clock, timers } = this.#options;
    const settled = new Promise<void>((resolve) => this.#onSettled.push(resolve));
    this.#change();
    const limit = endableDelay(Math.min(UNDO_MS_MAX, untilMonoMs - clock.now().monoMs), timers);
    await Promise.race([settled, limit.over]);
    limit.end();
  }

  #rest(): void {
    this.#cancelTimer();
    this.#watching?.close();
    this.#watching = null;
  }

  #change(): void {
    const { target, reporter, clock } = this.#options;
    this.#rest();
    this.#changedAtMonoMs = clock.now().monoMs;
    this.#failures = 0;
    this.#inEffect.clear();
    for (const publisher of target.publishers) reporter.pending(publisher);
    void this.#run();
  }

  /** Now, or when the pass under way is over; not more often than once in a while. */
  #disturbed(): void {
    if (this.#busy) {
      this.#again = true;
      return;
    }
    const nowMonoMs = this.#options.clock.now().monoMs;
    const dueMonoMs = Math.max(nowMonoMs, this.#passedAtMonoMs + REASSERT_INTERVAL_MS);
    if (dueMonoMs < this.#dueMonoMs) this.#later(dueMonoMs - nowMonoMs);
  }

  #later(delayMs: number): void {
    const { clock, timers } = this.#options;
    this.#cancelTimer();
    this.#dueMonoMs = clock.now().monoMs + delayMs;
    this.#timer = timers.after(delayMs, () => void this.#run());
  }

  #cancelTimer(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#dueMonoMs = Number.POSITIVE_INFINITY;
  }

  async #run(): Promise<void> {
    const { target, reporter, clock } = this.#options;
    this.#pass += 1;
    const pass = this.#pass;
    this.#busy = true;
    this.#again = false;
    this.#cancelTimer();
    const turn = this.#turn(pass);
    let token = turn.token();
    let findings = await target.pass(turn);
    for (let tries = 1; pass === this.#pass && tries < CONFLICTS_MAX && needsFreshReadings(findings); tries += 1) {
      for (const [publisher, { failure }] of findings) if (failure !== null) reporter.count(publisher, failure);
      token = turn.token();
      findings = await target.pass(turn);
    }
    if (pass !== this.#pass) return;
    this.#busy = false;
    this.#passedAtMonoMs = clock.now().monoMs;
    // A term that ended in the middle of it leaves nothing that could be told of.
    if (turn.token() !== token) findings = new Map();
    this.#report(findings, token);
    this.#next(findings);
  }

  #report(findings: Findings, token: string | null): void {
    const { reporter, clock } = this.#options;
    for (const [publisher, { failure, wrote }] of findings) {
      reporter.note(publisher, 'write', failure);
      if (failure !== null) continue;
      if (wrote && this.#inEffect.has(publisher)) reporter.reasserted(publisher);
      this.#inEffect.add(publisher);
      reporter.published(publisher, token, clock.now().monoMs - this.#changedAtMonoMs);
    }
  }

  /** When to look again, if at all. */
  #next(findings: Findings): void {
    const { target, leadership, random, resyncMs } = this.#options;
    const leads = leadership.isLeader();
    const failures = [...findings.values()].flatMap(({ failure }) => failure ?? []);
    const passing = failures.filter(({ again }) => again !== 'change');
    const settled = passing.length === 0 && findings.size === target.publishers.length;
    if (settled || passing.every(({ answered }) => answered)) this.#settle();
    this.#failures = settled ? 0 : this.#failures + 1;
    if (leads) this.#watch();
    if (!settled) {
      const backoffMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** (this.#failures - 1)) * (0.75 + random() / 2);
      const retryAfterMs = Math.max(0, ...passing.map((failure) => failure.retryAfterMs ?? 0));
      this.#later(Math.max(backoffMs, retryAfterMs));
    } else if (this.#again) this.#disturbed();
    else if (leads) this.#later(resyncMs);
  }

  #watch(): void {
    const { target, reporter } = this.#options;
    this.#watching ??= target.watch(() => this.#turn(this.#pass), {
      disturbed: () => this.#disturbed(),
      trouble: (failure) => reporter.note(target.publishers[0]!, 'watch', failure),
    });
  }

  #settle(): void {
    for (const resolve of this.#onSettled.splice(0)) resolve();
  }

  #turn(pass: number): Turn {
    const { leadership, clock } = this.#options;
    return {
      overtaken: () => pass !== this.#pass,
      token: () => leadership.fencingToken(),
      timeoutMs: REQUEST_TIMEOUT_MS,
      wallMs: clock.now().wallMs,
    };
  }
}

/** Nothing is wrong but that others wrote at the same time. */
function needsFreshReadings(findings: Findings): boolean {
  const failures = [...findings.values()].flatMap(({ failure }) => failure ?? []);
  return failures.length > 0 && failures.every(({ again }) => again === 'now');
}
