import { describe, expect, test } from 'vitest';
import { Driver, leader, lease, ME, OTHER, standby } from './driver.fixture.ts';
import { viewOf } from './index.ts';

describe('the view of an election', () => {
  test('is empty before anything is known', () => {
    expect(viewOf(new Driver().state)).toEqual({ tenure: null, leaseUid: null, holder: null, term: null });
  });

  test('shows the holder for as long as its record, unchanged, is valid by the own clock', () => {
    const replica = standby(lease({ holderAddress: '10.0.0.9:4042', leaseDurationMs: 20_000 }));
    expect(viewOf(replica.state)).toEqual({
      tenure: null,
      leaseUid: 'lease-1',
      holder: { identity: OTHER, address: '10.0.0.9:4042', knownUntilMonoMs: 20_000 },
      term: { transitions: 3, acquireTime: '2026-01-01T00:00:00.000000Z' },
    });
  });

  test('shows neither holder nor term of a free Lease', () => {
    expect(viewOf(standby(lease({ holder: '' })).state)).toEqual({
      tenure: null,
      leaseUid: 'lease-1',
      holder: null,
      term: null,
    });
  });

  test('shows the own tenure, which takes no new work once it is handed over', () => {
    const { replica } = leader();
    const { tenure, holder } = viewOf(replica.state);
    expect(tenure).toMatchObject({ fencingToken: '101', accepting: true });
    expect(holder?.identity).toBe(ME);
    replica.send({ kind: 'step-down' });
    expect(viewOf(replica.state).tenure).toMatchObject({ fencingToken: '101', accepting: false });
  });
});
