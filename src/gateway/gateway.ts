import type { Leadership } from '../leadership/leadership.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { GatewayMetrics } from '../ports/gateway-metrics.ts';
import type { Logger } from '../ports/log.ts';
import { Gate } from './gate.ts';
import { type HttpOptions, startHttp } from './http/start.ts';
import type { ProtocolServer } from './protocol.ts';
import { TargetHealth } from './target-health.ts';
import { startTcp, type TcpGatewayOptions } from './tcp/start.ts';

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
    | ({ readonly kind: 'tcp' } & Omit<TcpGatewayOptions, Provided>);
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

type Chosen = ({ readonly kind: 'http' } & HttpOptions) | ({ readonly kind: 'tcp' } & TcpGatewayOptions);

function start(options: Chosen): Promise<ProtocolServer> {
  return options.kind === 'http' ? startHttp(options) : startTcp(options);
}
