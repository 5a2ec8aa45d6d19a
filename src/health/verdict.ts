import type { CheckResult } from './check.ts';

/** How many checks in a row decide. */
export interface Thresholds {
  readonly failures: number;
  readonly successes: number;
}

/** What the checks so far amount to. */
export interface Verdict {
  /** `unknown` until the first success, or until so many failures that nobody is to be left waiting for a word. */
  readonly standing: 'unknown' | 'healthy' | 'unhealthy';
  /** Failures in a row, up to the last check. */
  readonly failures: number;
  /** Those of them, up to the last, that found nothing listening. */
  readonly refusals: number;
  /** Successes in a row, up to the last check. */
  readonly successes: number;
  /** Successes in a row after which it counts as healthy again. */
  readonly successesNeeded: number;
  /** Checks since it became healthy. */
  readonly healthyChecks: number;
  /** The application is gone: enough checks in a row found nothing listening. */
  readonly ended: boolean;
}

/** One that fails again before so many checks have passed flaps. */
const STEADY_CHECKS = 60;
/** What a recovery takes at most, where fewer are asked for. */
const SUCCESSES_NEEDED_MAX = 60;

export const UNKNOWN: Verdict = {
  standing: 'unknown',
  failures: 0,
  refusals: 0,
  successes: 0,
  // At its start an application is fit as soon as it says so.
  successesNeeded: 1,
  healthyChecks: 0,
  ended: false,
};

/**
 * Takes one check into account. An application that turns unhealthy again soon after a recovery must be well for twice as long
 * as the last time, so that it does not move leadership back and forth.
 */
export function judge(before: Verdict, result: CheckResult, thresholds: Thresholds): Verdict {
  const refusals = !result.ok && result.why === 'refused' ? before.refusals + 1 : 0;
  const counted: Verdict = {
    ...before,
    failures: result.ok ? 0 : before.failures + 1,
    refusals,
    successes: result.ok ? before.successes + 1 : 0,
    healthyChecks: before.standing === 'healthy' ? before.healthyChecks + 1 : 0,
    ended: refusals >= thresholds.failures,
  };
  if (counted.standing !== 'healthy' && counted.successes >= counted.successesNeeded) {
    return { ...counted, standing: 'healthy', healthyChecks: 1 };
  }
  if (counted.standing !== 'unhealthy' && counted.failures >= thresholds.failures) {
    return { ...counted, standing: 'unhealthy', successesNeeded: neededAfter(counted, thresholds) };
  }
  return counted;
}

/** @param failing the verdict that has just turned unhealthy */
function neededAfter({ standing, successesNeeded, healthyChecks }: Verdict, { successes }: Thresholds): number {
  if (standing === 'unknown') return UNKNOWN.successesNeeded;
  if (healthyChecks >= STEADY_CHECKS) return successes;
  return Math.max(successes, Math.min(successesNeeded * 2, SUCCESSES_NEEDED_MAX));
}
