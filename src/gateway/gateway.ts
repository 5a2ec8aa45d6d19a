import type { Leadership } from '../leadership/leadership.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { GatewayMetrics } from '../ports/gateway-metrics.ts';
import type { Logger } from '../ports/log.ts';
import { Gate } from './gate.ts';
import { type HttpOptions, startHttp } from './http/start.ts';
import type { ProtocolOptions, ProtocolServer } from './protocol.ts';
import { TargetHealth } from './target-health.ts';

/** What TCP takes beside what all protocols take. */
export interface TcpOptions extends ProtocolOptions {
  /** Whether the application is told of the client by the PROXY protocol, version 2. */
  readonly proxyProtocol: boolean;
}

/** Made here, for whichever protocol it is. */
type Provided = 'gate' | 'targetHealth' | 'identity' | 'clock' | 'timers' | 'metrics' | 'log';

export interface GatewayOptions {
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
  /** How long running work may go on when leadership is handed over, in milliseconds. */
  readonly drainMs: number;
  readonly protocol:
    | ({ readonly kind: 'http' } & Omit<HttpOptions, Provided>)
    | ({ readonly kind: 'tcp' } & Omit<TcpOptions, Provided>);
}

/**
 * Puts the gateway in front of the application: work reaches it while this replica leads, and at no other time. Rejects with a
 * `ListenError` when an address can't be listened on.
 */
export async function startGateway(options: GatewayOptions): Promise<ProtocolServer> {
  const { leadership, clock, timers, metrics, log, drainMs, protocol } = options;
  const gate = new Gate({
    leadership,
    clock,
    timers,
    drainMs,
    onCut: (passages, why) => {
      metrics.cut(passages, why);
      log.warn({ code: 'GATEWAY_CUT', passages, why }, 'work that still ran was ended with its term');
    },
  });
  const provided = {
    gate,
    targetHealth: new TargetHealth(log),
    identity: leadership.identity,
    clock,
    timers,
    metrics,
    log,
  };
  const server = await start({ ...protocol, ...provided });
  leadership.subscribe(({ kind }) => {
    if (kind === 'stopped') server.closeIdle();
  });
  return server;
}

type Chosen = ({ readonly kind: 'http' } & HttpOptions) | ({ readonly kind: 'tcp' } & TcpOptions);

async function start(options: Chosen): Promise<ProtocolServer> {
  if (options.kind === 'http') return startHttp(options);
  // The seam for `./tcp/server.ts`: `return startTcp(options)`.
  throw new Error('the TCP gateway is not there yet');
}
