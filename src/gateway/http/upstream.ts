import type { Socket } from 'node:net';
import Client from 'undici/lib/dispatcher/client.js';
import type { Timers } from '../../ports/clock.ts';
import { formatPeerAddress } from '../peer-address.ts';
import type { Place } from '../protocol.ts';
import { connect } from './connect.ts';

/** What an application may say before the body. Its own answers need no narrower bound. */
const RESPONSE_HEADER_BYTES_MAX = 64 * 1024;
/** Shorter than the usual servers' patience, so that a connection is rarely closed under a request. */
const KEEP_ALIVE_MS = 4_000;

export interface UpstreamOptions extends Place {
  /** From the end of the request to the head of the answer. */
  readonly responseTimeoutMs: number;
  readonly timers: Timers;
}

/**
 * Kept connections to one server, each for one request at a time. undici's own Pool looks for a free one from the first on and
 * keeps as many as there ever were; here the last used one is taken, and what idles too long is forgotten.
 */
export class Upstream {
  readonly place: Place;
  readonly responseTimeoutMs: number;
  readonly #timers: Timers;
  readonly #origin: string;
  readonly #idle: Connection[] = [];
  #retired = false;

  constructor({ host, port, responseTimeoutMs, timers }: UpstreamOptions) {
    this.#timers = timers;
    this.place = { host, port };
    this.responseTimeoutMs = responseTimeoutMs;
    this.#origin = `http://${formatPeerAddress(this.place)}`;
  }

  /** A connection that is free; one that is not yet open when none is. */
  take(): Connection {
    return this.#idle.pop() ?? this.fresh();
  }

  /** A connection that nothing was sent on before. */
  fresh(): Connection {
    const connection: Connection = new Connection(this, this.#origin, (done) => {
      connect({ ...this.place, allowHalfOpen: false }, this.#timers, (error, socket) => {
        if (socket !== null) connection.opened(socket);
        if (error === null) done(null, socket!);
        else done(error, null);
      });
    });
    connection.client.on('disconnect', () => {
      connection.closed();
      const index = this.#idle.lastIndexOf(connection);
      if (index !== -1) this.#idle.splice(index, 1);
    });
    return connection;
  }

  /** For {@link Connection.release}. */
  put(connection: Connection): void {
    if (!connection.open) return;
    if (this.#retired) void connection.client.destroy();
    else this.#idle.push(connection);
  }

  /** Closes what is idle; what is in use when it is released. */
  retire(): void {
    this.#retired = true;
    for (const { client } of this.#idle.splice(0)) void client.destroy();
  }
}

type Connector = (done: (...[error, socket]: [null, Socket] | [Error, null]) => void) => void;

/** One connection of an {@link Upstream}. */
export class Connection {
  readonly client: Client;
  readonly #upstream: Upstream;
  #socket: Socket | null = null;
  /** Whether an answer came over it before: the server may close it at any time. */
  used = false;

  constructor(upstream: Upstream, origin: string, connector: Connector) {
    this.#upstream = upstream;
    this.client = new Client(origin, {
      allowH2: false,
      headersTimeout: upstream.responseTimeoutMs,
      // An event stream may be quiet for as long as it likes.
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: RESPONSE_HEADER_BYTES_MAX,
      connect: (_options, done) => connector(done),
    });
  }

  /** Whether it is connected at present. */
  get open(): boolean {
    return this.#socket !== null;
  }

  /** Whether it was reset; undici takes that for the end of an answer that is as long as its connection. */
  get broken(): boolean {
    return this.#socket !== null && this.#socket.errored !== null;
  }

  opened(socket: Socket): void {
    this.#socket = socket;
    this.used = false;
  }

  closed(): void {
    this.#socket = null;
  }

  /** What it was taken for has ended. */
  release(): void {
    this.used = true;
    this.#upstream.put(this);
  }
}
