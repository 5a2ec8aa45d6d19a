import { describe, expect, test } from 'vitest';
import { claimContent, freshRenewTime, releaseContent, renewalContent } from './content.ts';
import { CONFIG, leader, lease, ME } from './driver.fixture.ts';

const now = { monoMs: 5_000, wallMs: Date.UTC(2026, 0, 1) };
const STANDING = { config: CONFIG, eligible: true };
const TIME = '2026-01-01T00:00:00.000000Z';

describe('the time of a write', () => {
  test('is the wall clock', () => {
    expect(freshRenewTime(now, [null])).toBe(TIME);
    expect(freshRenewTime({ ...now, wallMs: now.wallMs + 123.456 }, [TIME])).toBe('2026-01-01T00:00:00.123456Z');
  });

  test('never repeats one that may be stored, even when the wall clock steps back onto it', () => {
    expect(freshRenewTime(now, [TIME])).toBe('2026-01-01T00:00:00.000001Z');
    expect(freshRenewTime(now, [TIME, '2026-01-01T00:00:00.000001Z', null])).toBe('2026-01-01T00:00:00.000002Z');
  });
});

describe('a claim', () => {
  test('over another holder is one transition more', () => {
    expect(claimContent(STANDING, lease({ transitions: 7 }), now)).toEqual({
      holder: ME,
      leaseDurationSeconds: 15,
      renewTime: '2026-01-01T00:00:00.000001Z',
      acquireTime: '2026-01-01T00:00:00.000001Z',
      transitions: 8,
      holderAddress: null,
      holderPriority: null,
      nextHolder: '',
    });
  });

  test('over a free Lease is one transition more', () => {
    expect(claimContent(STANDING, lease({ holder: '', transitions: 7 }), now).transitions).toBe(8);
  });

  test('over our own record keeps the transitions', () => {
    expect(claimContent(STANDING, lease({ holder: ME, transitions: 7 }), now).transitions).toBe(7);
  });

  test('over nothing begins at zero', () => {
    expect(claimContent(STANDING, null, now)).toMatchObject({ transitions: 0, renewTime: TIME, acquireTime: TIME });
  });

  test('never exceeds int32, which the API server would refuse', () => {
    expect(claimContent(STANDING, lease({ transitions: 2_147_483_646 }), now).transitions).toBe(2_147_483_647);
    expect(claimContent(STANDING, lease({ transitions: 2_147_483_647 }), now).transitions).toBe(2_147_483_647);
  });

  test('carries the address of this replica', () => {
    expect(
      claimContent({ ...STANDING, config: { ...CONFIG, holderAddress: '10.0.0.7:4042' } }, null, now).holderAddress,
    ).toBe('10.0.0.7:4042');
  });
});

test('a renewal keeps the term and avoids the times of writes whose fate is unknown', () => {
  const { replica, record } = leader();
  const tenure = {
    ...replica.state.tenure!,
    unconfirmed: [{ renewTime: TIME, sentAt: { monoMs: 1, wallMs: 1 } }],
  };
  expect(renewalContent(STANDING, tenure, now)).toEqual({
    holder: ME,
    leaseDurationSeconds: 15,
    renewTime: '2026-01-01T00:00:00.000001Z',
    acquireTime: record.acquireTime,
    transitions: record.transitions,
    holderAddress: null,
    holderPriority: null,
    nextHolder: '',
  });
});

test("a release is client-go's: no holder, one second, the transitions kept, no address", () => {
  expect(releaseContent(lease({ holder: ME, transitions: 9, holderAddress: '10.0.0.7:4042' }), null, now)).toEqual({
    holder: '',
    leaseDurationSeconds: 1,
    renewTime: '2026-01-01T00:00:00.000001Z',
    acquireTime: '2026-01-01T00:00:00.000001Z',
    transitions: 9,
    holderAddress: null,
    holderPriority: null,
    nextHolder: '',
  });
});
