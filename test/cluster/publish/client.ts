import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { monoMs } from '../replica/clock.ts';
import { hostOf } from './network.ts';
import type { Target } from './service-watch.ts';

/** One request, as the client saw it. */
export interface Asked {
  readonly sentMs: number;
  /** Where it went. */
  readonly pod: string;
  /** The pod that answered; null: none did. */
  readonly answeredBy: string | null;
  readonly error: string | null;
}

const PAUSE_MS = 5;
/** After which a request is given up: none takes long but one to a node that is lost. */
const PATIENCE_MS = 2_000;

/** A client of a Service: one request after the other, each on a connection of its own, to where it is sent at that moment. */
export class Client {
  readonly log: Asked[] = [];
  readonly #targets: () => readonly Target[];
  readonly #running: Promise<void>;
  #ended = false;

  constructor(targets: () => readonly Target[]) {
    this.#targets = targets;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#ended = true;
    await this.#running;
  }

  /** Who answered, in order, each once in a row. */
  answeredBy(): string[] {
    const answered = this.log.flatMap(({ answeredBy }) => answeredBy ?? []);
    return answered.filter((pod, index) => pod !== answered[index - 1]);
  }

  /** Requests that were not answered by the pod that they went to. */
  failures(): Asked[] {
    return this.log.filter(({ pod, answeredBy }) => answeredBy !== pod);
  }

  async #run(): Promise<void> {
    for (let turn = 0; !this.#ended; turn += 1) {
      const targets = this.#targets();
      const target = targets[turn % targets.length];
      if (target !== undefined) this.log.push(await ask(target));
      await sleep(PAUSE_MS);
    }
  }
}

function ask({ pod, ip, port }: Target): Promise<Asked> {
  const { promise, resolve } = Promise.withResolvers<Asked>();
  const sentMs = monoMs();
  const settle = (answeredBy: string | null, error: string | null) => resolve({ sentMs, pod, answeredBy, error });
  const options = { host: hostOf(ip), port, agent: false, signal: AbortSignal.timeout(PATIENCE_MS) } as const;
  const outgoing = get(options, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    response.on('end', () => settle(text, null));
    response.on('error', (error) => settle(null, String(error)));
  });
  outgoing.on('error', (error) => settle(null, String(error)));
  return promise;
}
