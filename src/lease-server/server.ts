import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, type Random, systemClock, systemTimers, type Timers } from '../ports/clock.ts';
import { type Answer, answer } from './api.ts';
import { type Call, parseCall } from './call.ts';
import { faultAnswer } from './fault-answer.ts';
import { type Fault, FaultPlan } from './faults.ts';
import { loopbackAddress } from './loopback.ts';
import { readBody } from './read-body.ts';
import { namespace as namespaceType } from './resources/index.ts';
import { type status, tooLarge, unauthorized, unforeseen } from './status.ts';
import { LeaseStore } from './store.ts';
import { Traffic } from './traffic.ts';
import { WatchStream } from './watch-stream.ts';

export interface LeaseServerOptions {
  /** `host:port`; port 0 takes a free one. Only loopback, since there is no encryption. */
  readonly listen: string;
  readonly clock?: Clock;
  readonly timers?: Timers;
  /** For uids, generated names and watch timeouts. */
  readonly random?: Random;
  readonly faults?: FaultPlan;
  /** Goes on with the objects of a server before. The default is an empty store. */
  readonly store?: LeaseStore;
  /** Made at the start where they are missing. @defaultValue ['default'] */
  readonly namespaces?: readonly string[];
  /** Bearer tokens and who they are. The default lets everyone in, named by the token. */
  readonly tokens?: ReadonlyMap<string, string>;
  /** @defaultValue 60000 */
  readonly bookmarkIntervalMs?: number;
}

export interface LeaseServer {
  readonly url: string;
  readonly store: LeaseStore;
  readonly faults: FaultPlan;
  readonly traffic: Traffic;
  /** Answers what was asked, ends the watches, then closes. */
  close(): Promise<void>;
  /** Resets all connections, as a crash does. */
  abort(): Promise<void>;
}

const CLOSE_GRACE_MS = 1000;
const ANONYMOUS = 'system:anonymous';

const systemRandom: Random = () => randomInt(2 ** 32) / 2 ** 32;

/**
 * Serves the Kubernetes API for Leases, pods and events over HTTP.
 *
 * @throws an Error with code `LEASE_SERVER_ADDRESS` for an address that is not loopback, or the system's (`EADDRINUSE`)
 */
export async function startLeaseServer(options: LeaseServerOptions): Promise<LeaseServer> {
  const { host, port } = loopbackAddress(options.listen);
  const random = options.random ?? systemRandom;
  const clock = options.clock ?? systemClock;
  const store = options.store ?? new LeaseStore({ random });
  for (const name of options.namespaces ?? ['default']) {
    // Answers 409 where it exists: that is as good.
    store.create(namespaceType, '', { metadata: { name } }, { nowMs: clock.now().wallMs });
  }
  const server = new HttpLeaseServer({
    store,
    random,
    clock,
    timers: options.timers ?? systemTimers,
    faults: options.faults ?? new FaultPlan(),
    tokens: options.tokens ?? null,
    bookmarkIntervalMs: options.bookmarkIntervalMs ?? 60_000,
  });
  await server.listen(host, port);
  return server;
}

interface Surroundings {
  readonly store: LeaseStore;
  readonly random: Random;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly faults: FaultPlan;
  readonly tokens: ReadonlyMap<string, string> | null;
  readonly bookmarkIntervalMs: number;
}

