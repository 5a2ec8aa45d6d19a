import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { GatewayOutcome } from '../../ports/gateway-metrics.ts';
import type { LeaderPlace, Pass, Passage } from '../gate.ts';
import { Attempt, type AttemptListener } from './attempt.ts';
import { type ExchangeContext, logAccess, type Running } from './context.ts';
import type { FailureKind } from './failure.ts';
import type { Peer } from './forwarder.ts';
import {
  plainAddress,
  REFUSED_HEADER,
  REFUSED_NOT_LEADER,
  requestHeaders,
  responseHeaders,
  trailers,
  wantsTunnel,
} from './headers.ts';
import { reasonPhrase } from './reason-phrase.ts';
import { ERROR_OF_FAILURE, GATEWAY_ERRORS, type GatewayErrorCode, outcomeOf, replyError } from './replies.ts';
import { RequestBody } from './request-body.ts';
import { hasBody } from './request-target.ts';
import type { GatewayResponse } from './response.ts';
import { sendByNode } from './send-by-node.ts';
import { Tunnel, upgradeHead } from './tunnel.ts';
import type { UpgradeSocket } from './upgrade-socket.ts';
import type { Upstream } from './upstream.ts';

/** Methods that may be repeated without harm (RFC 9110 section 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** What became of a request that was given to a peer: `unsent`, it reached no application. */
export type PeerOutcome = 'over' | 'unsent';

/** One request of a client, from its head to the end of its answer, however many attempts that takes. */
export class Exchange implements Passage, AttemptListener, Running {
  readonly req: IncomingMessage;
  readonly res: GatewayResponse;
  readonly #context: ExchangeContext;
  readonly #path: string;
  readonly #upgrade: UpgradeSocket | null;
  readonly #body: RequestBody | null;
  readonly #startMonoMs: number;
  readonly #client: string;
  #pass: Pass | null = null;
  #attempt: Attempt | null = null;
  /** While a peer has it. */
  #settlePeer: ((outcome: PeerOutcome) => void) | null = null;
  #abort: AbortController | null = null;
  #route: 'local' | 'peer' | 'none' = 'none';
  #outcome: GatewayOutcome = 'aborted';
  #status = 0;
  #retried = false;
  #flushed = false;
  /** What `Content-Length` says; -1 where it says nothing of a body. */
  #length = -1;
  #chunked = false;
  /** Of the body. */
  #sentBytes = 0;
  over = false;
  /** In its server's list. */
  place = -1;

  constructor(
    context: ExchangeContext,
    req: IncomingMessage,
    res: GatewayResponse,
    path: string,
    upgrade: UpgradeSocket | null,
  ) {
    this.#context = context;
    this.req = req;
    this.res = res;
    this.#path = path;
    this.#upgrade = upgrade !== null && wantsTunnel(req.headers, req.httpVersion) ? upgrade : null;
    this.#startMonoMs = context.clock.now().monoMs;
    this.#client = plainAddress(req.socket.remoteAddress);
    this.#body = hasBody(req)
      ? new RequestBody(req, () => {
          if (req.headers.expect !== undefined && req.httpVersion === '1.1') res.writeContinue();
        })
      : null;
    res.exchange = this;
    res.on('close', onClose).on('drain', onDrain).on('error', ignore);
    context.metrics.begun('request');
  }

  /** Aborted when the client is gone or has its answer. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    return this.#abort.signal;
  }

  /** Gives it to the application beside, if this replica leads. */
  toApplication(): boolean {
    const pass = this.#context.gate.enter(this);
    if (pass === null) return false;
    this.#pass = pass;
    this.#route = 'local';
    this.#send(this.#context.application, pass.fencingToken);
    return true;
  }

  /** Gives it to the leader's peer listener. */
  toPeer({ leader, upstream }: Peer): Promise<PeerOutcome> {
    this.#pass = this.#context.gate.enterElsewhere(this, leader);
    this.#route = 'peer';
    return new Promise((resolve) => {
      this.#settlePeer = resolve;
      this.#send(upstream, null);
    });
  }

