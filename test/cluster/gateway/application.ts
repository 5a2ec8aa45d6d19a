import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { monoMs } from '../replica/clock.ts';

/** One request as an application saw it, or one piece of a stream as it came to a client. */
export interface Served {
  readonly application: string;
  readonly fencingToken: string | null;
  readonly fromMs: number;
  /** When the answer had been written, or the connection was gone. */
  untilMs: number;
}

/** Of the PROXY protocol, version 2. */
const PROXY_FIXED_BYTES = 16;
const PROXY_IPV4_BYTES = 12;
const WORK_MS = 15;
const TICK_MS = 50;

/**
 * An application that knows nothing of leadership. It works for a moment on each request, and writes down when it did so and
 * under which token. On `/stream` it streams until it is cut off. While its gateway's process is stopped nobody can do that: so
 * the clients write down which pieces of streams came through.
 */
export class Application {
  readonly name: string;
  readonly log: Served[] = [];
  readonly #server: Server;
  readonly #listener: TcpServer;
  /** By connection, where the PROXY protocol tells. */
  readonly #tokens = new WeakMap<Socket, string>();

  /** @param behind - who tells the fencing token: a gateway of requests by a header, one of connections by the PROXY protocol */
  static async start(name: string, behind: 'http' | 'tcp'): Promise<Application> {
    const application = new Application(name, behind);
    application.#listener.listen(0, '127.0.0.1');
    await once(application.#listener, 'listening');
    return application;
  }

  private constructor(name: string, behind: 'http' | 'tcp') {
    this.name = name;
    this.#server = createServer((req, res) => this.#serve(req, res));
    this.#listener = behind === 'http' ? this.#server : createTcpServer((socket) => void this.#accept(socket));
  }

  get address(): string {
    return `127.0.0.1:${(this.#listener.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#listener.close();
    this.#server.closeAllConnections();
  }

  /** A connection that begins with a PROXY header, which is written at once. */
  #accept(socket: Socket): void {
    socket.on('error', () => {});
    socket.once('readable', () => this.#begin(socket));
  }

  #begin(socket: Socket): void {
    const data: Buffer | null = socket.read();
    if (data === null) {
      socket.destroy();
      return;
    }
    const headerBytes = PROXY_FIXED_BYTES + data.readUInt16BE(14);
    const tlv = data.subarray(PROXY_FIXED_BYTES + PROXY_IPV4_BYTES, headerBytes);
    if (tlv[0] === 0xe0) this.#tokens.set(socket, tlv.toString('latin1', 3));
    if (data.length > headerBytes) socket.unshift(data.subarray(headerBytes));
    this.#server.emit('connection', socket);
  }

  #serve(req: IncomingMessage, res: ServerResponse): void {
    const token = this.#tokens.get(req.socket) ?? req.headers['leasegate-fencing-token'];
    const fencingToken = typeof token === 'string' ? token : null;
    const served: Served = {
      application: this.name,
      fencingToken,
      fromMs: monoMs(),
      untilMs: Number.POSITIVE_INFINITY,
    };
    this.log.push(served);
    req.resume();
    if (req.url === '/stream') {
      served.untilMs = served.fromMs;
      this.#stream(res, fencingToken);
      return;
    }
    res.once('close', () => {
      served.untilMs = Math.min(served.untilMs, monoMs());
    });
    setTimeout(() => {
      served.untilMs = monoMs();
      res.end(JSON.stringify({ application: this.name, token }));
    }, WORK_MS);
  }

  #stream(res: ServerResponse, fencingToken: string | null): void {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const ticks = setInterval(() => res.write(`data: ${this.name} ${fencingToken}\n\n`), TICK_MS);
    res.once('close', () => clearInterval(ticks));
  }
}

/** The pieces of a stream in `text`, as they came at one moment. */
export function piecesOf(text: string, atMs: number): Served[] {
  return [...text.matchAll(/data: (\S+) (\d+)/g)].map(([, application = '', fencingToken = '']) => ({
    application,
    fencingToken,
    fromMs: atMs,
    untilMs: atMs,
  }));
}

function describe({ application, fencingToken, fromMs, untilMs }: Served): string {
  return `${application} (token ${fencingToken}, ${fromMs.toFixed(1)} to ${untilMs.toFixed(1)})`;
}

/**
 * What the applications' own logs and the streams prove wrong: two that served at one moment, a request without a token, or a token lower than
 * one that was served before. Empty when only ever one of them worked.
 */
export function amiss(applications: readonly Application[], pieces: readonly Served[]): string[] {
  const log = [...applications.flatMap((application) => application.log), ...pieces].sort(
    (a, b) => a.fromMs - b.fromMs,
  );
  const found: string[] = [];
  let last: Served | null = null;
  for (const served of log) {
    if (served.fencingToken === null) found.push(`${served.application} served a request without a token`);
    else if (last !== null) {
      if (last.application !== served.application && served.fromMs < last.untilMs) {
        const forMs = (Math.min(last.untilMs, served.untilMs) - served.fromMs).toFixed(1);
        found.push(`${describe(last)} and ${describe(served)} served at the same time for ${forMs} ms`);
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
