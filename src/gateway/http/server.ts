import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Timer, Timers } from '../../ports/clock.ts';
import type { GatewayMetrics } from '../../ports/gateway-metrics.ts';
import { ListenError } from '../../ports/listen-error.ts';
import type { Logger } from '../../ports/log.ts';
import type { Place } from '../protocol.ts';
import { Roster } from '../roster.ts';
import { KEEP_ALIVE_PROBE_MS } from './connect.ts';
import type { ExchangeContext, Running } from './context.ts';
import { Exchange } from './exchange.ts';
import { wantsTunnel } from './headers.ts';
import { Pipeline } from './pipeline.ts';
import { GATEWAY_ERRORS, type GatewayErrorCode, rawError } from './replies.ts';
import { checkRequest, hasBody } from './request-target.ts';
import { GatewayResponse, responseUnderWay } from './response.ts';
import { UpgradeSocket } from './upgrade-socket.ts';

/** What one listener takes of its clients. */
export interface HttpLimits {
  /** Longer heads of requests: 431. */
  readonly headerBytesMax: number;
  /** Connections at a time, upgraded ones included; more are closed. */
  readonly connectionsMax: number;
  /** For the head of a request, then for all of it: later 408. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** For the next request of a connection. */
  readonly keepAliveMs: number;
}

export interface HttpServerOptions {
  readonly listen: Place;
  /** The option that chose the address, for messages. */
  readonly option: string;
  readonly limits: HttpLimits;
  readonly timers: Timers;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
  /** What all exchanges of this listener share, but for what the listener itself adds. */
  readonly context: Omit<ExchangeContext, 'running' | 'closing'>;
}

/** How often node:http looks for connections whose time is over. */
const TIMEOUT_CHECK_INTERVAL_MS = 500;
const SWEEP_INTERVAL_MS = 20;

