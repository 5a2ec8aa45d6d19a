import { campaigns } from './candidacy.ts';
import type { ElectionState } from './state.ts';
import type { ElectionTimings } from './timing.ts';

/** A state that the rules cannot produce: a defect. Whoever catches it must stop leading at once. */
export class InvariantError extends Error {
  readonly code = 'ELECTION_INVARIANT';
  constructor(claim: string) {
    super(`election invariant broken: ${claim}`);
    this.name = 'InvariantError';
  }
}

/** `src/config` tells people what is wrong with their options; this keeps what is unsafe from ever running. */
export function assertTimings({ leaseDurationMs, renewDeadlineMs }: ElectionTimings): void {
  const writable = leaseDurationMs > 0 && leaseDurationMs % 1_000 === 0;
  assert(writable, 'a lease duration is written in whole seconds');
  assert(renewDeadlineMs < leaseDurationMs, 'a leader stops before its Lease expires');
}

/** Checked after every step, in production too: failing closed is cheaper than two leaders. */
export function assertInvariants(state: ElectionState): void {
  const { tenure, pending, sighting, stoppingWork, config } = state;
  if (tenure !== null) {
    assert(sighting.kind === 'present', 'a leader has seen its Lease');
    assert(tenure.record.holder === config.identity, "a leader's record names it as the holder");
    assert(tenure.record.uid === tenure.leaseUid, 'a tenure stays within one Lease');
    const goesOn = campaigns(state) || state.desire === 'retire';
    assert(tenure.handOver !== null || goesOn, 'only a campaigner leads');
    assert((tenure.handOver === null) === (stoppingWork === null), 'work stops in a tenure when it is handed over');
    assert(
      pending === null || pending.purpose === 'read' || pending.purpose === 'renew',
      'a leader only reads and renews',
    );
    assert(state.releaseByMonoMs === null, 'a Lease is released after its tenure');
  }
  if (stoppingWork !== null) {
    assert(
      pending?.purpose !== 'acquire' && pending?.purpose !== 'release',
      'no claim, no release while work still stops',
    );
  }
  assert(
    !state.finished || (tenure === null && stoppingWork === null && pending === null),
    'it ends with nothing under way',
  );
}

function assert(holds: boolean, claim: string): void {
  if (!holds) throw new InvariantError(claim);
}
