import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type {
  CandidacyAnswer,
  ElectionControl,
  LoopHealth,
  StepDownOptions,
  StepDownOutcome,
} from '../leadership/control.ts';
import { Leadership, type LeadershipState } from '../leadership/leadership.ts';
import type { CandidateLookup, Candidates } from '../ports/candidates.ts';
import type { Timer, Timers } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import type { Member, MembersAnswer, Membership, MembershipChange } from '../ports/membership.ts';
import { type Api, createApi } from './api.ts';
import type { ServedElection } from './elections.ts';
import { createMetrics } from './metrics.ts';

export const OWN_IDENTITY = 'web-0_6f1c_a1';
export const OTHER_IDENTITY = 'web-1_77aa_b2';
const RENEW_DEADLINE_MS = 10_000;
const DURATION_MS = 15_000;

/** Both clocks and all timers, moved by hand and together. */
export class FakeTime implements Timers {
  monoMs = 1_000;
  readonly #due = new Set<{ readonly atMs: number; readonly callback: () => void }>();

  now() {
    return { monoMs: this.monoMs, wallMs: 1_700_000_000_000 + this.monoMs };
  }

  after(delayMs: number, callback: () => void): Timer {
    const entry = { atMs: this.monoMs + delayMs, callback };
    this.#due.add(entry);
    return { cancel: () => void this.#due.delete(entry) };
  }

  /** Time passes and what is due runs. */
  advance(ms: number): void {
    this.monoMs += ms;
    for (const entry of [...this.#due].filter(({ atMs }) => atMs <= this.monoMs)) {
      this.#due.delete(entry);
      entry.callback();
    }
  }

  get pending(): number {
    return this.#due.size;
  }
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: object;
}

export function recordingLog(): Logger & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: string) => (fields: object, message: string) => void lines.push({ level, message, fields });
  return { lines, fatal: at('fatal'), error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}

/** Remembers what it was asked; answers `outcome`. */
export class StubControl implements ElectionControl {
  paused = false;
  readonly calls: string[] = [];
  outcome: StepDownOutcome | Error = { result: 'released', tookMs: 12 };

  why: CandidacyAnswer['why'] = null;

  candidacy(): CandidacyAnswer {
    return { candidate: this.why === null, why: this.why, priority: 10 };
  }

  async stepDown({ immediate, to }: StepDownOptions): Promise<StepDownOutcome> {
    this.calls.push(`step-down immediate=${immediate}${to === undefined ? '' : ` to=${to}`}`);
    if (this.outcome instanceof Error) throw this.outcome;
    return this.outcome;
  }

  async pause({ immediate }: { readonly immediate: boolean }): Promise<StepDownOutcome> {
    this.calls.push(`pause immediate=${immediate}`);
    this.paused = true;
    if (this.outcome instanceof Error) throw this.outcome;
    return this.outcome;
  }

  standBack(value: boolean): void {
    this.calls.push(`stand-back ${value}`);
  }

  resume(): void {
    this.calls.push('resume');
    this.paused = false;
  }
}

/** Knows the candidates that the test names. */
export class StubCandidates implements Candidates {
  readonly asked: string[] = [];
  answer: CandidateLookup = { ok: true, identity: OTHER_IDENTITY };

  async find(pod: string): Promise<CandidateLookup> {
    this.asked.push(pod);
    return this.answer;
  }
}

/** Members that the test changes. */
export class StubMembership implements Membership {
  readonly listeners = new Set<(change: MembershipChange) => void>();
  members: Member[] = [];

  answer(): MembersAnswer {
    return { members: this.members, watching: true, truncated: false };
  }

  subscribe(listener: (change: MembershipChange) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  tell(change: MembershipChange): void {
    for (const listener of this.listeners) listener(change);
  }
}

/** One election that the test drives. */
export class TestElection implements ServedElection {
  readonly control = new StubControl();
  readonly candidates = new StubCandidates();
  readonly problems = { wedgedBy: null as string | null, unreadyBy: null as string | null };
  readonly health: LoopHealth = { wedged: () => this.problems.wedgedBy, unready: () => this.problems.unreadyBy };
  readonly leadership: Leadership;
  readonly #time: FakeTime;

