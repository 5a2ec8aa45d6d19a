import type { ChildProcess } from 'node:child_process';
import type { LeadershipEvent } from '../../api/event-sources.ts';
import type { LeaderAnswer } from '../../leadership/leadership.ts';
import { ReplicaApi } from './replica-api.ts';
import { type LogLine, type PodSpec, startReplica } from './replica-process.ts';
import { POLL_INTERVAL_MS } from './timings.ts';
import type { ReplicaState } from './view.ts';

/** What became known of a replica. `atMs` is monotonic. */
export type ReplicaNews =
  | { readonly kind: 'listening' }
  | { readonly kind: 'leads'; readonly token: string; readonly atMs: number }
  /** `lateMs`: for so long it may not have led any more, by its own last promise; 0 when that still stood. */
  | { readonly kind: 'stopped'; readonly reason: string | null; readonly lateMs: number }
  /** The first answer after it was frozen. */
  | { readonly kind: 'woke'; readonly isLeader: boolean }
  /** `asked`: we ended it. */
  | {
      readonly kind: 'ended';
      readonly how: string;
      readonly asked: boolean;
      /** It had told that it leads. */
      readonly led: boolean;
      readonly lastWords: string;
    }
  | { readonly kind: 'warned'; readonly text: string };

/** An answer of `/leader`, and between which moments it was made. */
export interface TimedAnswer {
  readonly answer: LeaderAnswer;
  /** Null for an event, which was not asked for. */
  readonly sentMs: number | null;
  readonly receivedMs: number;
}

export interface ReplicaHandlers {
  news(news: ReplicaNews): void;
  answered(timed: TimedAnswer): void;
}

const POLL_TIMEOUT_MS = 500;
/** Without an answer for so long it is shown as not answering. */
const SILENT_MS = 1_000;
const STEP_DOWN_TIMEOUT_MS = 5_000;
/** pino's level of a warning. */
const LEVEL_WARN = 40;

/**
 * One pod of the demo: a process, and what it says of itself. The pod outlives its processes, as a pod's restarted
 * container does: name, uid, token and address stay.
 */
export class Replica {
  readonly pod: PodSpec;
  readonly #script: string;
  readonly #handlers: ReplicaHandlers;
  #child: ChildProcess | null = null;
  #api: ReplicaApi | null = null;
  #port = 0;
  #ended: string | null = null;
  #askedToEnd = false;
  #frozen = false;
  #waking = false;
  #leadingToken: string | null = null;
  #latest: TimedAnswer | null = null;
  /** End of what the last answer promised that said that it leads. */
  #promisedUntilMs = 0;
  #lastEventMs = 0;

  constructor(script: string, pod: PodSpec, handlers: ReplicaHandlers) {
    this.pod = pod;
    this.#script = script;
    this.#handlers = handlers;
  }

  get name(): string {
    return this.pod.name;
  }