  /** Answers for the gateway itself. */
  refuse(code: GatewayErrorCode, { leader, detail }: { leader?: LeaderPlace | null; detail?: string } = {}): void {
    if (this.over) return;
    const { timers, peer } = this.#context;
    this.#outcome = outcomeOf(code);
    this.#body?.discard();
    const fromPeer = peer && code === 'GATEWAY_NOT_LEADER';
    replyError(this.req, this.res, code, {
      timers,
      fromPeer,
      ...(leader !== undefined && { leader }),
      ...(detail !== undefined && { detail }),
    });
  }

  /** What came of its body is no HTTP; `told`: the client has been answered so. */
  broke(told: GatewayErrorCode | null): void {
    this.#attempt?.abandon();
    if (told === null) return;
    this.#outcome = outcomeOf(told);
    this.#status = GATEWAY_ERRORS[told][0];
  }

  /** Ends it without an answer, in a way that the client can't take for the end of one. */
  destroy(): void {
    this.#attempt?.abandon();
    this.req.socket.resetAndDestroy();
  }

  // The gate: the term is over in which it was given to somebody.

  cut(): void {
    this.#pass = null;
    const attempt = this.#attempt;
    attempt?.abandon();
    if (attempt === null || !attempt.sent) {
      this.#attempt = null;
      if (this.#route === 'peer') this.#unsent('not-leader');
      else this.#context.elsewhere(this);
    } else if (this.#route === 'peer') this.#giveUp('reset');
    else {
      this.#outcome = 'cut';
      this.destroy();
    }
  }

  // What an attempt came to.

  mayWrite(): boolean {
    const pass = this.#pass;
    if (this.over || pass === null) return false;
    const allowed = this.#attempt?.sent === true ? pass.open() : pass.begins();
    if (!allowed) return false;
    if (this.#route === 'local' && this.#body?.taken() === true && this.#context.peer) {
      // The peer that forwards has kept the body until now, since it could have been told to another leader.
      this.res.writeProcessing();
    }
    return true;
  }

  informed(status: number, headers: IncomingHttpHeaders): void {
    if (this.#route === 'peer' && status === 102) {
      this.#body?.taken();
      return;
    }
    const { req, res } = this;
    // Nobody has asked for 100 but this gateway, which answers it by itself.
    if (status === 100 || req.httpVersion !== '1.1' || res.headersSent) return;
    // Of Node 22 and 24 only the second is known.
    if (typeof res.writeInformation === 'function') res.writeInformation(status, this.#answerHeaders(headers));
    else if (status === 103) res.writeEarlyHints(headers as Record<string, string | string[]>);
  }

  headed(status: number, statusText: string, headers: IncomingHttpHeaders): void {
    if (!this.#mayGoOn()) return;
    const { req, res } = this;
    const { targetHealth, closing } = this.#context;
    if (this.#route === 'peer') {
      if (status === 503 && String(headers[REFUSED_HEADER]) === REFUSED_NOT_LEADER) {
        this.#attempt?.abandon();
        if (this.#body?.isTaken === true) {
          // It had let the request in, and its body is not kept any more.
          this.#giveUp('reset');
          return;
        }
        this.#unsent('not-leader');
        return;
      }
      this.#body?.taken();
    }
    if (this.#route === 'local') targetHealth.worked();
    this.#status = status;
    this.#chunked =
      headers['content-length'] === undefined &&
      req.httpVersion === '1.1' &&
      req.method !== 'HEAD' &&
      status !== 204 &&
      status !== 304;
    const kept = this.#answerHeaders(headers);
    if (closing()) kept.push('Connection', 'close');
    res.writeHead(status, reasonPhrase(status, statusText), kept);
    this.#length = this.#chunked || req.method === 'HEAD' ? -1 : Number(headers['content-length'] ?? -1);
    flushSoon(this);
  }

  /** A head whose body is not there yet goes out alone. */
  flush(): void {
    if (!this.#flushed && !this.over) this.res.flushHeaders();
  }

  received(chunk: Buffer): boolean {
    // Until the head has left, its question has been answered in this very turn.
    if (this.#flushed && !this.#mayGoOn()) return true;
    const { length } = chunk;
    this.#sentBytes += length;
    if (!this.#flushed && length === this.#length && length <= TEXT_BYTES_MAX) {
      // All of it, at once: as text it leaves together with the head in one write.
      this.#flushed = true;
      this.res.end(chunk.toString('latin1'), 'latin1');
      return true;
    }
    this.#flushed = true;
    if (this.res.write(chunk)) return true;
    // Until it drains: node counts only the time in which nothing of it leaves.
    this.req.socket.setTimeout(this.#context.sendStallMs);
    return false;
  }

  ended(fields: IncomingHttpHeaders): void {
    this.#flushed = true;
    this.#outcome = this.#route === 'peer' ? 'forwarded' : 'served';
    if (this.#chunked) {
      const passed = trailers(fields);
      if (passed.length > 0) this.res.addTrailers(passed);
    }
    if (!this.res.writableEnded) this.res.end();
    this.#body?.discard();
    this.#settle('over');
  }

  upgraded(status: number, statusText: string, headers: IncomingHttpHeaders, server: Socket, head: Buffer): void {
    const { socket: client } = this.#upgrade!;
    const early = this.#upgrade!.take();
    const pass = this.#pass!;
    const isPeer = this.#route === 'peer';
    this.#status = status;
    this.#outcome = isPeer ? 'forwarded' : 'served';
    this.res.off('close', onClose).detachSocket(client);
    const tunnel = new Tunnel(this.#context, {
      ...{ client, server, pass, outcome: this.#outcome },
      access: { client: this.#client, method: this.req.method, url: this.req.url, status },
    });
    pass.goOnAs(tunnel);
    // From here on the request is over, and all that it held may go.
    this.#pass = null;
    this.closed();
    tunnel.open(upgradeHead(status, statusText, headers, isPeer), head, early);
  }

  failed(kind: FailureKind): void {
    const attempt = this.#attempt;
    if (this.over || attempt === null) return;
    if (this.#isRepeatable(attempt, kind)) {
      // Cut by this very question, it is in other hands already.
      if (!this.#mayGoOn()) return;
      this.#retried = true;
      this.#context.metrics.retried('stale-connection');
      this.#send(attempt.upstream, this.#pass?.fencingToken ?? null, true);
      return;
    }
    if (this.#route === 'peer' && !attempt.sent && kind !== 'unsendable') {
      this.#unsent('unreachable');
      return;
    }
    this.#giveUp(kind);
  }

  /** Tells the client why there is no (whole) answer. */
  #giveUp(kind: FailureKind): void {
    if (this.#route === 'local' && (kind === 'unreachable' || kind === 'connect-timeout')) {
      this.#context.targetHealth.failed(kind);
    }
    this.#outcome = kind === 'aborted' ? 'aborted' : outcomeOf(ERROR_OF_FAILURE[kind]);
    if (this.res.headersSent || kind === 'aborted') this.req.socket.resetAndDestroy();
    else this.refuse(ERROR_OF_FAILURE[kind]);
    this.#settle('over');
  }

  /** For the listeners of its response. */
  resume(): void {
    this.req.socket.setTimeout(0);
    this.#attempt?.resume();
  }

  /** The client has its answer, or is gone. */
  closed(): void {
    if (this.over) return;
    this.over = true;
    this.#attempt?.abandon();
    this.#pass?.leave();
    this.#abort?.abort();
    this.#settle('over');
    this.#tell();
    this.#context.running.remove(this);
  }

  #send(upstream: Upstream, fencingToken: string | null, fresh = false): void {
    const { req } = this;
    const { identity, forwarded, timers } = this.#context;
    const method = req.method ?? 'GET';
    const upgrade = this.#upgrade === null ? null : (req.headers.upgrade ?? null);
    const announcesTrailers = req.headers.trailer !== undefined && req.headers['transfer-encoding'] !== undefined;
    const headers = requestHeaders(req.rawHeaders, req.headers.connection, {
      identity,
      fencingToken,
      remoteAddress: this.#client,
      forwarded,
      announcesTrailers,
    });
    if (upgrade !== null || announcesTrailers || this.#path === '*') {
      const attempt = new Attempt(this, upstream, null, this.#body);
      this.#attempt = attempt;
      sendByNode({ method, path: this.#path, headers, upgrade, req }, attempt, timers);
      return;
    }
    const connection = fresh ? upstream.fresh() : upstream.take();
    const attempt = new Attempt(this, upstream, connection, this.#body);
    this.#attempt = attempt;
    connection.client.dispatch({ method, path: this.#path, headers, body: attempt.chunks as never }, attempt);
  }

  /** Whether the connection broke only because it was an old one, and the request can be sent once more without harm. */
  #isRepeatable(attempt: Attempt, kind: FailureKind): boolean {
    if (kind !== 'reset' || this.#retried || attempt.answered || !attempt.reused) return false;
    return !attempt.sent || (this.#body === null && IDEMPOTENT.has(this.req.method ?? ''));
  }

  /** Whether its term still stands. Where it does not, the exchange has been cut, and may be under way to another leader. */
  #mayGoOn(): boolean {
    return this.#pass === null || this.#pass.open();
  }

  #answerHeaders(headers: IncomingHttpHeaders): string[] {
    return responseHeaders(headers, { chunked: this.#chunked, fromPeer: this.#route === 'peer' });
  }

  /** It reached no application, and may be brought to another leader. */
  #unsent(why: 'not-leader' | 'unreachable'): void {
    this.#pass?.leave();
    this.#pass = null;
    this.#context.metrics.retried(why);
    this.#settle('unsent');
  }

  #settle(outcome: PeerOutcome): void {
    const settle = this.#settlePeer;
    this.#settlePeer = null;
    settle?.(outcome);
  }

  #tookMs(): number {
    return this.#context.clock.now().monoMs - this.#startMonoMs;
  }

  #tell(): void {
    const { metrics, accessLog } = this.#context;
    const { req, res } = this;
    const durationMs = this.#tookMs();
    const status = this.#status === 0 && res.headersSent ? res.statusCode : this.#status;
    // All of it came from the application, but did not reach the client.
    const whole = res.writableFinished || status === 101;
    if ((this.#outcome === 'served' || this.#outcome === 'forwarded') && !whole) this.#outcome = 'aborted';
    const receivedBytes = this.#body?.bytes ?? 0;
    const sentBytes = this.#sentBytes;
    if (receivedBytes > 0) metrics.bytes('in', receivedBytes);
    if (sentBytes > 0) metrics.bytes('out', sentBytes);
    metrics.ended('request', this.#outcome, durationMs, status);
    if (!accessLog || status === 101) return;
    const { method, url } = req;
    const told = { client: this.#client, method, url, status, outcome: this.#outcome };
    logAccess(this.#context, { ...told, receivedBytes, sentBytes, durationMs });
  }
}

/** Longer bodies cost more to copy than their write of their own. */
const TEXT_BYTES_MAX = 8 * 1024;

let unflushed: Exchange[] = [];

/** When all has been handled that was read together with the head. One microtask for all: each costs an object of node's. */
function flushSoon(exchange: Exchange): void {
  if (unflushed.push(exchange) === 1) queueMicrotask(flushAll);
}

function flushAll(): void {
  const due = unflushed;
  unflushed = [];
  for (const exchange of due) exchange.flush();
}

function onClose(this: GatewayResponse): void {
  this.exchange?.closed();
}

function onDrain(this: GatewayResponse): void {
  this.exchange?.resume();
}

function ignore(): void {}