/** A request on its way through. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly call: Call;
  readonly token: string;
}

class HttpLeaseServer implements LeaseServer {
  readonly store: LeaseStore;
  readonly faults: FaultPlan;
  readonly traffic = new Traffic();
  readonly #around: Surroundings;
  readonly #server: Server;
  readonly #watches = new Set<WatchStream>();
  #url = '';
  #closing = false;

  constructor(around: Surroundings) {
    this.store = around.store;
    this.faults = around.faults;
    this.#around = around;
    this.#server = createServer(
      { keepAliveTimeout: 90_000 },
      (request, response) => void this.#serve(request, response).catch((error) => this.#fail(response, error)),
    );
  }

  get url(): string {
    return this.#url;
  }

  async listen(host: string, port: number): Promise<void> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    const { address, family, port: taken } = this.#server.address() as AddressInfo;
    this.#url = `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`;
  }

  async close(): Promise<void> {
    this.#closing = true;
    const closed = this.#closed();
    for (const watch of this.#watches) watch.end();
    this.#server.closeIdleConnections();
    const force = this.#around.timers.after(CLOSE_GRACE_MS, () => this.#server.closeAllConnections());
    await closed;
    force.cancel();
  }

  async abort(): Promise<void> {
    this.#closing = true;
    const closed = this.#closed();
    this.#server.closeAllConnections();
    await closed;
  }

  async #closed(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = parseCall(request.method ?? '', request.url ?? '');
    const token = /^Bearer (.*)$/i.exec(request.headers.authorization ?? '')?.[1]?.trim() ?? '';
    this.traffic.count(token, call.action?.verb ?? 'other');
    request.on('error', () => {});
    response.on('error', () => {});
    const exchange: Exchange = { request, response, call, token };
    const faults = this.faults.meet(token, call.action);
    const body = await readBody(request);
    if (response.destroyed) return;
    await this.#delay(faults, 'commit');
    const reply = this.#reply(exchange, faults, body);
    await this.#delay(faults, 'answer');
    if (faults.some(({ kind }) => kind === 'refuse' || kind === 'drop-answer')) response.destroy();
    else if (reply !== null && !faults.some(({ kind }) => kind === 'cut-off')) this.#send(exchange, reply, faults);
  }

  /** What nobody foresaw (nesting too deep for the stack, say) costs its own request an answer, not the others their server. */
  #fail(response: ServerResponse, error: unknown): void {
    if (response.headersSent) response.destroy();
    else {
      response.writeHead(500, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(unforeseen(String(error))));
    }
  }

  async #delay(faults: readonly Fault[], before: 'commit' | 'answer'): Promise<void> {
    for (const fault of faults) {
      if (fault.kind !== 'delay' || fault.before !== before) continue;
      await new Promise<void>((resolve) => void this.#around.timers.after(fault.delayMs, resolve));
    }
  }

  /** What is answered; null when the request does not get through. */
  #reply({ request, call, token }: Exchange, faults: readonly Fault[], body: string | null): Answer | null {
    if (faults.some(({ kind }) => kind === 'refuse' || kind === 'cut-off')) return null;
    const user = this.#userOf(token);
    for (const fault of faults) {
      if (fault.kind === 'answer') return faultAnswer(fault.code, user ?? ANONYMOUS, call.action);
    }
    if (user === null) return failure(unauthorized());
    if (body === null) return failure(tooLarge());
    const { accept = '', 'content-type': contentType = '' } = request.headers;
    return answer(
      this.store,
      { call, accept, user, body: { contentType, text: body } },
      {
        nowMs: this.#around.clock.now().wallMs,
        // A fault that this request used up still holds for it.
        allows: (action) =>
          !this.faults.forbids(token, action) &&
          !(action === call.action && faults.some(({ kind }) => kind === 'forbid')) &&
          !(user === ANONYMOUS && this.#around.tokens !== null),
      },
    );
  }

  #userOf(token: string): string | null {
    if (token === '') return ANONYMOUS;
    const { tokens } = this.#around;
    return tokens === null ? token : (tokens.get(token) ?? null);
  }

  #send({ response, call, token }: Exchange, reply: Answer, faults: readonly Fault[]): void {
    const severed = () => this.faults.severed(token, call.action);
    // Cut off while it was dealt with: the answer is lost.
    const now = severed();
    if (now === 'refuse') response.destroy();
    if (now !== null || response.destroyed) return;
    if (this.#closing) response.setHeader('Connection', 'close');
    if (reply.kind === 'watch') {
      const watch = new WatchStream(response, reply.query, { ...this.#around, severed });
      this.#watches.add(watch);
      response.on('close', () => this.#watches.delete(watch));
      if (this.#closing) watch.end();
      return;
    }
    const retryAfter = faults.find((fault) => fault.kind === 'answer')?.retryAfterSeconds;
    if (retryAfter !== undefined) response.setHeader('Retry-After', String(retryAfter));
    const text = reply.kind === 'json' ? `${JSON.stringify(reply.body)}\n` : reply.text;
    if (reply.kind === 'json' && reply.warnings.length > 0) {
      response.setHeader(
        'Warning',
        reply.warnings.map((warning) => `299 - ${JSON.stringify(warning)}`),
      );
    }
    response.writeHead(reply.code, {
      'Content-Type': reply.kind === 'json' ? 'application/json' : 'text/plain; charset=utf-8',
      'Content-Length': Buffer.byteLength(text),
      'Cache-Control': 'no-cache, private',
    });
    response.end(text);
  }
}

const failure = (body: ReturnType<typeof status>): Answer => ({ kind: 'json', code: body.code, body, warnings: [] });