  constructor(name: string, time: FakeTime) {
    this.#time = time;
    this.leadership = new Leadership({
      identity: OWN_IDENTITY,
      lease: { namespace: 'shop', name },
      timings: {
        leaseDurationMs: DURATION_MS,
        renewDeadlineMs: RENEW_DEADLINE_MS,
        renewIntervalMs: 2_000,
        retryPeriodMs: 2_000,
      },
      clock: time,
    });
  }

  /** This replica leads from now, or has renewed now. */
  lead(fencingToken = '4711'): void {
    const basis = this.#time.now();
    const validity = { basis, validUntilMonoMs: basis.monoMs + RENEW_DEADLINE_MS };
    const tenure = { fencingToken, validity, accepting: true };
    this.leadership.publish({ ...this.#known(OWN_IDENTITY, '10.0.0.1:4042'), tenure });
  }

  /** Another replica leads. */
  follow(reason: string | null = null, identity = OTHER_IDENTITY): void {
    this.leadership.publish({ ...this.#known(identity, '10.0.0.2:4042'), tenure: null }, reason);
  }

  #known(identity: string, address: string | null): Omit<LeadershipState, 'tenure'> {
    return {
      leaseUid: 'uid-1',
      holder: { identity, address, knownUntilMonoMs: this.#time.monoMs + DURATION_MS },
      term: { transitions: 3, acquireTime: '2026-01-02T03:04:05.000000Z' },
    };
  }
}

/** An API on one election that the test drives, and on `further` ones. */
export function fixture(membership: StubMembership | null = new StubMembership(), ...further: string[]) {
  const time = new FakeTime();
  const log = recordingLog();
  const first = new TestElection('web', time);
  const others = further.map((name) => new TestElection(name, time));
  const page = createMetrics({ version: '1.2.3' });
  const metrics = { ...page, ...page.withElection(first.leadership) };
  for (const { leadership } of others) page.withElection(leadership);
  const api: Api = createApi({ elections: [first, ...others], metrics, membership, log, timers: time });
  const { control, candidates, problems: health, leadership } = first;
  return {
    ...{ time, log, control, candidates, health, leadership, metrics, membership, api, others },
    lead: (fencingToken?: string) => first.lead(fencingToken),
    follow: (reason?: string | null, identity?: string) => first.follow(reason, identity),
  };
}
export type Fixture = ReturnType<typeof fixture>;

/** A server on a free port, ended with the test's scope. */
export async function serve(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Sends bytes as they are and reads until the server closes the connection or `enough` has come. */
export async function raw(port: number, bytes: string, enough?: RegExp): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.setEncoding('utf8');
  socket.write(bytes);
  return readUntil(socket, enough);
}

async function readUntil(socket: Socket, enough?: RegExp): Promise<string> {
  let text = '';
  for await (const chunk of socket) {
    text += chunk;
    if (enough?.test(text)) break;
  }
  socket.destroy();
  return text;
}

export interface StreamEvent {
  readonly id: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: the tests look into it freely
  readonly data: any;
}

/** A reader of the event stream, as simple as one can be written. */
export async function openStream(url: string) {
  const abort = new AbortController();
  const response = await fetch(url, { signal: abort.signal });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  /** The next block that ends with an empty line; null at the end of the stream. */
  async function nextBlock(): Promise<string | null> {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end !== -1) {
        const block = text.slice(0, end);
        text = text.slice(end + 2);
        return block;
      }
      const { done, value } = await reader.read();
      if (done) return null;
      text += value;
    }
  }
  async function next(): Promise<StreamEvent> {
    const block = await nextBlock();
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block ?? '')?.[1] ?? '';
    return { id: field('id'), event: field('event'), data: JSON.parse(field('data')) };
  }
  return { response, next, nextBlock, abort: () => abort.abort() };
}
