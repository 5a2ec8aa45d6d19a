/** The ways in which a leader becomes visible to Kubernetes. */
export type PublisherName = 'label' | 'readiness-gate' | 'endpointslice';

/** What publishing counts. Implemented with prom-client in `src/api`. */
export interface PublishMetrics {
  /** A request, or what it found, stands in the way: `code` is a failure's, in kebab-case. */
  failed(publisher: PublisherName, code: string): void;
  /** Whether the cluster is known to say what this replica has to say. */
  inEffect(publisher: PublisherName, yes: boolean): void;
  /** Somebody else had changed it, and it was put right. */
  reasserted(publisher: PublisherName): void;
}