/** One HTTP listener of the gateway: checks what comes, makes it an {@link Exchange}, and knows all that run. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  readonly #context: ExchangeContext;
  readonly #running = new Roster<Running>();
  readonly #pipeline = new Pipeline();
  #closing = false;
  #full = false;

  constructor(options: HttpServerOptions) {
    const { limits, context } = options;
    this.#options = options;
    this.#context = {
      ...context,
      running: this.#running,
      closing: () => this.#closing,
    };
    this.#server = createServer({
      ServerResponse: GatewayResponse,
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
      keepAliveTimeout: limits.keepAliveMs,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_PROBE_MS,
      // Refused by us, in our words.
      requireHostHeader: false,
      // What is not refused in `upgrade`, but can't be tunnelled, is served without it.
      shouldUpgradeCallback: (req) => wantsTunnel(req.headers, req.httpVersion),
    });
    // Bounded by bytes. By number, node:http would leave headers out without a word.
    this.#server.maxHeadersCount = 0;
    this.#server.maxConnections = limits.connectionsMax;
    this.#listenFor();
  }

  /** Rejects with a {@link ListenError}. Resolves to the address in use. */
  listen(): Promise<Place> {
    const { listen, option, log } = this.#options;
    const server = this.#server;
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(new ListenError({ option, ...listen }, error)));
      server.listen({ port: listen.port, backlog: BACKLOG, ...(listen.host !== '' && { host: listen.host }) }, () => {
        server.removeAllListeners('error');
        server.on('error', (error) =>
          log.error(
            { code: 'GATEWAY_LISTENER_FAILED', option, error: error.message },
            'a listener of the gateway failed',
          ),
        );
        const { address, port } = server.address() as AddressInfo;
        resolve({ host: address, port });
      });
    });
  }

  /** Ends connections that wait for a next request: their clients may find another replica. */
  closeIdle(): void {
    this.#server.closeIdleConnections();
  }

  /** From now on connections end with the answer under way. */
  retire(): void {
    this.#closing = true;
  }

  /** Takes no more connections, lets what runs end, and after `graceMs` ends what is left. Never rejects. */
  close(graceMs: number): Promise<void> {
    const { timers } = this.#options;
    this.#closing = true;
    return new Promise((resolve) => {
      // A connection that becomes idle after close() began is not closed by it: sweep until none is left.
      let sweeper: Timer;
      const sweep = () => {
        this.#server.closeIdleConnections();
        sweeper = timers.after(SWEEP_INTERVAL_MS, sweep);
      };
      const deadline = timers.after(graceMs, () => {
        for (const each of this.#running.all()) each.destroy();
        this.#server.closeAllConnections();
      });
      this.#server.close(() => {
        deadline.cancel();
        sweeper.cancel();
        resolve();
      });
      sweep();
    });
  }

  #listenFor(): void {
    const { metrics, limits, log, option } = this.#options;
    this.#server
      .on('connection', () => {
        this.#full = false;
      })
      .on('drop', () => {
        metrics.overLimit();
        if (this.#full) return;
        this.#full = true;
        log.warn(
          { code: 'GATEWAY_FULL', option, connectionsMax: limits.connectionsMax },
          'the gateway has all the connections that it takes',
        );
      })
      .on('timeout', (socket) => {
        // Idle; or its client takes nothing of the answer, and must not take the half of it for all.
        if (responseUnderWay(socket) === undefined) socket.destroy();
        else socket.resetAndDestroy();
      })
      .on('request', (req, res: GatewayResponse) => this.#enter(req, res))
      .on('checkContinue', (req, res: GatewayResponse) => this.#enter(req, res))
      .on('checkExpectation', (req, res: GatewayResponse) => this.#enter(req, res))
      .on('upgrade', (req: IncomingMessage, stream: Duplex, head: Buffer) => {
        // Another one than the socket where a body is still to come.
        stream.on('error', ignore);
        this.#upgrade(req, head);
      })
      .on('connect', (_req, socket: Socket) => {
        socket.on('error', ignore);
        if (responseUnderWay(socket) === undefined)
          turnAway(socket, 'GATEWAY_BAD_REQUEST', metrics, 'CONNECT is not served.');
        else socket.destroy();
      })
      .on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => this.#refuseMalformed(error, socket));
  }

  #enter(req: IncomingMessage, res: GatewayResponse): void {
    if (res.socket === null) this.#pipeline.wait(req.socket, res, () => this.#serve(req, res, null));
    else this.#serve(req, res, null);
  }

  #serve(req: IncomingMessage, res: GatewayResponse, upgrade: UpgradeSocket | null): void {
    const check = checkRequest(req, this.#context.identity);
    const exchange = new Exchange(this.#context, req, res, 'path' in check ? check.path : '', upgrade);
    this.#running.add(exchange);
    if ('code' in check) exchange.refuse(check.code, check);
    else if (!exchange.toApplication()) this.#context.elsewhere(exchange);
  }

  /** node:http leaves the socket to us: a response that is no tunnel is still written by its means. */
  #upgrade(req: IncomingMessage, head: Buffer): void {
    const { socket } = req;
    if (responseUnderWay(socket) !== undefined) {
      // Sent behind a request that is not answered yet: what either answer means to the client can't be told any more.
      socket.on('error', ignore).destroy();
      return;
    }
    if (hasBody(req)) {
      const { metrics } = this.#options;
      turnAway(socket, 'GATEWAY_BAD_REQUEST', metrics, 'A request to change protocols has no body.');
      return;
    }
    const res = new GatewayResponse(req);
    res.shouldKeepAlive = false;
    res.assignSocket(socket);
    socket.on('error', ignore);
    res.on('finish', () => socket.destroySoon());
    this.#serve(req, res, new UpgradeSocket(socket, head, () => res.emit('drain')));
  }

  /**
   * What node:http could not read, or not in time. Nothing of it is passed on, and nothing more is read from this client. A whole
   * request before it is answered; with half an answer under way it is told nothing: another one would be taken for its continuation.
   */
  #refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
    const response = responseUnderWay(socket);
    const isGone = error.code === 'ECONNRESET';
    if (response?.req.complete === true && !isGone) {
      this.#pipeline.endAfter(response, socket);
      return;
    }
    const code = MALFORMED[error.code ?? ''] ?? 'GATEWAY_BAD_REQUEST';
    const told = socket.writable && response?.headersSent !== true && !isGone;
    if (response?.exchange) {
      if (told) rawError(socket, code);
      response.exchange.broke(told ? code : null);
      socket.destroySoon();
    } else if (told) turnAway(socket, code, this.#options.metrics);
    else socket.destroySoon();
  }
}

/** As many as may wait while thousands connect at a time, after a fail-over say. */
const BACKLOG = 4_096;

const MALFORMED: Readonly<Record<string, GatewayErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'GATEWAY_HEADERS_TOO_LARGE',
  ERR_HTTP_REQUEST_TIMEOUT: 'GATEWAY_REQUEST_TIMEOUT',
};

/** Answers what never became an exchange, and ends the connection. */
function turnAway(socket: Socket, code: GatewayErrorCode, metrics: GatewayMetrics, detail?: string): void {
  socket.on('error', ignore);
  rawError(socket, code, detail);
  metrics.begun('request');
  metrics.ended('request', 'invalid', 0, GATEWAY_ERRORS[code][0]);
  socket.destroySoon();
}

function ignore(): void {}
