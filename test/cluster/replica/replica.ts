import { monoMs, monoOfWall } from './clock.ts';
import { type Answer, type Claimant, type Grant, windowsOf } from './history.ts';
import { LineProcess } from './line-process.ts';
import { LocalApi } from './local-api.ts';
import { until } from './until.ts';

/** The election's timings, as the options take them: `15s`, `500ms`. */
export interface Timings {
  readonly leaseDuration: string;
  readonly renewDeadline: string;
  readonly retryPeriod: string;
}

/** What every Kubernetes component uses, and Leasegate's defaults. */
export const STANDARD: Timings = { leaseDuration: '15s', renewDeadline: '10s', retryPeriod: '2s' };
/**
 * The same rules on a third of the time: all that decides is a ratio of these to each other, or a latency that does not
 * depend on them. The safety margin is 2 s instead of 5 s, and so harder to keep.
 */
export const BRISK: Timings = { leaseDuration: '5s', renewDeadline: '3s', retryPeriod: '500ms' };

export interface ReplicaOptions {
  /** Program and leading arguments, up to the subcommand. */
  readonly command: readonly string[];
  /** For humans, and in the history: unique per process, though a restarted pod keeps its `podName`. */
  readonly name: string;
  readonly podName: string;
  readonly podUid: string;
  readonly kubeconfig: string;
  readonly namespace: string;
  /** Its histories are those of the first. None: its options name the Lease in another way. */
  readonly leaseNames: readonly string[];
  readonly timings: Timings;
  /** Time between two questions to `/leader`. */
  readonly askEveryMs: number;
  /** `address:port`. Default: any port of 127.0.0.1. */
  readonly probeListen?: string | undefined;
  /** Beside what it needs. */
  readonly env: NodeJS.ProcessEnv;
  /** Beside what it needs. */
  readonly args: readonly string[];
  /** Its log is timed by the receipt of its lines, rather than by what they say. */
  readonly ownWallClock: boolean;
}

/** One line of its log. */
export interface LogLine {
  /** By the monotonic clock; whole milliseconds, rounded down. */
  readonly atMs: number;
  readonly level: number;
  readonly code?: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A question that was not answered: `ECONNREFUSED` when nobody listened, otherwise nobody knows what it would have been. */
export interface Unanswered {
  readonly sentMs: number;
  readonly failedMs: number;
  /** Node's code of the error. */
  readonly error: string;
}

/** One of `/leader/events`, when it was received. */
export interface LeadershipEvent {
  readonly atMs: number;
  readonly change: 'snapshot' | 'started' | 'stopped' | 'leader-changed';
  readonly reason: string | null;
  readonly isLeader: boolean;
  readonly fencingToken: string | null;
}

/** A Leasegate process, with everything that it said. */
export class Replica extends LineProcess {
  readonly name: string;
  readonly podName: string;
  readonly podUid: string;
  readonly log: LogLine[] = [];
  readonly answers: Answer[] = [];
  readonly unanswered: Unanswered[] = [];
  /** When the question was sent that is still open. */
  askingSinceMs: number | null = null;
  readonly events: LeadershipEvent[] = [];
  /** Resolves to its local API once it listens. */
  readonly listening: Promise<LocalApi>;
  /** The API once it listens; throws before. */
  #api: LocalApi | undefined;
  readonly #leaseName: string;
  readonly #ownWallClock: boolean;

  constructor(options: ReplicaOptions) {
    const { command, namespace, leaseNames, timings } = options;
    super({
      command: command[0]!,
      args: [
        ...command.slice(1),
        'run',
        ...(leaseNames.length === 0 ? [] : ['--lease-name', leaseNames.join()]),
        ...['--namespace', namespace],
        ...['--lease-duration', timings.leaseDuration, '--renew-deadline', timings.renewDeadline],
        ...['--retry-period', timings.retryPeriod],
        ...['--api-listen', '127.0.0.1:0', '--probe-listen', options.probeListen ?? '127.0.0.1:0'],
        ...options.args,
      ],
      env: {
        PATH: process.env.PATH,
        KUBECONFIG: options.kubeconfig,
        POD_NAME: options.podName,
        POD_UID: options.podUid,
        POD_IP: '192.0.2.1',
        ...options.env,
      },
      onLine: (line) => this.#take(line),
    });
    this.#leaseName = leaseNames[0] ?? '';
    this.#ownWallClock = options.ownWallClock;
    this.name = options.name;
    this.podName = options.podName;
    this.podUid = options.podUid;
    this.listening = this.#listen(options.askEveryMs);
    // A process that ends before it listens is some tests' subject.
    this.listening.catch(() => {});
  }

