import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import type Registry from 'prom-client/lib/registry.js';
import type { Leadership } from '../leadership/leadership.ts';
import type { ElectionMetrics } from '../ports/metrics.ts';
import type { BoundLabel } from './bound-labels.ts';

/**
 * What elections count, in the registry of all other metrics: each under the name of its Lease, as client-go does. Gauges of
 * leadership are evaluated at the scrape, as every other answer is.
 */
export function createElectionMetrics(
  registry: Registry,
  bound: BoundLabel,
): (election: Leadership) => ElectionMetrics {
  const registers = [registry];
  const elections = new Map<string, Leadership>();
  const counter = <Label extends string>(name: string, help: string, labels: readonly Label[] = []) =>
    new Counter<Label | 'name'>({ name, help, labelNames: ['name', ...labels], registers });
  const gauge = <Label extends string>(name: string, help: string, labels: readonly Label[] = []) =>
    new Gauge<Label | 'name'>({ name, help, labelNames: ['name', ...labels], registers });
  const atScrape = (name: string, help: string, read: (election: Leadership) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['name'],
      registers,
      collect() {
        for (const [lease, election] of elections) this.set({ name: lease }, read(election));
      },
    });

  atScrape(
    'leader_election_master_status',
    'Whether this replica leads (1) or not (0), under the name that client-go uses.',
    (election) => (election.isLeader() ? 1 : 0),
  );
  const slowPaths = counter(
    'leader_election_slowpath_total',
    'Renewals for which the Lease had to be read again, under the name that client-go uses.',
  );
  atScrape(
    'leasegate_valid_seconds',
    'Seconds for which leadership holds without another renewal; 0 on a standby.',
    (election) => election.validForMs() / 1_000,
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

  return (election) => {
    const { name } = election.lease();
    elections.set(name, election);
    // Series that alerts and rates look at exist before the first of their events.
    slowPaths.inc({ name }, 0);
    renewals.inc({ name }, 0);
    transitions.inc({ name, to: 'leader', reason: ACQUIRED }, 0);
    watchUp.set({ name }, 0);
    unclaimedLease.set({ name }, 0);
    for (const why of BARS) bars.set({ name, why }, 0);
    return {
      renewed: () => renewals.inc({ name }),
      renewalFailed: (reason) => renewalFailures.inc({ name, reason: bound('renewal', reason) }),
      slowPath: () => slowPaths.inc({ name }),
      started: () => transitions.inc({ name, to: 'leader', reason: ACQUIRED }),
      stopped: (reason) => transitions.inc({ name, to: 'standby', reason: bound('stopped', reason) }),
      watchRestarted: (reason) => watchRestarts.inc({ name, reason: bound('watch', reason) }),
      watching: (up) => watchUp.set({ name }, up ? 1 : 0),
      candidacy(bar) {
        for (const why of BARS) bars.set({ name, why }, why === bar ? 1 : 0);
      },
      applicationHealthy(healthy) {
        applicationHealth ??= new Gauge({
          name: 'leasegate_application_healthy',
          help: 'Whether the health check finds the application healthy (1). Absent without a health check.',
          registers,
        });
        applicationHealth.set(healthy ? 1 : 0);
      },
      unclaimed: (unclaimed) => unclaimedLease.set({ name }, unclaimed ? 1 : 0),
    };
  };
}

const BARS = ['never-lead', 'paused', 'unhealthy', 'stopping'] as const;
const ACQUIRED = 'acquired';
