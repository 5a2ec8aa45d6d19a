/** What goes through the gateway: a request and its response, a tunnel (WebSocket), or a TCP connection. */
export type GatewayWork = 'request' | 'tunnel' | 'connection';

/**
 * How it ended. `served` by the local application, `forwarded` to the leader; `refused` on a standby, `no-leader` when none
 * was found in time, `leader-unreachable`; `invalid` requests never reached anybody; `upstream-…` speaks of the application;
 * `aborted` by the client; `cut` with the term.
 */
export type GatewayOutcome =
  | 'served'
  | 'forwarded'
  | 'refused'
  | 'no-leader'
  | 'leader-unreachable'
  | 'invalid'
  | 'upstream-refused'
  | 'upstream-reset'
  | 'upstream-timeout'
  | 'upstream-invalid'
  | 'aborted'
  | 'cut';

/** What the gateway counts. Implemented with prom-client in `src/api`. */
export interface GatewayMetrics {
  /** Work has begun. */
  begun(work: GatewayWork): void;
  /** Work that had begun has ended. `status` is what a client was told by HTTP; 0 where it was told nothing. */
  ended(work: GatewayWork, outcome: GatewayOutcome, durationMs: number, status?: number): void;
  /** A request was sent once more: over a new connection, or because whom it was sent to does not lead (or live) any more. */
  retried(why: 'stale-connection' | 'not-leader' | 'unreachable'): void;
  /** Bytes of bodies, tunnels and connections, `in` from clients and `out` to them. */
  bytes(direction: 'in' | 'out', count: number): void;
  /** Passages cut, since the term was `lost`, or its end had `drained-too-long`. */
  cut(passages: number, why: 'lost' | 'drained-too-long'): void;
  /** A connection beyond the limit was closed at once. */
  overLimit(): void;
}
