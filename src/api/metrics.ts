import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Histogram from 'prom-client/lib/histogram.js';
import Registry from 'prom-client/lib/registry.js';
import type { Leadership } from '../leadership/leadership.ts';
import type { GatewayMetrics } from '../ports/gateway-metrics.ts';
import type { CandidateStanding } from '../ports/lease-candidates.ts';
import type { Membership } from '../ports/membership.ts';
import type { ClientMetrics, ElectionMetrics } from '../ports/metrics.ts';
import type { NotifyMetrics } from '../ports/notify-metrics.ts';
import type { PublishMetrics } from '../ports/publish-metrics.ts';
import { boundedLabels } from './bound-labels.ts';
import { registerCandidateMetrics } from './candidate-metrics.ts';
import { createElectionMetrics } from './election-metrics.ts';
import { createGatewayMetrics } from './gateway-metrics.ts';
import { registerMemberMetrics } from './member-metrics.ts';
import { createNotifyMetrics } from './notify-metrics.ts';
import { registerProcessMetrics } from './process-metrics.ts';
import { createPublishMetrics } from './publish-metrics.ts';

/** What `GET /metrics` serves. */
export interface MetricsPage {
  readonly contentType: string;
  /** Everything in Prometheus' text format, as of now. */
  scrape(): Promise<string>;
}

/** What only replicas with a gateway count. */
export interface MetricsWithGateway {
  /** Adds the gateway's metrics to the page. To be called once. */
  withGateway(): GatewayMetrics;
}

/** What only replicas that publish count. */
export interface MetricsWithPublishing {
  /** Adds the metrics of publishing to the page. To be called once. */
  withPublishing(): PublishMetrics;
}

/** What only replicas that notify count. */
export interface MetricsWithNotifying {
  /** Adds the metrics of notifications to the page. To be called once. */
  withNotifying(): NotifyMetrics;
}

/** What only replicas that know of members count. */
export interface MetricsWithMembers {
  /** Adds what is seen of the members to the page. To be called once. */
  withMembers(membership: Membership): void;
  /** Adds those of a coordinated election. */
  withCandidate(standing: CandidateStanding): void;
}

/** What each election counts. */
export interface MetricsOfElections {
  /** Adds the metrics of one election to the page, under the name of its Lease. */
  withElection(leadership: Leadership): ElectionMetrics;
}

/** Counts in a registry of its own. */
export function createMetrics({
  version,
}: {
  readonly version: string;
}): ClientMetrics &
  MetricsPage &
  MetricsOfElections &
  MetricsWithGateway &
  MetricsWithPublishing &
  MetricsWithNotifying &
  MetricsWithMembers {
  const registry = new Registry();
  const registers = [registry];
  const bound = boundedLabels(LABEL_VALUES_MAX);
  const withElection = createElectionMetrics(registry, bound);
  const requests = new Counter({
    name: 'leasegate_api_requests_total',
    help: 'Requests to the Kubernetes API server.',
    labelNames: ['verb', 'outcome'],
    registers,
  });
  const requestSeconds = new Histogram({
    name: 'leasegate_api_request_duration_seconds',
    help: 'Time that requests to the Kubernetes API server took, watches left out.',
    labelNames: ['verb'],
    buckets: [0.005, 0.025, 0.1, 0.5, 2.5, 10],
    registers,
  });
  const eventsDropped = new Counter({
    name: 'leasegate_events_dropped_total',
    help: 'Kubernetes Events that could not be written.',
    labelNames: ['reason'],
    registers,
  });
  new Gauge({
    name: 'leasegate_build_info',
    help: 'Always 1; the label holds the version.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1);
  registerProcessMetrics(registry);

  return {
    contentType: registry.contentType,
    scrape: () => registry.metrics(),
    withElection,
    withGateway: () => createGatewayMetrics(registry),
    withPublishing: () => createPublishMetrics(registry),
    withNotifying: () => createNotifyMetrics(registry),
    withCandidate: (standing) => registerCandidateMetrics(registry, standing),
    withMembers: (membership) => registerMemberMetrics(registry, membership),
    request(verb, outcome, durationMs) {
      requests.inc({ verb, outcome: bound('outcome', outcome) });
      if (verb !== 'watch') requestSeconds.observe({ verb }, durationMs / 1_000);
    },
    eventDropped: (reason) => eventsDropped.inc({ reason: bound('event', reason) }),
  };
}

const LABEL_VALUES_MAX = 24;
