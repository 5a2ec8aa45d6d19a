import { describe, expect, test } from 'vitest';
import { CONFIG, HeartbeatDriver, memberLease } from './heartbeat.fixture.ts';
import { heartbeatDueMonoMs } from './heartbeat.ts';

const PREDECESSOR = memberLease({ holder: 'cart-x_1' });
const SUCCESSOR = memberLease({ holder: 'cart-x_3', renewTime: '2026-01-01T00:00:09.000000Z', resourceVersion: '9' });

describe('the first heartbeat', () => {
  test('looks at once, and creates a Lease that is not there', () => {
    const member = new HeartbeatDriver();
    expect(member.tick()).toBe('read');
    expect(member.reply({ kind: 'absent' })).toBe('create');
    expect(member.state.pending).toMatchObject({
      heartbeat: { holder: CONFIG.identity, durationMs: 40_000, renewTime: '2026-01-01T00:00:00.000000Z' },
    });
    expect(member.succeed()).toBe('-');
    expect(member.reports).toEqual(['kept']);
  });

  test('takes the Lease of the same host name over with the new identity, expired or not', () => {
    const member = new HeartbeatDriver();
    member.tick();
    expect(member.reply({ kind: 'ok', lease: PREDECESSOR })).toBe('update');
    expect(member.state.pending).toMatchObject({ base: PREDECESSOR, heartbeat: { holder: CONFIG.identity } });
    member.succeed();
    expect(member.reports).toEqual(['kept cart-x_1']);
  });

  test('that another creates first is an update of what it made', () => {
    const member = new HeartbeatDriver();
    member.tick();
    member.reply({ kind: 'absent' });
    expect(member.reply({ kind: 'conflict' })).toBe('read');
    expect(member.reply({ kind: 'ok', lease: PREDECESSOR })).toBe('update');
  });
});

