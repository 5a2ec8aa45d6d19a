import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Claimant } from '../cluster/replica/history.ts';
import { BRISK, Replica } from '../cluster/replica/replica.ts';
import { until } from '../cluster/replica/until.ts';
import type { ApiServer } from './api-server.ts';

export interface PodOptions {
  readonly name: string;
  /** Its process is never ended. */
  readonly core: boolean;
  /** Program and arguments, up to the subcommand. */
  readonly command: readonly string[];
  readonly apiServer: ApiServer;
  /** For files of its own. */
  readonly directory: string;
}

/** What a process holds once all garbage is collected. */
export interface Held {
  readonly objectsKiB: number;
  readonly codeKiB: number;
}

/** Each replica is asked so often whether it leads. An answer speaks for up to the renew deadline: few moments stay unseen. */
const ASK_EVERY_MS = 500;
/** No claim: many processes start at once on few cores, and the API server may be away. */
const START_MS_MAX = 60_000;
/** What the sidecar promises for a SIGTERM. */
const STOP_MS_MAX = 16_500;
const SLOW_MACHINE_MS = 10_000;
const COLLECT_MS_MAX = 10_000;
const ERROR_LEVELS = ['error', 'fatal'];
const COLLECT_GARBAGE = join(import.meta.dirname, 'collect-garbage.cjs');

/** A pod: one process at a time, and all that they said. */
export class Pod {
  readonly name: string;
  readonly core: boolean;
  readonly replicas: Replica[] = [];
  /** Strikes under way and waiting. */
  #strikes = 0;
  #lastStrike: Promise<void> = Promise.resolve();
  readonly #options: PodOptions;
  readonly #asked = new Set<Replica>();
  readonly #badEnds: string[] = [];

  constructor(options: PodOptions) {
    this.name = options.name;
    this.core = options.core;
    this.#options = options;
  }

  get current(): Replica {
    return this.replicas.at(-1)!;
  }

  get leading(): boolean {
    return this.replicas.length > 0 && this.current.leading;
  }

  get #heapFile(): string {
    return join(this.#options.directory, `${this.name}.heap.json`);
  }

  /** Its two listeners, once they listen. */
  get listen(): { readonly local: string; readonly probe: string } {
    const [started] = this.current.logged('STARTED');
    if (started === undefined) throw new Error(`${this.current.name} does not listen yet`);
    return started.listen as { local: string; probe: string };
  }

  /** Whether nothing befalls it at this moment: what it uses then is its own. */
  get calm(): boolean {
    return this.#strikes === 0;
  }

  /** Starts a process, as the restarted container of the same pod or in a pod that replaces it; resolves when it listens. */
  async start(as: 'same-pod' | 'new-pod' = 'new-pod'): Promise<void> {
    const { apiServer, command } = this.#options;
    const podUid = as === 'same-pod' ? this.current.podUid : crypto.randomUUID();
    const replica = new Replica({
      command,
      name: this.replicas.length === 0 ? this.name : `${this.name}#${this.replicas.length + 1}`,
      podName: this.name,
      podUid,
      kubeconfig: await apiServer.kubeconfigFor(this.name),
      namespace: apiServer.namespace,
      leaseNames: [apiServer.leaseName],
      timings: BRISK,
      askEveryMs: ASK_EVERY_MS,
      // As in the image, but for the means to collect garbage.
      env: {
        MALLOC_ARENA_MAX: '1',
        NODE_ENV: 'production',
        ...(this.core && { NODE_OPTIONS: `--require=${COLLECT_GARBAGE}`, SOAK_HEAP_FILE: this.#heapFile }),
      },
      args: [],
      ownWallClock: false,
    });
    this.replicas.push(replica);
    await replica.listening;
  }

  /** Resolves when it has seen the Lease and tells of changes. */
  untilWatching(): Promise<void> {
    return this.current.untilWatching(START_MS_MAX);
  }

  /** Lets one of the core collect all its garbage; null when it does not get round to it. */
  async collectGarbage(): Promise<Held | null> {
    await rm(this.#heapFile, { force: true });
    process.kill(this.current.pid, 'SIGUSR2');
    const written = until('it has collected', COLLECT_MS_MAX, () => readFile(this.#heapFile, 'utf8').catch(() => null));
    return written.then(JSON.parse, () => null);
  }

  async kill(): Promise<void> {
    this.#asked.add(this.current);
    this.current.kill();
    await this.current.closed();
  }

  async terminate(): Promise<void> {
    const { current } = this;
    this.#asked.add(current);
    current.terminate();
    const inTime = await Promise.race([
      current.closed().then(() => true),
      sleep(STOP_MS_MAX + SLOW_MACHINE_MS, false, { ref: false }),
    ]);
    if (!inTime) this.#badEnds.push(`${current.name} had not ended ${STOP_MS_MAX + SLOW_MACHINE_MS} ms after SIGTERM`);
    else if (current.exitCode !== 0) this.#badEnds.push(`${current.name} ended with ${current.exitCode} after SIGTERM`);
    if (!inTime) await this.kill();
  }

  /** Lets something befall it, after what befell it before is over. */
  strike(blow: () => Promise<void>): Promise<void> {
    this.#strikes += 1;
    const done = this.#lastStrike.then(blow).finally(() => {
      this.#strikes -= 1;
    });
    this.#lastStrike = done.catch(() => {});
    return done;
  }

  claimants(): Claimant[] {
    return this.replicas.map((replica) => replica.claimant());
  }

  /** What went against a promise beside leadership: how processes ended, and errors in their logs. */
  findings(): string[] {
    const unasked = this.replicas.filter((replica) => !replica.running && !this.#asked.has(replica));
    return [
      ...this.#badEnds,
      ...unasked.map(({ name, exitCode, stderr }) => `${name} ended by itself (${exitCode}): ${stderr.slice(-500)}`),
      ...this.replicas.flatMap(({ name, log }) =>
        log
          .filter(({ level }) => ERROR_LEVELS.includes(String(level)))
          .map(({ code, msg, ...fields }) => `${name} logged ${code ?? ''} ${msg} ${JSON.stringify(fields)}`),
      ),
    ];
  }

  /** Ends what runs, without farewell. */
  async close(): Promise<void> {
    await Promise.all(
      this.replicas.map(async (replica) => {
        this.#asked.add(replica);
        replica.kill();
        await replica.closed().catch(() => {});
      }),
    );
  }
}