  get api(): LocalApi {
    if (this.#api === undefined) throw new Error(`${this.name} does not listen yet`);
    return this.#api;
  }

  /** Its identity in the Lease: new at each start. */
  get identity(): string {
    return String(this.logged('STARTED')[0]?.identity);
  }

  /** Whether its last answer said that it leads. */
  get leading(): boolean {
    return this.running && this.answers.at(-1)?.isLeader === true;
  }

  /** The token of its present or last term. */
  get fencingToken(): string {
    const answer = this.answers.findLast(({ isLeader }) => isLeader);
    if (!answer?.fencingToken) throw new Error(`${this.name} has never said that it leads`);
    return answer.fencingToken;
  }

  /** The lines with this code so far: a line may come a moment later than an answer that says the same. */
  logged(code: string): LogLine[] {
    return this.log.filter((line) => line.code === code);
  }

  /** Resolves when it learns of changes by itself, and tells of them. */
  async untilWatching(timeoutMs = 10_000): Promise<void> {
    const api = await this.listening;
    const first = this.#leaseName === '' ? '' : `name="${this.#leaseName}"`;
    await until(`${this.name} watches`, timeoutMs, async () => (await api.metric('leasegate_watch_up', first)) === 1);
    await until(`${this.name} tells of changes`, timeoutMs, () => this.events.length > 0);
  }

  /** The first line with this code at or after a moment. */
  untilLogged(code: string, timeoutMs: number, sinceMs = 0): Promise<LogLine> {
    return until(`${this.name} logs ${code}`, timeoutMs, () =>
      this.log.find((line) => line.code === code && line.atMs >= Math.floor(sinceMs)),
    );
  }

  /** When the first event of this kind after a moment came. */
  async untilEvent(change: LeadershipEvent['change'], timeoutMs: number, sinceMs = 0): Promise<LeadershipEvent> {
    return until(`${this.name} sends the event ${change}`, timeoutMs, () =>
      this.events.find((event) => event.change === change && event.atMs >= sinceMs),
    );
  }

  /** SIGTERM, then waits until it has ended. Returns when the signal was sent. */
  async leave(): Promise<number> {
    const atMs = this.terminate();
    await this.closed();
    return atMs;
  }

  claimant(): Claimant {
    return this.claimantOf(this.#leaseName, this.answers, this.events);
  }

  /** What it claimed of one of its elections, by what it was asked of that one. */
  claimantOf(leaseName: string, answers: readonly Answer[], events: readonly LeadershipEvent[] = []): Claimant {
    // With one election its lines don't name it.
    const logged = (code: string) => this.logged(code).filter(({ lease = leaseName }) => lease === leaseName);
    const stops = logged('NOT_LEADING').map(({ atMs }) => atMs);
    if (this.endedAtMs !== null) stops.push(this.endedAtMs);
    // By their first trace: a process that is killed may take its log's last line with it.
    const traces = [
      ...logged('LEADING').map(({ atMs, fencingToken }) => ({ atMs, token: String(fencingToken) })),
      ...answers.map(({ receivedMs, fencingToken }) => ({ atMs: receivedMs, token: fencingToken })),
      ...events.map(({ atMs, fencingToken }) => ({ atMs, token: fencingToken })),
    ].sort((a, b) => a.atMs - b.atMs);
    const grants = new Map<string, Grant>();
    for (const { atMs, token } of traces) if (token !== null && !grants.has(token)) grants.set(token, { atMs, token });
    return { name: this.name, windows: windowsOf(answers, stops), grants: [...grants.values()] };
  }

  #take(line: string): void {
    const { time, ...fields } = JSON.parse(line) as { time: string; level: number; msg: string };
    this.log.push({ atMs: this.#ownWallClock ? monoMs() : monoOfWall(Date.parse(time)), ...fields });
  }

  async #listen(askEveryMs: number): Promise<LocalApi> {
    const started = await until(`${this.name} starts`, 30_000, () => {
      const line = this.log.find(({ code }) => code === 'STARTED');
      if (line === undefined && !this.running) throw new Error(`${this.name} ended at its start: ${this.stderr}`);
      return line;
    });
    const api = new LocalApi(started.listen as { local: string; probe: string });
    this.#api = api;
    void this.#ask(api, askEveryMs);
    api.follow('/leader/events', (data) => this.events.push({ atMs: monoMs(), ...JSON.parse(data) }));
    return api;
  }

  /** One question at a time: to a paused process the next is the very first that it answers when it goes on. */
  async #ask(api: LocalApi, askEveryMs: number): Promise<void> {
    while (this.running) {
      const sentMs = monoMs();
      this.askingSinceMs = sentMs;
      try {
        const { json } = await api.get('/leader');
        const { isLeader, validForMs, fencingToken } = json;
        this.answers.push({ sentMs, receivedMs: monoMs(), isLeader, validForMs, fencingToken });
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? String(error);
        this.unanswered.push({ sentMs, failedMs: monoMs(), error: code });
      }
      this.askingSinceMs = null;
      const { promise, resolve } = Promise.withResolvers<void>();
      setTimeout(resolve, Math.max(1, askEveryMs - (monoMs() - sentMs)));
      await promise;
    }
    api.close();
  }
}
