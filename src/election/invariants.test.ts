import { describe, expect, test } from 'vitest';
import { CONFIG, leader, lease, standby, stored, TIMINGS } from './driver.fixture.ts';
import { type ElectionState, InvariantError, initialState } from './index.ts';
import { assertInvariants } from './invariants.ts';

const leading = leader().replica.state;
const claiming = standby(lease({ holder: '' })).tick().state;

describe('a state that the rules cannot produce fails closed', () => {
  const tenure = leading.tenure!;
  const broken: [string, Partial<ElectionState>][] = [
    ['a leader that never saw its Lease', { sighting: { kind: 'unknown', former: null } }],
    ['a leader whose record names another', { tenure: { ...tenure, record: lease() } }],
    ['a tenure over two Leases', { tenure: { ...tenure, leaseUid: 'lease-2' } }],
    ['a leader that does not campaign', { desire: 'pause' }],
    ['a hand-over that stops no work', { tenure: { ...tenure, handOver: 'step-down' } }],
    ['work that is stopped while leadership goes on', { stoppingWork: 'expired' }],
    ['a leader that claims', { pending: claiming.pending }],
    ['a release during a tenure', { releaseByMonoMs: 1 }],
    [
      'a claim while work of the last tenure still stops',
      { tenure: null, stoppingWork: 'expired', pending: claiming.pending },
    ],
    [
      'a release while work still stops',
      {
        tenure: null,
        stoppingWork: 'expired',
        pending: { ...claiming.pending!, purpose: 'release' } as ElectionState['pending'],
      },
    ],
    ['an end with a tenure', { finished: true }],
    ['an end with work that still stops', { finished: true, tenure: null, stoppingWork: 'expired' }],
    ['an end with a request under way', { finished: true, tenure: null, pending: claiming.pending }],
  ];
  test.each(broken)('%s', (_, fields) => {
    expect(() => assertInvariants(leading)).not.toThrow();
    expect(() => assertInvariants({ ...leading, ...fields })).toThrow(InvariantError);
  });
});

test('an answer that names another holder than the claim asked for is no tenure but a defect', () => {
  const replica = standby(lease({ holder: '' })).tick();
  const record = { ...stored(replica.the('update').content, '101'), holder: 'somebody' };
  expect(() => replica.reply({ kind: 'ok', record })).toThrow("a leader's record names it as the holder");
});

test('an election that could not be safe is not begun', () => {
  expect(() => initialState({ ...CONFIG, timings: { ...TIMINGS, renewDeadlineMs: 15_000 } })).toThrow(
    expect.objectContaining({ code: 'ELECTION_INVARIANT' }),
  );
});
