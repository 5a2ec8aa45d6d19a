import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Histogram from 'prom-client/lib/histogram.js';
import type Registry from 'prom-client/lib/registry.js';
import type { GatewayMetrics, GatewayWork } from '../ports/gateway-metrics.ts';

/**
 * What the gateway counts, in the registry of all other metrics. Series are looked up once and kept: done for each request, that
 * would cost as much as the rest of the counting.
 */
export function createGatewayMetrics(registry: Registry): GatewayMetrics {
  const registers = [registry];
  const ended = new Counter({
    name: 'leasegate_gateway_work_total',
    help: 'Requests, tunnels (upgraded connections) and TCP connections that have ended, by how they did.',
    labelNames: ['work', 'outcome', 'status'],
    registers,
  });
  const inFlight = new Gauge({
    name: 'leasegate_gateway_in_flight',
    help: 'Requests, tunnels and TCP connections under way.',
    labelNames: ['work'],
    registers,
  });
  const seconds = new Histogram({
    name: 'leasegate_gateway_request_duration_seconds',
    help: 'Time from the head of a request to the end of its answer; streams and tunnels are as long as they are.',
    labelNames: ['outcome'],
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60],
    registers,
  });
  const bytes = new Counter({
    name: 'leasegate_gateway_bytes_total',
    help: 'Bytes of bodies, tunnels and TCP connections: in from clients, out to them.',
    labelNames: ['direction'],
    registers,
  });
  const cut = new Counter({
    name: 'leasegate_gateway_cut_total',
    help: 'Work that was ended because its term was lost, or took too long to drain.',
    labelNames: ['why'],
    registers,
  });
  const retried = new Counter({
    name: 'leasegate_gateway_retries_total',
    help: 'Requests that were sent once more, unseen by their clients.',
    labelNames: ['why'],
    registers,
  });
  const overLimit = new Counter({
    name: 'leasegate_gateway_connections_refused_total',
    help: 'Connections closed at once because there were as many as may be.',
    registers,
  });

  const endedSeries = new Map<string, { inc(): void }>();
  const secondsSeries = new Map<string, { observe(value: number): void }>();
  const flights = {
    request: inFlight.labels({ work: 'request' }),
    tunnel: inFlight.labels({ work: 'tunnel' }),
    connection: inFlight.labels({ work: 'connection' }),
  } satisfies Record<GatewayWork, object>;
  const directions = { in: bytes.labels({ direction: 'in' }), out: bytes.labels({ direction: 'out' }) };
  // Series that alerts and rates look at exist before the first of their events.
  for (const why of ['lost', 'drained-too-long']) cut.inc({ why }, 0);
  for (const series of Object.values(flights)) series.set(0);

  return {
    begun: (work) => flights[work].inc(),
    ended(work, outcome, durationMs, status = 0) {
      flights[work].dec();
      const kind = statusClass(status);
      const key = `${work} ${outcome} ${kind}`;
      kept(endedSeries, key, () => ended.labels({ work, outcome, status: kind })).inc();
      if (work !== 'request') return;
      kept(secondsSeries, outcome, () => seconds.labels({ outcome })).observe(durationMs / 1_000);
    },
    retried: (why) => retried.inc({ why }),
    bytes: (direction, count) => directions[direction].inc(count),
    cut: (passages, why) => cut.inc({ why }, passages),
    overLimit: () => overLimit.inc(),
  };
}

/** `2xx`; empty where there is none. */
function statusClass(status: number): string {
  return status === 0 ? '' : `${Math.floor(status / 100)}xx`;
}

function kept<T>(map: Map<string, T>, key: string, make: () => T): T {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}
