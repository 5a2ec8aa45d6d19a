import { describe, expect, test } from 'vitest';
import type { StoredLease } from './identify.ts';
import { ageTold, Observation, rowOf, standsOut } from './standing.ts';

const NOW_MS = Date.parse('2026-01-01T00:00:00Z');
const renewedAgo = (ms: number) => new Date(NOW_MS - ms).toISOString();
const lease = (spec: StoredLease['spec'] = {}, namespace = 'shop'): StoredLease => ({
  metadata: { namespace, name: 'web', uid: 'u', resourceVersion: '1' },
  spec: { holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 3, renewTime: renewedAgo(2_000), ...spec },
});
const told = (stored: StoredLease) => rowOf(stored, ageTold(stored, NOW_MS));

describe('by what a Lease tells', () => {
  test('it is held within its duration, and expired after', () => {
    expect(told(lease())).toMatchObject({
      kind: 'leader-election',
      holder: 'a',
      durationMs: 15_000,
      transitions: 3,
      standing: 'held',
      age: { ms: 2_000, by: 'told' },
    });
    expect(told(lease({ renewTime: renewedAgo(15_001) })).standing).toBe('expired');
  });

  test('a heartbeat is late, not expired: nobody takes it over', () => {
    const heartbeat = lease({ holderIdentity: 'web', renewTime: renewedAgo(60_000) }, 'kube-node-lease');
    expect(told(heartbeat)).toMatchObject({ kind: 'node-heartbeat', standing: 'late' });
    expect(standsOut(told(heartbeat))).toBe(true);
  });

  test('it is free without a holder, and says too little without times', () => {
    expect(told(lease({ holderIdentity: '' })).standing).toBe('free');
    expect(told(lease({ renewTime: null })).standing).toBe('unknown');
    expect(told(lease({ leaseDurationSeconds: null })).standing).toBe('unknown');
  });

  test('one that a fast clock has renewed in the future is just renewed', () => {
    expect(told(lease({ renewTime: renewedAgo(-60_000) }))).toMatchObject({ standing: 'held', age: { ms: 0 } });
  });
});

describe('by what is seen of it', () => {
  const observed = (observation: Observation, stored: StoredLease, monoMs: number) =>
    rowOf(stored, observation.ageOf(stored, monoMs));

  test('it counts from when it was seen to change, whatever its times say', () => {
    const observation = new Observation();
    const old = lease({ renewTime: renewedAgo(3_600_000) });
    observation.see(old, 1_000);
    expect(observed(observation, old, 5_000)).toMatchObject({ standing: 'unseen', age: { ms: 4_000, atLeast: true } });
    const renewed = lease({ renewTime: renewedAgo(3_599_000) });
    observation.see(renewed, 6_000);
    observation.see(renewed, 9_000);
    expect(observed(observation, renewed, 10_000)).toMatchObject({
      standing: 'held',
      age: { ms: 4_000, by: 'observed', atLeast: false },
    });
    expect(observed(observation, renewed, 21_001).standing).toBe('expired');
  });

  test('one that does not change for its duration is expired, though it says otherwise', () => {
    const observation = new Observation();
    const ahead = lease({ renewTime: renewedAgo(-3_600_000) });
    observation.see(ahead, 0);
    expect(observed(observation, ahead, 15_001).standing).toBe('expired');
  });

  test('what is gone is forgotten, so that memory is that of what is there', () => {
    const observation = new Observation();
    observation.see(lease(), 0);
    observation.keep([]);
    expect(observation.ageOf(lease(), 1)).toBeNull();
  });
});
