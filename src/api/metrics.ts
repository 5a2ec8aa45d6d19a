import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Histogram from 'prom-client/lib/histogram.js';
import Registry from 'prom-client/lib/registry.js';
import type { Leadership } from '../leadership/leadership.ts';
import type { GatewayMetrics } from '../ports/gateway-metrics.ts';
import type { Membership } from '../ports/membership.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { NotifyMetrics } from '../ports/notify-metrics.ts';
import type { PublishMetrics } from '../ports/publish-metrics.ts';
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
}

export interface MetricsOptions {
  readonly leadership: Leadership;
  /** The Lease's name: the `name` label of client-go's metrics. */
  readonly leaseName: string;
  readonly version: string;
}

/** Counts in a registry of its own. Gauges of leadership are evaluated at the scrape, as every other answer is. */
export function createMetrics({
  leadership,
  leaseName,
  version,
}: MetricsOptions): Metrics &
  MetricsPage &
  MetricsWithGateway &
  MetricsWithPublishing &
  MetricsWithNotifying &
  MetricsWithMembers {
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter<Label>({ name, help, labelNames, registers });
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Gauge<Label>({ name, help, labelNames, registers });
  const atScrape = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });

  new Gauge({
    name: 'leader_election_master_status',
    help: 'Whether this replica leads (1) or not (0), under the name that client-go uses.',
    labelNames: ['name'],
    registers,
    collect() {
      this.set({ name: leaseName }, leadership.isLeader() ? 1 : 0);
    },
  });
  const slowPaths = counter(
    'leader_election_slowpath_total',
    'Renewals for which the Lease had to be read again, under the name that client-go uses.',
    ['name'],
  );
  atScrape(
    'leasegate_valid_seconds',
    'Seconds for which leadership holds without another renewal; 0 on a standby.',
    () => leadership.validForMs() / 1_000,
  );
  const renewals = counter('leasegate_renewals_total', 'Renewals that the API server acknowledged.');
  const renewalFailures = counter('leasegate_renewal_failures_total', 'Attempts to renew that failed.', ['reason']);
  const transitions = counter('leasegate_transitions_total', 'Changes of this replica to leader or to standby.', [
    'to',
    'reason',
  ]);
  const watchRestarts = counter('leasegate_watch_restarts_total', 'Times that the watch ended and was opened anew.', [
    'reason',
  ]);
  const watchUp = gauge('leasegate_watch_up', 'Whether changes are watched (1) or polled for (0).');
  const requests = counter('leasegate_api_requests_total', 'Requests to the Kubernetes API server.', [
    'verb',
    'outcome',
  ]);
  const requestSeconds = new Histogram({
    name: 'leasegate_api_request_duration_seconds',
    help: 'Time that requests to the Kubernetes API server took, watches left out.',
    labelNames: ['verb'],
    buckets: [0.005, 0.025, 0.1, 0.5, 2.5, 10],
    registers,
  });
  const bars = gauge(
    'leasegate_candidacy_barred',
    'Whether this replica does not campaign for this reason (1). All are 0 while it does.',
    ['why'],
  );
  const unclaimedLease = gauge(
    'leasegate_unclaimed',
    'Whether the Lease was left unclaimed for a lease duration or longer, while this replica may not claim it (1).',
  );
  let applicationHealth: Gauge | null = null;
  const eventsDropped = counter('leasegate_events_dropped_total', 'Kubernetes Events that could not be written.', [
    'reason',
  ]);
  gauge('leasegate_build_info', 'Always 1; the label holds the version.', ['version']).set({ version }, 1);
  registerProcessMetrics(registry);

  // Series that alerts and rates look at exist before the first of their events.
  slowPaths.inc({ name: leaseName }, 0);
  transitions.inc({ to: 'leader', reason: ACQUIRED }, 0);
  for (const why of BARS) bars.set({ why }, 0);

  const bound = boundedLabels(LABEL_VALUES_MAX);
  return {
    contentType: registry.contentType,
    scrape: () => registry.metrics(),
    withGateway: () => createGatewayMetrics(registry),
    withPublishing: () => createPublishMetrics(registry),
    withNotifying: () => createNotifyMetrics(registry),
    withMembers: (membership) => registerMemberMetrics(registry, membership),
    request(verb, outcome, durationMs) {
      requests.inc({ verb, outcome: bound('outcome', outcome) });
      if (verb !== 'watch') requestSeconds.observe({ verb }, durationMs / 1_000);
    },
    renewed: () => renewals.inc(),
    renewalFailed: (reason) => renewalFailures.inc({ reason: bound('renewal', reason) }),
    slowPath: () => slowPaths.inc({ name: leaseName }),
    started: () => transitions.inc({ to: 'leader', reason: ACQUIRED }),
    stopped: (reason) => transitions.inc({ to: 'standby', reason: bound('stopped', reason) }),
    watchRestarted: (reason) => watchRestarts.inc({ reason: bound('watch', reason) }),
    watching: (up) => watchUp.set(up ? 1 : 0),
    candidacy(bar) {
      for (const why of BARS) bars.set({ why }, why === bar ? 1 : 0);
    },
    applicationHealthy(healthy) {
      applicationHealth ??= gauge(
        'leasegate_application_healthy',
        'Whether the health check finds the application healthy (1). Absent without a health check.',
      );
      applicationHealth.set(healthy ? 1 : 0);
    },
    unclaimed: (unclaimed) => unclaimedLease.set(unclaimed ? 1 : 0),
    eventDropped: (reason) => eventsDropped.inc({ reason: bound('event', reason) }),
  };
}

const BARS = ['never-lead', 'paused', 'unhealthy', 'stopping'] as const;
const ACQUIRED = 'acquired';
const LABEL_VALUES_MAX = 24;

/** Lets the first `valuesMax` values of each kind pass and calls the rest `other`: a series per value is never freed. */
function boundedLabels(valuesMax: number): (kind: string, value: string) => string {
  const seen = new Map<string, Set<string>>();
  return (kind, value) => {
    const values = seen.get(kind) ?? new Set();
    seen.set(kind, values);
    if (!values.has(value) && values.size >= valuesMax) return 'other';
    values.add(value);
    return value;
  };
}
