import type { Config } from '../config/load.ts';
import type { Clock, Random, Timers } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import type { Membership } from '../ports/membership.ts';
import type { FairShare } from '../shares/fair-share.ts';
import type { Election } from './election.ts';

export interface SharePorts {
  readonly membership: Membership;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Logger;
}

/** What spreads the elections over the members, to be started. Its code is loaded only then. */
export async function openShares(
  elections: readonly Election[],
  { leaseDurationMs, retryPeriodMs }: Config['timings'],
  ports: SharePorts,
): Promise<FairShare> {
  const { FairShare } = await import('../shares/fair-share.ts');
  const shared = elections.map(({ leadership, runner }) => ({ leadership, control: runner }));
  return new FairShare({ ...ports, elections: shared, leaseDurationMs, retryPeriodMs });
}
