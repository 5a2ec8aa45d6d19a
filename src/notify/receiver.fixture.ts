import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { systemClock } from '../ports/clock.ts';

export interface Received {
  /** By the monotonic clock. */
  readonly atMs: number;
  readonly headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: assertions read whatever was sent
  readonly body: any;
}

/** What is done with a request that has been read. */
export type Treatment = (res: ServerResponse) => void;
export const takes: Treatment = (res) => res.writeHead(204).end();
export const answers =
  (status: number, headers = {}): Treatment =>
  (res) =>
    res.writeHead(status, headers).end('no');
export const hangs: Treatment = () => {};

/** A receiver of notifications on a real socket. */
export class Receiver {
  readonly received: Received[] = [];
  treat: Treatment = takes;
  #server = this.#create();
  #port = 0;

  static async open(): Promise<Receiver> {
    const receiver = new Receiver();
    await receiver.start();
    return receiver;
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.#port}/leadership?of=a`);
  }

  /** The events of all that came, in order. */
  events(): string[] {
    return this.received.map(({ body }) => body.event);
  }

  /** On the port that it had before. Returns when it listened. */
  async start(): Promise<number> {
    this.#server = this.#create().listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    return systemClock.now().monoMs;
  }

  /** Refuses connections and cuts those that exist. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #create() {
    return createServer(async (req, res) => {
      const body = await text(req).catch(() => null);
      if (body === null) return;
      this.received.push({ atMs: systemClock.now().monoMs, headers: req.headers, body: JSON.parse(body) });
      this.treat(res);
    });
  }
}
