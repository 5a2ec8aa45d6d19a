import type { ProtocolOptions, ProtocolServer } from '../protocol.ts';
import type { Exchange } from './exchange.ts';
import { Forwarder } from './forwarder.ts';
import { type HttpLimits, HttpServer } from './server.ts';
import { Upstream } from './upstream.ts';

export interface HttpOptions extends ProtocolOptions {
  /** From the end of a request to the head of its answer; later 504. */
  readonly responseTimeoutMs: number;
  /** Whether what clients claim in `X-Forwarded-*` is dropped, or kept and added to. */
  readonly forwarded: 'replace' | 'append';
  /** How long a client may take nothing of an answer that waits for it; then it is reset. By default a minute. */
  readonly sendStallMs?: number;
  readonly limits: Omit<HttpLimits, 'connectionsMax'>;
}

const SEND_STALL_MS = 60_000;

/** Starts the HTTP gateway. Rejects with a `ListenError` when one of its addresses can't be listened on. */
export async function startHttp(options: HttpOptions): Promise<ProtocolServer> {
  const {
    gate,
    identity,
    target,
    targetHealth,
    peerListen,
    clock,
    timers,
    metrics,
    log,
    accessLog,
    responseTimeoutMs,
    sendStallMs = SEND_STALL_MS,
  } = options;
  const application = new Upstream({ ...target, responseTimeoutMs, timers });
  const limits = { ...options.limits, connectionsMax: options.connectionsMax };
  const forwarder =
    options.standby === 'forward'
      ? new Forwarder({ gate, clock, timers, waitMs: options.forwardWaitMs, responseTimeoutMs })
      : null;
  const refuse = (exchange: Exchange) => exchange.refuse('GATEWAY_NOT_LEADER', { leader: gate.leaderElsewhere() });

  const shared = { gate, application, targetHealth, identity, clock, timers, metrics, log, accessLog, sendStallMs };
  const listener = (
    { option, ...listen }: ProtocolOptions['listen'],
    own: Pick<ConstructorParameters<typeof HttpServer>[0]['context'], 'peer' | 'forwarded' | 'elsewhere'>,
  ) => new HttpServer({ listen, option, limits, timers, metrics, log, context: { ...shared, ...own } });

  const clients = listener(options.listen, {
    peer: false,
    forwarded: options.forwarded,
    elsewhere: (exchange) => {
      if (forwarder === null) refuse(exchange);
      else void forwarder.forward(exchange);
    },
  });
  const peers = peerListen && listener(peerListen, { peer: true, forwarded: 'keep', elsewhere: refuse });
  const servers = peers === null ? [clients] : [clients, peers];

  const listen = await clients.listen();
  let peerPlace = null;
  try {
    peerPlace = peers && (await peers.listen());
  } catch (error) {
    await clients.close(0);
    throw error;
  }
  return {
    listen,
    peerListen: peerPlace,
    closeIdle: () => {
      if (forwarder === null) clients.closeIdle();
    },
    retire: () => clients.retire(),
    close: async (graceMs) => {
      await Promise.all(servers.map((server) => server.close(graceMs)));
      application.retire();
      forwarder?.close();
    },
  };
}
