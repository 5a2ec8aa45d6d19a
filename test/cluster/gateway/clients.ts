import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { monoMs } from '../replica/clock.ts';
import { piecesOf, type Served } from './application.ts';

/** One request, as a client saw it. */
export interface Asked {
  readonly sentMs: number;
  readonly endedMs: number;
  /** Null when the connection broke. */
  readonly status: number | null;
  readonly error: string | null;
}

const PAUSE_MS = 5;
const STREAM_MS_MAX = 30_000;

/** Clients of a Service: each sends one request after the other, to whichever endpoint it is given next. */
export class Clients {
  readonly log: Asked[] = [];
  /** What came of streams. */
  readonly pieces: Served[] = [];
  readonly #endpoints: () => readonly string[];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #running: Promise<void>[] = [];
  #ended = false;
  #turn = 0;

  readonly #patienceMs: number;

  /**
   * @param endpoints - `host:port` of the gateways that a Service would send to at this moment
   * @param patienceMs - after which a request is given up: one that a stopped process has accepted gets no answer
   */
  constructor(endpoints: () => readonly string[], patienceMs: number) {
    this.#endpoints = endpoints;
    this.#patienceMs = patienceMs;
  }

  start(count: number): void {
    for (let index = 0; index < count; index += 1) this.#running.push(this.#run(index % 2 === 0));
  }

  /** One that reads a stream for as long as it lasts, and then the next. */
  startStream(): void {
    this.#running.push(
      (async () => {
        while (!this.#ended) {
          await this.#ask('/stream', false);
          await sleep(PAUSE_MS);
        }
      })(),
    );
  }

  async stop(): Promise<void> {
    this.#ended = true;
    this.#agent.destroy();
    await Promise.all(this.#running);
  }

  async #run(keepAlive: boolean): Promise<void> {
    while (!this.#ended) {
      const asked = await this.#ask('/', keepAlive);
      if (asked !== null) this.log.push(asked);
      await sleep(PAUSE_MS);
    }
  }

  #ask(path: string, keepAlive: boolean): Promise<Asked | null> {
    const endpoints = this.#endpoints();
    this.#turn += 1;
    const endpoint = endpoints[this.#turn % endpoints.length];
    if (endpoint === undefined) return Promise.resolve(null);
    const sentMs = monoMs();
    const { promise, resolve } = Promise.withResolvers<Asked | null>();
    const settle = (status: number | null, error: string | null) =>
      resolve(this.#ended ? null : { sentMs, endedMs: monoMs(), status, error });
    const agent = keepAlive ? this.#agent : false;
    const outgoing = request(
      `http://${endpoint}${path}`,
      { agent, signal: AbortSignal.timeout(path === '/' ? this.#patienceMs : STREAM_MS_MAX) },
      (res) => {
        res.on('error', (error: NodeJS.ErrnoException) => settle(null, error.code ?? error.message));
        res.on('end', () => settle(res.statusCode ?? 0, null));
        if (path === '/stream') res.on('data', (chunk) => this.pieces.push(...piecesOf(String(chunk), monoMs())));
        else res.resume();
      },
    );
    outgoing.on('error', (error: NodeJS.ErrnoException) => settle(null, error.code ?? error.message));
    outgoing.end();
    return promise;
  }
}
