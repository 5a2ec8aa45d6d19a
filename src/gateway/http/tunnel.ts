import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { GatewayOutcome } from '../../ports/gateway-metrics.ts';
import type { Pass, Passage } from '../gate.ts';
import { relay } from '../relay.ts';
import { type Access, type ExchangeContext, logAccess, type Running } from './context.ts';
import { responseHeaders } from './headers.ts';
import { reasonPhrase } from './reason-phrase.ts';

export interface TunnelOptions {
  readonly client: Socket;
  readonly server: Socket;
  readonly pass: Pass;
  readonly outcome: GatewayOutcome;
  readonly access: Pick<Access, 'client' | 'method' | 'url' | 'status'>;
}

/**
 * What a request to change protocols has become. Thousands may be open for hours, so that it holds two sockets and little else;
 * its request is not among that.
 */
export class Tunnel implements Passage, Running {
  readonly #context: ExchangeContext;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #pass: Pass;
  readonly #access: TunnelOptions['access'] | null;
  readonly #startMonoMs: number;
  #outcome: GatewayOutcome;
  #receivedBytes = 0;
  #sentBytes = 0;
  place = -1;

  constructor(context: ExchangeContext, { client, server, pass, outcome, access }: TunnelOptions) {
    this.#context = context;
    this.#client = client;
    this.#server = server;
    this.#pass = pass;
    this.#outcome = outcome;
    this.#access = context.accessLog ? access : null;
    this.#startMonoMs = context.clock.now().monoMs;
  }

  /** Says what the application answered, then what either side sent ahead, and joins them. */
  open(answer: string, fromServer: Buffer, fromClient: Buffer): void {
    const { metrics, running } = this.#context;
    const [client, server] = [this.#client, this.#server];
    metrics.begun('tunnel');
    running.add(this);
    client.once('close', () => this.#closed());
    client.setNoDelay(true);
    client.write(answer, 'latin1');
    if (fromServer.length > 0) client.write(fromServer);
    const mayPass = () => this.#pass.open();
    if (fromClient.length > 0 && mayPass()) server.write(fromClient);
    const onBytes = (direction: 'in' | 'out', bytes: number) => {
      if (direction === 'in') this.#receivedBytes += bytes;
      else this.#sentBytes += bytes;
      metrics.bytes(direction, bytes);
    };
    relay({ client, upstream: server, mayPass, onBytes });
    client.resume();
  }

  cut(): void {
    this.#outcome = 'cut';
    this.destroy();
  }

  destroy(): void {
    this.#server.resetAndDestroy();
    this.#client.resetAndDestroy();
  }

  #closed(): void {
    const { metrics, running, clock } = this.#context;
    this.#pass.leave();
    running.remove(this);
    const durationMs = clock.now().monoMs - this.#startMonoMs;
    metrics.ended('tunnel', this.#outcome, durationMs);
    if (this.#access === null) return;
    const bytes = { receivedBytes: this.#receivedBytes, sentBytes: this.#sentBytes };
    logAccess(this.#context, { ...this.#access, outcome: this.#outcome, ...bytes, durationMs });
  }
}

/** The head of the answer that changes protocols. */
export function upgradeHead(
  status: number,
  statusText: string,
  headers: IncomingHttpHeaders,
  fromPeer: boolean,
): string {
  const kept = responseHeaders(headers, { chunked: false, fromPeer });
  let text = `HTTP/1.1 ${status} ${reasonPhrase(status, statusText)}\r\n`;
  for (let index = 0; index < kept.length; index += 2) text += `${kept[index]}: ${kept[index + 1]}\r\n`;
  return `${text}Connection: Upgrade\r\nUpgrade: ${String(headers.upgrade)}\r\n\r\n`;
}
