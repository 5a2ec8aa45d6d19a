import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import type Registry from 'prom-client/lib/registry.js';
import type { CandidateStanding } from '../ports/lease-candidates.ts';

/** How this replica stands in a coordinated election, in the registry of all other metrics. */
export function registerCandidateMetrics(registry: Registry, standing: CandidateStanding): void {
  const registers = [registry];
  new Gauge({
    name: 'leasegate_candidate',
    help: 'Whether this replica stands as a candidate of a coordinated election (1).',
    registers,
    collect() {
      this.set(standing.stands() ? 1 : 0);
    },
  });
  new Counter({
    name: 'leasegate_candidate_pings_total',
    help: 'Questions of the API server whether this candidate is alive that were answered.',
    registers,
    collect() {
      this.reset();
      this.inc(standing.pingsAnswered());
    },
  });
}