describe('heartbeats', () => {
  test('are one update each, an interval and up to four hundredths of it after the one before', () => {
    const member = HeartbeatDriver.established();
    expect(member.next()).toEqual([10_000, 'update']);
    member.nowMs += 500;
    member.random = 0.5;
    expect(member.succeed()).toBe('-');
    expect(member.next()).toEqual([10_200, 'update']);
    expect(member.reports).toEqual([]);
  });

  test('never repeat a time that may be stored, though the wall clock stands still', () => {
    const member = HeartbeatDriver.established();
    const times = new Set<string>();
    const start = member.nowMs;
    for (let round = 0; round < 3; round += 1) {
      member.next();
      member.nowMs = start;
      const { pending } = member.state;
      if (pending?.kind === 'update') times.add(pending.heartbeat.renewTime);
      member.fail();
    }
    expect(times.size).toBe(3);
  });

  test('read again after a conflict, and go on', () => {
    const member = HeartbeatDriver.established();
    member.next();
    expect(member.reply({ kind: 'conflict' })).toBe('read');
    expect(member.reply({ kind: 'ok', lease: memberLease({ resourceVersion: '8' }) })).toBe('update');
    expect(member.state.pending).toMatchObject({ base: { resourceVersion: '8' } });
  });

  test('wait between conflicts in a row', () => {
    const member = HeartbeatDriver.established();
    member.next();
    member.reply({ kind: 'conflict' });
    member.reply({ kind: 'ok', lease: memberLease() });
    expect(member.reply({ kind: 'conflict' })).toBe('-');
    expect(member.next()).toEqual([400, 'read']);
  });

  test('create the Lease anew when it was deleted', () => {
    const member = HeartbeatDriver.established();
    member.next();
    expect(member.reply({ kind: 'conflict' })).toBe('read');
    expect(member.reply({ kind: 'absent' })).toBe('create');
    member.succeed();
    expect(member.reports).toEqual([]);
  });

  test('that fail are sent again after 200, 400, 800 … 7000 ms, from the cached object', () => {
    const member = HeartbeatDriver.established();
    member.next();
    const waits: number[] = [];
    for (let failed = 0; failed < 8; failed += 1) {
      member.fail();
      const [waitedMs, asked] = member.next();
      expect(asked).toBe('update');
      waits.push(waitedMs);
    }
    expect(waits).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 7_000, 7_000]);
    member.succeed();
    expect(member.next()).toEqual([10_000, 'update']);
  });

  test('that fail wait no longer than an interval: a short duration must not pass meanwhile', () => {
    const member = HeartbeatDriver.established({ ...CONFIG, durationMs: 6_000, intervalMs: 2_000 });
    member.next();
    const waits: number[] = [];
    for (let failed = 0; failed < 6; failed += 1) {
      member.fail();
      waits.push(member.next()[0]);
    }
    expect(waits).toEqual([200, 400, 800, 1_600, 2_000, 2_000]);
  });

  test('heed a longer wait that the server asks for', () => {
    const member = HeartbeatDriver.established();
    member.next();
    member.fail('throttled', 3_000);
    expect(member.next()).toEqual([3_000, 'update']);
  });

  test('heed it for an interval at most: a server that asks for a minute must not make a living member dead', () => {
    const member = HeartbeatDriver.established();
    member.next();
    member.fail('throttled', 60_000);
    expect(member.next()).toEqual([10_000, 'update']);
  });

  test('that are missing for a whole duration are told of once, and so is their return', () => {
    const member = HeartbeatDriver.established();
    member.next();
    while (member.nowMs < 60_000) {
      member.fail();
      member.next();
    }
    expect(member.reports).toEqual(['overdue timeout']);
    member.succeed();
    expect(member.reports).toEqual(['overdue timeout', 'kept']);
  });

  test('that always meet another version are ever rarer, and told of when they are overdue', () => {
    const member = HeartbeatDriver.established();
    member.next();
    let writes = 0;
    while (member.nowMs < 60_000 && writes < 100) {
      writes += 1;
      if (member.reply({ kind: 'conflict' }) === '-') member.next();
      member.reply({ kind: 'ok', lease: memberLease() });
    }
    expect(writes).toBeLessThan(20);
    expect(member.reports).toEqual(['overdue conflict']);
  });

  test('are one request at a time: nothing is due while one is under way', () => {
    const member = HeartbeatDriver.established();
    member.next();
    member.nowMs += 60_000;
    expect(member.tick()).toBe('-');
    expect(heartbeatDueMonoMs(member.state)).toBe(Number.POSITIVE_INFINITY);
  });
});

test('a Lease from before this process took it over is written anew: the read was stale, or etcd was restored', () => {
  const member = HeartbeatDriver.established();
  member.next();
  expect(member.reply({ kind: 'conflict' })).toBe('read');
  const past = memberLease({ holder: 'cart-x_1', resourceVersion: '3' });
  expect(member.reply({ kind: 'ok', lease: past })).toBe('update');
  expect(member.reports).toEqual([]);
});

