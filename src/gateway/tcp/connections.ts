import type { Socket } from 'node:net';
import type { Clock, Timers } from '../../ports/clock.ts';
import type { GatewayMetrics, GatewayOutcome } from '../../ports/gateway-metrics.ts';
import type { Gate, Pass } from '../gate.ts';
import { relay } from '../relay.ts';
import { type Ends, formatProxyHeader } from './proxy-protocol.ts';
import { connectWithin } from './upstream.ts';

/** The application may take this long to accept a connection. */
export const CONNECT_MS_MAX = 2_000;

export interface ConnectionPorts {
  readonly gate: Gate;
  readonly metrics: GatewayMetrics;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** One client's connection, from its acceptance to its end; counted once. */
export class Connection {
  readonly client: Socket;
  /** Aborts when the connection has ended, for whatever reason. */
  readonly ended: AbortSignal;
  readonly #abort = new AbortController();
  readonly #ports: ConnectionPorts;
  readonly #startMonoMs: number;
  #outcome: GatewayOutcome = 'aborted';

  constructor(client: Socket, ports: ConnectionPorts) {
    this.client = client;
    this.ended = this.#abort.signal;
    this.#ports = ports;
    this.#startMonoMs = ports.clock.now().monoMs;
    ports.metrics.begun('connection');
    client.on('error', () => {});
    client.once('close', () => {
      this.#abort.abort();
      ports.metrics.ended('connection', this.#outcome, ports.clock.now().monoMs - this.#startMonoMs);
    });
  }

  /** How it will be counted when it ends. */
  set outcome(outcome: GatewayOutcome) {
    this.#outcome = outcome;
  }

  /** Nothing was or will be served: closes it, as a server does that has nothing to say. */
  refuse(outcome: GatewayOutcome): void {
    this.#outcome = outcome;
    this.client.destroy();
  }

  /** Lets it through to the application if this replica leads; false, and nothing has happened, otherwise. */
  async serve(options: ServeOptions): Promise<boolean> {
    const { gate } = this.#ports;
    let upstream: Socket | null = null;
    const connecting = new AbortController();
    const pass = gate.enter({
      cut: () => {
        this.#outcome = 'cut';
        connecting.abort();
        upstream?.resetAndDestroy();
        this.client.resetAndDestroy();
      },
    });
    if (pass === null) return false;
    this.ended.addEventListener('abort', () => {
      connecting.abort();
      pass.leave();
    });
    const connected = await this.connect(options.target, connecting.signal);
    if (typeof connected === 'string') {
      pass.leave();
      if (connected !== 'aborted') this.refuse(connected === 'refused' ? 'upstream-refused' : 'upstream-timeout');
      return true;
    }
    upstream = connected;
    if (!pass.open()) return true;
    this.#outcome = 'served';
    options.onServed?.();
    this.#begin(upstream, pass, options);
    return true;
  }

  /** Joins it with a leader's peer listener that has taken it. */
  joinPeer(peer: Socket, pass: Pass): void {
    this.#outcome = 'forwarded';
    pass.goOnAs({
      cut: () => {
        this.#outcome = 'cut';
        peer.resetAndDestroy();
        this.client.resetAndDestroy();
      },
    });
    this.ended.addEventListener('abort', () => pass.leave());
    relay({ client: this.client, upstream: peer, mayPass: () => pass.open(), onBytes: this.#ports.metrics.bytes });
    this.client.resume();
  }

  connect(target: { host: string; port: number }, signal: AbortSignal) {
    return connectWithin({ ...target, timeoutMs: CONNECT_MS_MAX, timers: this.#ports.timers, signal });
  }

  /** Who is connected with whom, as this end sees it. */
  ends(): Ends | null {
    const { remoteAddress, remotePort, localAddress, localPort } = this.client;
    if (!remoteAddress || !remotePort || !localAddress || !localPort) return null;
    return {
      source: { host: remoteAddress, port: remotePort },
      destination: { host: localAddress, port: localPort },
    };
  }

  #begin(upstream: Socket, pass: Pass, { proxyProtocol, ends }: ServeOptions): void {
    if (proxyProtocol) upstream.write(formatProxyHeader(ends, pass.fencingToken));
    relay({ client: this.client, upstream, mayPass: () => pass.open(), onBytes: this.#ports.metrics.bytes });
    this.client.resume();
  }
}

export interface ServeOptions {
  readonly target: { readonly host: string; readonly port: number };
  /** Whether the application is told who the client is, and the term's token, before the first byte. */
  readonly proxyProtocol: boolean;
  readonly ends: Ends | null;
  /** Called when the application has accepted, before any byte passes. */
  readonly onServed?: () => void;
}
