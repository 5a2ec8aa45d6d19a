import type { Clock, Timers } from '../ports/clock.ts';
import type { GatewayMetrics } from '../ports/gateway-metrics.ts';
import type { Logger } from '../ports/log.ts';
import type { Gate } from './gate.ts';
import type { TargetHealth } from './target-health.ts';

/** Host and port of a server. */
export interface Place {
  /** IP address without brackets, or a name. */
  readonly host: string;
  readonly port: number;
}

/** What a replica that does not lead does with work: turn it away, or bring it to the leader. */
export type StandbyPolicy = 'refuse' | 'forward';

/** An address to listen on, and the option that chose it, for messages. */
export interface ListenChoice extends Place {
  readonly option: string;
}

/** What the gateway's protocols have in common. */
export interface ProtocolOptions {
  readonly gate: Gate;
  readonly identity: string;
  readonly listen: ListenChoice;
  /** Where other replicas bring work to: there with `forward`, null otherwise. It never forwards. */
  readonly peerListen: ListenChoice | null;
  /** The application beside this replica. */
  readonly target: Place;
  /** Told of each try to reach the application. */
  readonly targetHealth: TargetHealth;
  readonly standby: StandbyPolicy;
  /** How long work waits, unsent, for a leader to take it, in milliseconds. */
  readonly forwardWaitMs: number;
  /** Clients' connections at a time, per listener. */
  readonly connectionsMax: number;
  /** One line per request or connection. */
  readonly accessLog: boolean;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
}

/** The listeners of one protocol. */
export interface ProtocolServer {
  /** In use, also where port 0 was asked for. */
  readonly listen: Place;
  readonly peerListen: Place | null;
  /** This replica ceased to lead: clients that only wait here may find another one. */
  closeIdle(): void;
  /** The process is about to end: clients are told to connect elsewhere as they are served. */
  retire(): void;
  /** Takes no more connections, lets what runs end, and after `graceMs` ends what is left. Never rejects. */
  close(graceMs: number): Promise<void>;
}