  get pid(): number | null {
    return this.running ? (this.#child?.pid ?? null) : null;
  }

  get url(): string | null {
    return this.#api?.url ?? null;
  }

  get running(): boolean {
    return this.#child !== null && this.#ended === null;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  /** Token of the tenure that it told of and has not told the end of; null when there is none. */
  get leadingToken(): string | null {
    return this.running ? this.#leadingToken : null;
  }

  get state(): ReplicaState {
    if (this.#ended !== null) return { kind: 'ended', how: this.#ended };
    if (this.#frozen) return { kind: 'frozen' };
    if (this.#latest === null) return { kind: 'starting' };
    if (performance.now() - this.#latest.receivedMs > SILENT_MS) return { kind: 'silent' };
    return { kind: this.validForMs() > 0 ? 'leader' : 'standby' };
  }

  /** What is left of the last answer's promise to lead; runs on while the process is frozen, as its own deadline does. */
  validForMs(): number {
    if (!this.running || !this.#latest?.answer.isLeader) return 0;
    return Math.max(0, this.#promisedUntilMs - performance.now());
  }

  /** Starts a process, also after the last one has ended. */
  start(): void {
    if (this.running) return;
    this.#ended = null;
    this.#askedToEnd = false;
    this.#frozen = false;
    this.#waking = false;
    this.#latest = null;
    const child = startReplica(this.#script, this.pod, this.#port, {
      started: (url) => child === this.#child && this.#listening(url),
      logged: (line) => child === this.#child && this.#logged(line),
      ended: (code, signal, lastWords) => child === this.#child && this.#gone(code, signal, lastWords),
    });
    this.#child = child;
  }

  kill(): void {
    this.#askedToEnd = true;
    this.#child?.kill('SIGKILL');
  }

  terminate(): void {
    this.#askedToEnd = true;
    this.#child?.kill('SIGTERM');
  }

  freeze(): void {
    this.#frozen = true;
    this.#child?.kill('SIGSTOP');
  }

  continue(): void {
    this.#frozen = false;
    this.#waking = true;
    this.#child?.kill('SIGCONT');
  }

  /** Asks it to give up leading, and resolves to what it says. */
  async stepDown(): Promise<string> {
    return (await this.#api?.stepDown(STEP_DOWN_TIMEOUT_MS)) ?? '';
  }

  /** Ends the process, stopped or not, without any farewell. */
  destroy(): void {
    this.#api?.close();
    this.kill();
  }

  /** Resolves when there is no process. */
  gone(): Promise<void> {
    const child = this.#child;
    if (child === null || !this.running) return Promise.resolve();
    return new Promise((resolve) => void child.once('exit', () => resolve()));
  }

  #listening(url: string): void {
    // Kept for the pod's next process, so that a page that shows it stays where it is.
    this.#port = Number(new URL(url).port);
    const api = new ReplicaApi(url);
    this.#api = api;
    this.#handlers.news({ kind: 'listening' });
    api.follow((event) => api === this.#api && this.#heard(event));
    void this.#poll(api);
  }

  #heard(event: LeadershipEvent): void {
    const receivedMs = performance.now();
    this.#lastEventMs = receivedMs;
    const token = event.isLeader ? event.fencingToken : null;
    if (this.#leadingToken !== null && token !== this.#leadingToken) {
      this.#leadingToken = null;
      const lateMs = Math.max(0, receivedMs - this.#promisedUntilMs);
      this.#handlers.news({ kind: 'stopped', reason: event.reason, lateMs });
    }
    this.#answered({ answer: event, sentMs: null, receivedMs });
    if (token !== null && token !== this.#leadingToken) {
      this.#leadingToken = token;
      this.#handlers.news({ kind: 'leads', token, atMs: receivedMs });
    }
  }

  async #poll(api: ReplicaApi): Promise<void> {
    while (api === this.#api) {
      const sentMs = performance.now();
      const answer = await api.leader(POLL_TIMEOUT_MS).catch(() => null);
      if (api !== this.#api) return;
      // An event may overtake an older answer, which is no news then.
      if (answer !== null && sentMs >= this.#lastEventMs) {
        this.#answered({ answer, sentMs, receivedMs: performance.now() });
        if (this.#waking && !this.#frozen) {
          this.#waking = false;
          this.#handlers.news({ kind: 'woke', isLeader: answer.isLeader });
        }
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS).unref());
    }
  }

  #answered(timed: TimedAnswer): void {
    this.#latest = timed;
    const { answer, sentMs, receivedMs } = timed;
    if (answer.isLeader) this.#promisedUntilMs = (sentMs ?? receivedMs) + answer.validForMs;
    this.#handlers.answered(timed);
  }

  #logged({ level, code, msg }: LogLine): void {
    // The loss of leadership is told by an event already.
    if (level >= LEVEL_WARN && code !== 'NOT_LEADING')
      this.#handlers.news({ kind: 'warned', text: code === undefined ? msg : `${code} ${msg}` });
  }

  #gone(code: number | null, signal: NodeJS.Signals | null, lastWords: string): void {
    if (this.#ended !== null) return;
    const how = signal !== null ? `killed (${signal})` : code === null ? 'not started' : `ended (exit ${code})`;
    this.#ended = how;
    this.#frozen = false;
    this.#api?.close();
    this.#api = null;
    const led = this.#leadingToken !== null;
    this.#leadingToken = null;
    // Somebody else may have got its address meanwhile.
    if (code !== 0 && lastWords.includes('LISTEN_FAILED')) this.#port = 0;
    this.#handlers.news({ kind: 'ended', how, asked: this.#askedToEnd, led, lastWords });
  }
}
