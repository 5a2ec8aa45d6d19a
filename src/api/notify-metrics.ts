import Counter from 'prom-client/lib/counter.js';
import Histogram from 'prom-client/lib/histogram.js';
import type Registry from 'prom-client/lib/registry.js';
import type { NotifyMetrics } from '../ports/notify-metrics.ts';

/** What notifying counts, in the registry of all other metrics. */
export function createNotifyMetrics(registry: Registry): NotifyMetrics {
  const registers = [registry];
  const total = new Counter({
    name: 'leasegate_notifications_total',
    help: 'Tries to tell the application of a change, and notifications that were given up or superseded.',
    labelNames: ['channel', 'event', 'outcome'],
    registers,
  });
  const seconds = new Histogram({
    name: 'leasegate_notification_duration_seconds',
    help: 'Time from a change to its delivery.',
    labelNames: ['channel'],
    buckets: [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 60],
    registers,
  });
  return {
    ended: (channel, event, outcome) => total.inc({ channel, event, outcome }),
    delivered: (channel, tookMs) => seconds.observe({ channel }, tookMs / 1_000),
  };
}
