import { campaigns, PRIORITY_MAX, PRIORITY_UNHEALTHY } from './candidacy.ts';
import { isAppointed } from './coordinated.ts';
import { isPredecessor } from './identity.ts';
import { claimableAtMonoMs, isUncontested } from './sighting.ts';
import type { ElectionState } from './state.ts';

type Known = Omit<ElectionState, 'finished'>;

/** When this replica will try to claim the Lease, as things stand; infinite when it will not. */
export function claimAtMonoMs(state: Known): number {
  if (!campaigns(state) || isFoundOutdated(state)) return Number.POSITIVE_INFINITY;
  const claimableMonoMs = claimableAtMonoMs(state.sighting, state);
  if (state.config.coordinated) {
    const asideUntilMonoMs = Math.max(state.holdOffUntilMonoMs, state.standAsideUntilMonoMs);
    return isAppointed(state) ? Math.max(claimableMonoMs, asideUntilMonoMs) : Number.POSITIVE_INFINITY;
  }
  return isNamed(state) ? claimableMonoMs : Math.max(claimableMonoMs + headStartMs(state), state.holdOffUntilMonoMs);
}

/** A claim of this version met a conflict. */
function isFoundOutdated({ sighting, outdatedVersion }: Known): boolean {
  return sighting.kind === 'present' && sighting.record.resourceVersion === outdatedVersion;
}

/** Whether the Lease was handed over to this replica, or to the process before it in this pod. */
export function isNamed({ sighting, eligible, config }: Known): boolean {
  if (sighting.kind !== 'present' || !eligible) return false;
  const { nextHolder } = sighting.record;
  return nextHolder === config.identity || isPredecessor(nextHolder, config.identity);
}

/**
 * How long whoever stands back leaves a claimable Lease to others. Counted from when it could be claimed, so that nothing that is
 * said meanwhile puts it off: where nobody comes, it is leaderless for no longer than that.
 */
const STAND_BACK_RETRY_PERIODS = 2;

/**
 * For how long a claimable Lease is left to others: those of higher priority, whoever the last holder named, whoever it is stood
 * back for, and, without a healthy application, everybody that has one. Needs no list of candidates: whoever is there is faster.
 */
function headStartMs({ sighting, eligible, config, sentRenewTimes, standsBack }: Known): number {
  const { retryPeriodMs, renewDeadlineMs } = config.timings;
  if (!eligible) return renewDeadlineMs;
  const record = sighting.kind === 'present' ? sighting.record : null;
  // Of our own record, or our dead predecessor's, the others wait out the duration.
  if (record !== null && record.holder !== '' && isUncontested(record, { config, sentRenewTimes })) return 0;
  const rankMs = ((PRIORITY_MAX - config.candidacy.priority) * retryPeriodMs) / PRIORITY_MAX;
  const namedMs = record !== null && record.nextHolder !== '' ? retryPeriodMs : 0;
  return namedMs + rankMs + (standsBack ? STAND_BACK_RETRY_PERIODS * retryPeriodMs : 0);
}

/**
 * When this replica will ask the holder to give way; infinite when it will not. It has then seen the term stand for a lease
 * duration, and been healthy for as long: what comes and goes moves nobody.
 */
export function challengeAtMonoMs(state: Known): number {
  const { sighting, config, eligible, eligibleSinceMonoMs } = state;
  const { priority, preempt } = config.candidacy;
  const never = Number.POSITIVE_INFINITY;
  if (config.coordinated || !campaigns(state) || !eligible || sighting.kind !== 'present' || isFoundOutdated(state))
    return never;
  const { record, rewind, termSinceMonoMs } = sighting;
  const holderPriority = record.holderPriority ?? PRIORITY_MAX;
  if (isUncontested(record, state) || holderPriority >= priority) return never;
  // A clone of this process could not be told apart by name.
  if (record.holder === config.identity) return never;
  if (!preempt && holderPriority !== PRIORITY_UNHEALTHY) return never;
  // One that ranks as high or higher has asked already.
  const { challenger } = record;
  if (challenger !== null && challenger.identity !== config.identity && challenger.priority >= priority) return never;
  const settledMonoMs = Math.max(termSinceMonoMs, eligibleSinceMonoMs) + config.timings.leaseDurationMs;
  const pastMonoMs = rewind?.untilMonoMs ?? Number.NEGATIVE_INFINITY;
  return Math.max(settledMonoMs + headStartMs(state), state.challengeAfterMonoMs, pastMonoMs);
}

/**
 * When a Lease that is free, missing or expired will have been so for a lease duration while this replica may not claim it;
 * infinite when it does not come to that, as things stand. Then nobody who could lead is there.
 */
export function unclaimedAtMonoMs(state: Known): number {
  const { tenure, stoppingWork, releaseByMonoMs, desire, sighting, config } = state;
  const idle = tenure === null && stoppingWork === null && releaseByMonoMs === null && desire !== 'stop';
  if (!idle || campaigns(state)) return Number.POSITIVE_INFINITY;
  return claimableAtMonoMs(sighting, state) + config.timings.leaseDurationMs;
}
