import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import type Registry from 'prom-client/lib/registry.js';
import type { PublishMetrics } from '../ports/publish-metrics.ts';

/** What publishing counts, in the registry of all other metrics. */
export function createPublishMetrics(registry: Registry): PublishMetrics {
  const registers = [registry];
  const errors = new Counter({
    name: 'leasegate_publish_errors_total',
    help: 'Attempts to publish who leads that failed.',
    labelNames: ['publisher', 'code'],
    registers,
  });
  const inEffect = new Gauge({
    name: 'leasegate_publish_in_effect',
    help: 'Whether the cluster is known to say of this replica what it should (1) or not (0).',
    labelNames: ['publisher'],
    registers,
  });
  const reassertions = new Counter({
    name: 'leasegate_publish_reassertions_total',
    help: 'Times that something published had been changed by somebody else, and was put right.',
    labelNames: ['publisher'],
    registers,
  });
  return {
    failed: (publisher, code) => errors.inc({ publisher, code }),
    inEffect: (publisher, yes) => inEffect.set({ publisher }, yes ? 1 : 0),
    reasserted: (publisher) => reassertions.inc({ publisher }),
  };
}
