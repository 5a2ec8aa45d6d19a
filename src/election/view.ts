import { isUnclaimed } from './coordinated.ts';
import { recordDurationMs } from './sighting.ts';
import type { ElectionState } from './state.ts';
import type { Validity } from './timing.ts';

/** What the rest of the house may know of an election; see `src/leadership`. */
export interface ElectionView {
  readonly tenure: { readonly fencingToken: string; readonly validity: Validity; readonly accepting: boolean } | null;
  readonly leaseUid: string | null;
  readonly holder: {
    readonly identity: string;
    readonly address: string | null;
    readonly knownUntilMonoMs: number;
  } | null;
  readonly term: { readonly transitions: number; readonly acquireTime: string | null } | null;
}

/**
 * The present view. A holder is shown no longer than its record, unchanged, is valid by this replica's own clock, and not before it
 * has claimed what it was given.
 */
export function viewOf(state: ElectionState): ElectionView {
  const { tenure, sighting, config } = state;
  const record = sighting.kind === 'present' ? sighting.record : null;
  const held = record !== null && record.holder !== '' && !(config.coordinated && isUnclaimed(record));
  return {
    tenure:
      tenure === null
        ? null
        : { fencingToken: tenure.fencingToken, validity: tenure.validity, accepting: tenure.handOver === null },
    leaseUid: record?.uid ?? null,
    holder:
      held && sighting.kind === 'present'
        ? {
            identity: record.holder,
            address: record.holderAddress,
            knownUntilMonoMs: sighting.sinceMonoMs + recordDurationMs(record, config),
          }
        : null,
    term: held ? { transitions: record.transitions, acquireTime: record.acquireTime } : null,
  };
}
