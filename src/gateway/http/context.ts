import type { Clock, Timers } from '../../ports/clock.ts';
import type { GatewayMetrics, GatewayOutcome } from '../../ports/gateway-metrics.ts';
import type { Logger } from '../../ports/log.ts';
import type { Gate } from '../gate.ts';
import type { Listed, Roster } from '../roster.ts';
import type { TargetHealth } from '../target-health.ts';
import type { Exchange } from './exchange.ts';
import type { ForwardedRule } from './headers.ts';
import type { Upstream } from './upstream.ts';

/** An exchange, or the tunnel that it became. */
export interface Running extends Listed {
  /** Ends it at once, in a way that nobody takes for an orderly end. */
  destroy(): void;
}

/** What the exchanges of one listener share. */
export interface ExchangeContext {
  readonly gate: Gate;
  /** The application beside this replica. */
  readonly application: Upstream;
  readonly targetHealth: TargetHealth;
  readonly identity: string;
  /** Whether requests come from a peer that forwards, rather than from a client. */
  readonly peer: boolean;
  readonly forwarded: ForwardedRule;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
  readonly accessLog: boolean;
  /** How long a client may take nothing of its answer, in milliseconds. */
  readonly sendStallMs: number;
  /** What reached no application because this replica's term ended, or never began. */
  readonly elsewhere: (exchange: Exchange) => void;
  /** All that runs on this listener. */
  readonly running: Roster<Running>;
  /** Whether the listener is closing, so that its connections should end with their answers. */
  readonly closing: () => boolean;
}

/** What the access log says of a request or a tunnel. */
export interface Access {
  readonly client: string;
  readonly method: string | undefined;
  readonly url: string | undefined;
  /** What the client was told; 0 for nothing. */
  readonly status: number;
  readonly outcome: GatewayOutcome;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly durationMs: number;
}

export function logAccess({ log }: ExchangeContext, access: Access): void {
  log.info({ code: 'ACCESS', ...access, durationMs: Math.round(access.durationMs * 10) / 10 }, 'request');
}
