/** What one election counts. Implemented with prom-client in `src/api/election-metrics.ts`. */
export interface ElectionMetrics {
  /** The leader's Lease was renewed. */
  renewed(): void;
  /** An attempt to renew failed. */
  renewalFailed(reason: string): void;
  /** The leader had to read the Lease again before it could renew (client-go's slow path). */
  slowPath(): void;
  /** This replica began to lead. */
  started(): void;
  /** This replica ceased to lead. */
  stopped(reason: string): void;
  /** The watch ended and is opened anew. */
  watchRestarted(reason: string): void;
  /** Whether the watch is open (1) or the loop polls (0). */
  watching(up: boolean): void;
  /** Why this replica does not campaign: null when it does. */
  candidacy(bar: 'stopping' | 'never-lead' | 'paused' | 'unhealthy' | null): void;
  /** What the health check says of the application, which all elections share; not called without one. */
  applicationHealthy(healthy: boolean): void;
  /** Whether the Lease could have been claimed for a lease duration, while this replica may not. */
  unclaimed(unclaimed: boolean): void;
}

/** What the API client counts, whatever it is used for. Implemented with prom-client in `src/api/metrics.ts`. */
export interface ClientMetrics {
  /** One request to the API server has ended. `outcome` is `ok` or a `FailureKind` in kebab-case. */
  request(
    verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete',
    outcome: string,
    durationMs: number,
  ): void;
  /** A Kubernetes Event could not be written. */
  eventDropped(reason: string): void;
}

/** All of it, as one election by itself counts. */
export type Metrics = ElectionMetrics & ClientMetrics;