describe('a second process of the same host name', () => {
  const superseded = () => {
    const member = HeartbeatDriver.established();
    member.next();
    member.reply({ kind: 'conflict' });
    expect(member.reply({ kind: 'ok', lease: SUCCESSOR })).toBe('-');
    return member;
  };

  test('silences the older one, which looks once per duration', () => {
    const member = superseded();
    expect(member.reports).toEqual(['superseded cart-x_3']);
    expect(member.next()).toEqual([40_000, 'read']);
    expect(member.reply({ kind: 'ok', lease: { ...SUCCESSOR, renewTime: '2026-01-01T00:00:49.000000Z' } })).toBe('-');
    expect(member.next()).toEqual([40_000, 'read']);
    expect(member.reports).toHaveLength(1);
  });

  test('whose duration is absurd is looked at once per hour all the same', () => {
    const member = superseded();
    member.next();
    const absurd = { ...SUCCESSOR, durationMs: 2_200_000_000, renewTime: '2026-01-01T00:00:49.000000Z' };
    member.reply({ kind: 'ok', lease: absurd });
    expect(member.next()).toEqual([3_600_000, 'read']);
  });

  test.each([
    ['has not renewed for its duration', { kind: 'ok', lease: SUCCESSOR } as const, 'update'],
    ['has deleted the Lease', { kind: 'absent' } as const, 'create'],
  ])('that %s gives way to the older one again', (_, outcome, asked) => {
    const member = superseded();
    member.next();
    expect(member.reply(outcome)).toBe(asked);
    member.succeed();
    expect(member.reports.at(-1)).toMatch(/^kept/);
  });

  test('that renews in the very moment when it is taken for dead keeps the Lease', () => {
    const member = superseded();
    member.next();
    expect(member.reply({ kind: 'ok', lease: SUCCESSOR })).toBe('update');
    const renewed = { ...SUCCESSOR, renewTime: '2026-01-01T00:00:50.000000Z' };
    expect(member.reply({ kind: 'conflict' })).toBe('read');
    expect(member.reply({ kind: 'ok', lease: renewed })).toBe('-');
    expect(member.reports).toEqual(['superseded cart-x_3']);
    expect(member.next()).toEqual([40_000, 'read']);
    expect(member.reply({ kind: 'ok', lease: renewed })).toBe('update');
    member.succeed();
    expect(member.reports).toEqual(['superseded cart-x_3', 'kept cart-x_3']);
  });

  test('is left its Lease when the older one ends', () => {
    const member = superseded();
    expect(member.stop()).toBe('-');
    expect(member.state.phase).toBe('ended');
  });
});

describe('a graceful stop', () => {
  test('deletes the very version that was written last', () => {
    const member = HeartbeatDriver.established();
    expect(member.stop()).toBe('remove');
    expect(member.state.pending).toMatchObject({ base: { uid: 'lease-1', resourceVersion: '7' } });
    expect(member.succeed()).toBe('-');
    expect(member.state.phase).toBe('ended');
  });

  test('waits for the heartbeat under way', () => {
    const member = HeartbeatDriver.established();
    member.next();
    expect(member.stop()).toBe('-');
    expect(member.succeed()).toBe('remove');
  });

  test('deletes what a write of unknown outcome made of it', () => {
    const member = HeartbeatDriver.established();
    member.next();
    member.fail();
    expect(member.stop()).toBe('remove');
    expect(member.reply({ kind: 'conflict' })).toBe('read');
    expect(member.reply({ kind: 'ok', lease: memberLease({ resourceVersion: '8' }) })).toBe('remove');
  });

  test('deletes nothing that a younger process has taken', () => {
    const member = HeartbeatDriver.established();
    member.stop();
    expect(member.reply({ kind: 'conflict' })).toBe('read');
    expect(member.reply({ kind: 'ok', lease: SUCCESSOR })).toBe('-');
    expect(member.state.phase).toBe('ended');
  });

  test("of a process whose first write may have been lost leaves its predecessor's Lease", () => {
    const member = new HeartbeatDriver();
    member.tick();
    member.reply({ kind: 'ok', lease: PREDECESSOR });
    member.fail();
    expect(member.stop()).toBe('read');
    expect(member.reply({ kind: 'ok', lease: PREDECESSOR })).toBe('-');
    expect(member.state.phase).toBe('ended');
  });

  test('of a process that has written nothing asks nothing', () => {
    expect(new HeartbeatDriver().stop()).toBe('-');
  });

  test('ends where deleting is forbidden, and is tried again where it only failed', () => {
    const member = HeartbeatDriver.established();
    member.stop();
    member.fail('server-error');
    expect(member.next()).toEqual([200, 'remove']);
    member.fail('forbidden');
    expect(member.state.phase).toBe('ended');
  });
});
