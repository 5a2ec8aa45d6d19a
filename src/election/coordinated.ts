import { campaigns } from './candidacy.ts';
import type { LeaseRecord } from './record.ts';
import type { ElectionConfig, ElectionState } from './state.ts';

/**
 * A coordinated election (KEP-4355): a controller in the API server chooses the holder among candidates and writes its name
 * into the Lease. Whoever is named has to claim it by a write of its own; nobody takes a Lease that does not name it.
 *
 * The controller judges by wall clocks. So a name in the Lease says who is to lead next, and not that nobody leads any more:
 * see `formerUntilMonoMs` of a sighting.
 */
type Known = Omit<ElectionState, 'finished'>;

/** Whether the record names this replica and nobody has claimed it: the controller leaves acquireTime out. */
export function isAssignment(record: LeaseRecord, { coordinated, identity }: ElectionConfig): boolean {
  return coordinated === true && record.holder === identity && record.acquireTime === null;
}

/** The controller gives whoever it names 5 s, and no acquireTime; client-go's leaders have none either, but their own duration. */
export function isUnclaimed({ acquireTime, leaseDurationMs }: LeaseRecord): boolean {
  return acquireTime === null && leaseDurationMs === 5_000;
}

/** Whether the Lease is this replica's to claim. */
export function isAppointed({ sighting, config }: Known): boolean {
  return sighting.kind === 'present' && sighting.record.holder === config.identity && !asksToGiveWay(sighting.record);
}

/**
 * Whether this replica, which does not lead, has to free the Lease so that the controller goes on.
 * - The Lease names it while another one is preferred: the controller writes nothing while the holder is the best candidate that
 *   is left, not even where the Lease has expired. Only its holder can move it on.
 * - The Lease has no holder at all, as a manifest makes it: where it has a candidate, kube-apiserver (1.36.3) follows the missing
 *   pointer and crashes, again and again. An empty name is taken for what it is.
 */
export function isToBeFreed(state: Known): boolean {
  const { sighting, config, tenure, desire } = state;
  if (config.coordinated !== true || tenure !== null || desire === 'stop' || sighting.kind !== 'present') return false;
  const { record } = sighting;
  return record.holderUnset ? campaigns(state) : record.holder === config.identity && asksToGiveWay(record);
}

/** Whether the controller prefers another than the holder. */
export function asksToGiveWay({ preferredHolder, holder }: LeaseRecord): boolean {
  return preferredHolder !== '' && preferredHolder !== holder;
}

/**
 * After a step-down no candidate for this long: the controller looks every 5 s, and waits 5 s for candidates that do not
 * answer, before it chooses another.
 */
export const STAND_ASIDE_MS = 15_000;

/**
 * When this replica is to be a candidate; infinite while it must not be chosen. It withdraws before it releases what it gives
 * up on purpose, and is none before it has seen the Lease, with a field for a holder: whoever was named before that must be
 * waited out.
 */
export function standsAtMonoMs(state: Known): number {
  const { config, sighting, tenure, stoppingWork, releaseByMonoMs, standAsideUntilMonoMs } = state;
  const never = Number.POSITIVE_INFINITY;
  if (config.coordinated !== true || (sighting.kind === 'unknown' && sighting.former === null)) return never;
  if (sighting.kind === 'present' && sighting.record.holderUnset) return never;
  // One that retires leads on, and would be asked to give way if it were no candidate.
  if (tenure !== null && tenure.handOver === null) return Number.NEGATIVE_INFINITY;
  // After a hand-over it stands anew, as the youngest: of candidates of one version that were created in the same second the
  // controller prefers now this one, now that one, and leadership would not come to rest.
  const handsOver = stoppingWork === 'step-down' || stoppingWork === 'preferred-holder' || releaseByMonoMs !== null;
  return handsOver || !campaigns(state) ? never : standAsideUntilMonoMs;
}
