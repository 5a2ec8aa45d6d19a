import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Histogram from 'prom-client/lib/histogram.js';
import type Registry from 'prom-client/lib/registry.js';
import type { GatewayMetrics, GatewayOutcome, GatewayWork } from '../ports/gateway-metrics.ts';

interface Ended {
  readonly labels: { readonly work: GatewayWork; readonly outcome: GatewayOutcome; readonly status: string };
  count: number;
}

/**
 * What the gateway counts, in the registry of all other metrics. Counts are plain numbers until somebody asks: kept in prom-client
 * they would cost each request as much as the gateway itself does.
 */
export function createGatewayMetrics(registry: Registry): GatewayMetrics {
  const registers = [registry];
  const ended = new Map<string, Ended>();
  const inFlight = { request: 0, tunnel: 0, connection: 0 } satisfies Record<GatewayWork, number>;
  const bytes = { in: 0, out: 0 };
  const cut = { lost: 0, 'drained-too-long': 0 };
  const retried = { 'stale-connection': 0, 'not-leader': 0, unreachable: 0 };
  let refused = 0;

  const counter = <Label extends string>(name: string, help: string, label: Label, counts: Record<string, number>) =>
    new Counter<Label>({
      name,
      help,
      labelNames: [label],
      registers,
      collect() {
        this.reset();
        for (const [value, count] of Object.entries(counts))
          this.inc({ [label]: value } as Record<Label, string>, count);
      },
    });
  new Counter({
    name: 'leasegate_gateway_work_total',
    help: 'Requests, tunnels (upgraded connections) and TCP connections that have ended, by how they did.',
    labelNames: ['work', 'outcome', 'status'],
    registers,
    collect() {
      this.reset();
      for (const { labels, count } of ended.values()) this.inc(labels, count);
    },
  });
  new Gauge({
    name: 'leasegate_gateway_in_flight',
    help: 'Requests, tunnels and TCP connections under way.',
    labelNames: ['work'],
    registers,
    collect() {
      for (const [work, count] of Object.entries(inFlight)) this.set({ work }, count);
    },
  });
  const seconds = new Histogram({
    name: 'leasegate_gateway_request_duration_seconds',
    help: 'Time from the head of a request to the end of its answer; streams take as long as they do.',
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60],
    registers,
  });
  counter(
    'leasegate_gateway_bytes_total',
    'Bytes of bodies, tunnels and TCP connections: in from clients, out to them.',
    'direction',
    bytes,
  );
  counter(
    'leasegate_gateway_cut_total',
    'Work that was ended because its term was lost, or took too long to drain.',
    'why',
    cut,
  );
  counter(
    'leasegate_gateway_retries_total',
    'Requests that were sent once more, unseen by their clients.',
    'why',
    retried,
  );
  new Counter({
    name: 'leasegate_gateway_connections_refused_total',
    help: 'Connections closed at once because there were as many as may be.',
    registers,
    collect() {
      this.reset();
      this.inc(refused);
    },
  });

  return {
    begun(work) {
      inFlight[work] += 1;
    },
    ended(work, outcome, durationMs, status = 0) {
      inFlight[work] -= 1;
      const kind = CLASSES[Math.floor(status / 100)] ?? '';
      const key = work + outcome + kind;
      const series = ended.get(key);
      if (series === undefined) ended.set(key, { labels: { work, outcome, status: kind }, count: 1 });
      else series.count += 1;
      if (work === 'request') seconds.observe(durationMs / 1_000);
    },
    retried(why) {
      retried[why] += 1;
    },
    bytes(direction, count) {
      bytes[direction] += count;
    },
    cut(passages, why) {
      cut[why] += passages;
    },
    overLimit() {
      refused += 1;
    },
  };
}

/** Of HTTP statuses, by their first digit. */
const CLASSES = ['', '1xx', '2xx', '3xx', '4xx', '5xx'];
