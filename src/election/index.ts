/**
 * The decision logic of one election: no clock, no I/O, no logger, no randomness. `step` takes what is known, what happened
 * and when; it returns what is known next and what to do about it.
 *
 * Guaranteed, as long as clock rates differ by less than leaseDuration − renewDeadline allows and the store honours
 * compare-and-swap: no two replicas' tenures overlap. Not guaranteed: that the application stops in time (fence its writes
 * with the token), nor anything after somebody else edited the Lease's spec by hand.
 */

export { nextWake } from './act.ts';
export {
  type Candidacy,
  type CandidacyBar,
  candidacyBar,
  DEFAULT_CANDIDACY,
  effectivePriority,
  PRIORITY_MAX,
} from './candidacy.ts';
export { freshRenewTime } from './content.ts';
export { standsAtMonoMs } from './coordinated.ts';
export { formatIdentity, parseIdentity, podOfIdentity } from './identity.ts';
export { InvariantError } from './invariants.ts';
export type { ElectionEffect, ElectionEvent, ReleaseResult, Report, RequestOutcome, StopReason } from './messages.ts';
export { type Challenger, compareResourceVersions, type LeaseContent, type LeaseRecord } from './record.ts';
export { predecessorTrustedUntilMonoMs } from './sighting.ts';
export { type ElectionConfig, type ElectionState, initialState } from './state.ts';
export { step } from './step.ts';
export type { ElectionTimings, Instant, Validity } from './timing.ts';
export { type ElectionView, viewOf } from './view.ts';
