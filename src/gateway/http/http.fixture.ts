import { once } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { systemClock, systemTimers } from '../../ports/clock.ts';
import type { GatewayMetrics } from '../../ports/gateway-metrics.ts';
import type { Logger } from '../../ports/log.ts';
import { startGateway } from '../gateway.ts';
import { GivenLeadership } from '../leadership.fixture.ts';
import { formatPeerAddress } from '../peer-address.ts';
import type { Place, ProtocolServer } from '../protocol.ts';
import type { HttpOptions } from './start.ts';

const toEnd: (() => unknown)[] = [];

/** For `afterEach`: ends all that a test began. */
export async function endAll(): Promise<void> {
  for (const end of toEnd.splice(0).reverse()) await end();
}

/** Waits for a condition; vitest's own limit ends it. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** A clock that a stopped process finds to have gone on. */
export function skippingClock() {
  let skippedMs = 0;
  return {
    clock: {
      now: () => {
        const { monoMs, wallMs } = systemClock.now();
        return { monoMs: monoMs + skippedMs, wallMs: wallMs + skippedMs };
      },
    },
    skip: (ms: number) => {
      skippedMs += ms;
    },
  };
}

async function listening(server: Server, host = '127.0.0.1'): Promise<Place> {
  server.listen(0, host);
  await once(server, 'listening');
  return { host, port: (server.address() as AddressInfo).port };
}

function keepSockets(server: Server, log: string[]): Set<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => log.push(chunk.toString('latin1')));
  });
  toEnd.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return sockets;
}

export interface Application extends Place {
  /** Every byte that reached it. */
  readonly received: string;
  readonly sockets: Set<Socket>;
  readonly server: Server;
}

/** An application that speaks HTTP as node does. */
export async function application(serve: RequestListener, set?: (server: HttpServer) => void): Promise<Application> {
  const log: string[] = [];
  const server = createHttpServer(serve);
  set?.(server);
  const sockets = keepSockets(server, log);
  return from(await listening(server), { server, sockets, log });
}

/** An application that says on a socket what a test wants it to. */
export async function rawApplication(serve: (socket: Socket, heard: () => string) => void): Promise<Application> {
  const log: string[] = [];
  const server = createServer();
  const sockets = keepSockets(server, log);
  server.on('connection', (socket: Socket) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    serve(socket, () => text);
  });
  return from(await listening(server), { server, sockets, log });
}

function from(
  place: Place,
  { server, sockets, log }: { server: Server; sockets: Set<Socket>; log: string[] },
): Application {
  return {
    ...place,
    server,
    sockets,
    get received() {
      return log.join('');
    },
  };
}

export interface Replica {
  readonly leadership: GivenLeadership;
  readonly front: Place;
  /** Where others bring requests; with `forward` only. */
  readonly peerAddress: string;
  readonly server: ProtocolServer;
  /** What was counted: `request served 200`. */
  readonly counted: string[];
  readonly cuts: string[];
  readonly retries: string[];
  readonly logged: Record<string, unknown>[];
  readonly bytes: { in: number; out: number };
}

type Options = Partial<Omit<HttpOptions, 'limits'>> & { limits?: Partial<HttpOptions['limits']>; drainMs?: number };

/** A replica's gateway on real clocks; its test says when it leads. */
export async function replica(
  name: string,
  target: Place,
  { limits, drainMs = 5_000, ...options }: Options = {},
): Promise<Replica> {
  const leadership = new GivenLeadership(name, options.clock);
  const counted: string[] = [];
  const cuts: string[] = [];
  const retries: string[] = [];
  const logged: Record<string, unknown>[] = [];
  const bytes = { in: 0, out: 0 };
  const metrics: GatewayMetrics = {
    begun: () => {},
    ended: (work, outcome, _durationMs, status) => counted.push([work, outcome, status].join(' ').trim()),
    retried: (why) => retries.push(why),
    bytes: (direction, count) => {
      bytes[direction] += count;
    },
    cut: (passages, why) => cuts.push(`${passages} ${why}`),
    overLimit: () => counted.push('over limit'),
  };
  const write = (fields: object, msg: string) => void logged.push({ ...fields, msg });
  const log: Logger = { fatal: write, error: write, warn: write, info: write, debug: write };
  const forward = options.standby === 'forward';
  const server = await startGateway({
    leadership,
    clock: options.clock ?? systemClock,
    timers: options.timers ?? systemTimers,
    metrics,
    log,
    drainMs,
    protocol: {
      kind: 'http',
      listen: { host: '127.0.0.1', port: 0, option: 'LEASEGATE_GATEWAY_LISTEN' },
      peerListen: forward ? { host: '127.0.0.1', port: 0, option: 'LEASEGATE_GATEWAY_PEER_LISTEN' } : null,
      target: { host: target.host, port: target.port },
      standby: 'refuse',
      forwardWaitMs: 5_000,
      connectionsMax: 1_000,
      accessLog: false,
      responseTimeoutMs: 5_000,
      forwarded: 'replace',
      ...options,
      limits: {
        headerBytesMax: 16_384,
        headersTimeoutMs: 5_000,
        requestTimeoutMs: 10_000,
        keepAliveMs: 5_000,
        ...limits,
      },
    },
  });
  toEnd.push(() => server.close(0));
  const peerAddress = server.peerListen === null ? '' : formatPeerAddress(server.peerListen);
  return { leadership, front: server.listen, peerAddress, server, counted, cuts, retries, logged, bytes };
}

/** A client that says bytes and keeps what it hears. `ended`: `end`, or the code of the error. */
export interface Client {
  readonly socket: Socket;
  readonly text: string;
  readonly ended: Promise<string>;
  hears(wanted: string): Promise<void>;
}

export function client(to: Place, says = ''): Client {
  const socket = connect({ ...to, allowHalfOpen: true, noDelay: true });
  toEnd.push(() => socket.destroy());
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  const ended = new Promise<string>((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    socket.on('end', () => resolve('end'));
    socket.on('close', () => resolve('close'));
  });
  if (says !== '') socket.write(says, 'latin1');
  return {
    socket,
    ended,
    get text() {
      return text;
    },
    hears: (wanted) => until(() => text.includes(wanted)),
  };
}

/** A client's one request with `Connection: close`, and all that it heard. */
export async function ask(to: Place, text: string): Promise<string> {
  const one = client(to, text);
  await one.ended;
  return one.text;
}

export const get = (path: string, ...headers: string[]) =>
  [`GET ${path} HTTP/1.1`, 'Host: app.test', 'Connection: close', ...headers, '', ''].join('\r\n');
