import type { AppHealthConfig } from '../config/load.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';

/** Whom the application's health concerns: the runner. */
export interface Candidate {
  setEligible(eligible: boolean, why: string, options?: { readonly ended?: boolean }): void;
}

/** Several elections that share one application. */
export function allOf(candidates: readonly Candidate[]): Candidate {
  return {
    setEligible: (eligible, why, options) => {
      for (const candidate of candidates) candidate.setEligible(eligible, why, options);
    },
  };
}

interface Ports {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Logger;
}

/**
 * Lets the application's health decide on this replica's candidacy: not before its first good check does it campaign. The code is
 * loaded only where it is asked for. Returns the way to end it.
 */
export async function followHealth(config: AppHealthConfig, candidate: Candidate, ports: Ports): Promise<() => void> {
  candidate.setEligible(false, 'not-checked');
  const [{ createCheck }, { HealthMonitor }] = await Promise.all([
    import('../health/check.ts'),
    import('../health/monitor.ts'),
  ]);
  const { target, ...times } = config;
  const monitor = new HealthMonitor({
    ...times,
    ...ports,
    check: await createCheck(target),
    onChange: ({ healthy, why, ended }) => candidate.setEligible(healthy, why, { ended }),
  });
  monitor.start();
  return () => monitor.stop();
}
