import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monoMs } from '../replica/clock.ts';

/** One request, or one quarter of a second of a stream, as an application saw it. */
export interface Served {
  readonly application: string;
  readonly fencingToken: string | null;
  readonly fromMs: number;
  /** When the answer had been written, or the connection was gone. */
  untilMs: number;
}

const WORK_MS = 15;
const TICK_MS = 50;

/**
 * An application that knows nothing of leadership. It works for a moment on each request, streams on `/stream` until it is cut
 * off, and writes down when it did so and under which token.
 */
export class Application {
  readonly name: string;
  readonly log: Served[] = [];
  readonly #server: Server;

  static async start(name: string): Promise<Application> {
    const application = new Application(name);
    application.#server.listen(0, '127.0.0.1');
    await once(application.#server, 'listening');
    return application;
  }

  private constructor(name: string) {
    this.name = name;
    this.#server = createServer((req, res) => this.#serve(req, res));
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #serve(req: IncomingMessage, res: ServerResponse): void {
    const token = req.headers['leasegate-fencing-token'];
    const served: Served = {
      application: this.name,
      fencingToken: typeof token === 'string' ? token : null,
      fromMs: monoMs(),
      untilMs: Number.POSITIVE_INFINITY,
    };
    this.log.push(served);
    res.once('close', () => {
      served.untilMs = Math.min(served.untilMs, monoMs());
    });
    req.resume();
    if (req.url === '/stream') this.#stream(res);
    else {
      setTimeout(() => {
        served.untilMs = monoMs();
        res.end(JSON.stringify({ application: this.name, token }));
      }, WORK_MS);
    }
  }

  #stream(res: ServerResponse): void {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const ticks = setInterval(() => res.write(`data: ${this.name}\n\n`), TICK_MS);
    res.once('close', () => clearInterval(ticks));
  }
}

/**
 * What the applications' own logs prove wrong: two that served at one moment, a request without a token, or a token lower than
 * one that was served before. Empty when only ever one of them worked.
 */
export function amiss(applications: readonly Application[]): string[] {
  const log = applications.flatMap((application) => application.log).sort((a, b) => a.fromMs - b.fromMs);
  const found: string[] = [];
  let last: Served | null = null;
  for (const served of log) {
    if (served.fencingToken === null) found.push(`${served.application} served a request without a token`);
    else if (last !== null) {
      if (last.application !== served.application && served.fromMs < last.untilMs) {
        const forMs = (Math.min(last.untilMs, served.untilMs) - served.fromMs).toFixed(1);
        found.push(`${last.application} and ${served.application} served at the same time for ${forMs} ms`);
      }
      if (BigInt(served.fencingToken) < BigInt(last.fencingToken!)) {
        found.push(`${served.application} served token ${served.fencingToken} after ${last.fencingToken}`);
      }
    }
    // The one that ends last is who the next may not overlap; of its own requests several run at once.
    if (last === null || last.application !== served.application || served.untilMs > last.untilMs) last = served;
  }
  return found;
}
