import { describe, expect, test } from 'vitest';
import type { LeaderAnswer } from '../../src/leadership/leadership.ts';
import { World } from './support/world.ts';

/** No timer runs in a process that is stopped; so nothing may depend on one having run. */
describe('SIGSTOP', () => {
  test('past the deadline: the very first answer says that it does not lead', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b');
    a!.time.freeze();
    await world.nextLeader(a!);
    let first: LeaderAnswer | null = null;
    a!.time.thaw(() => {
      first = a!.leadership.answer();
    });
    expect(first).toMatchObject({ isLeader: false, validForMs: 0, fencingToken: null });
    await world.pass(5_000);
    expect(world.leader()).toBe(b);
    expect(a!.changes.map(({ change }) => change.kind)).toEqual(['started', 'stopped', 'leader-changed']);
  });

  test('for less than the deadline: it goes on leading', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    a!.time.freeze();
    await world.pass(6_000);
    a!.time.thaw();
    await world.pass(5_000);
    expect(world.leader()).toBe(a);
    expect(a!.startedMs()).toHaveLength(1);
  });

  test('with a renewal under way: the answer that waited is too old to lead by', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    a!.link.downMs = 500;
    await world.pass(2_000);
    expect(a!.link.requests.at(-1)).toBe('update');
    a!.time.freeze();
    await world.pass(12_000);
    expect(world.leader()).toBeNull();
    a!.time.thaw();
    expect(a!.leadership.isLeader()).toBe(false);
    await world.pass(30_000);
    expect(world.leader()).not.toBeNull();
  });

  test('of a standby: what it missed does not make it lead beside another', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b');
    b!.time.freeze();
    await world.pass(40_000);
    b!.time.thaw();
    await world.pass(20_000);
    expect(world.leader()).toBe(a);
  });
});

describe('a wall clock that jumps', () => {
  test.each([3_600_000, -3_600_000])(
    'by %d ms under a leader: it stops, verifies by a new claim, and leads under a new token',
    async (jumpMs) => {
      const world = new World();
      const [a] = await world.led('a', 'b');
      const token = Number(a!.leadership.fencingToken());
      a!.time.wallAheadMs += jumpMs;
      expect(a!.leadership.answer()).toMatchObject({ isLeader: false, fencingToken: null });
      await world.pass(6_000);
      expect(world.leader()).toBe(a);
      expect(Number(a!.leadership.fencingToken())).toBeGreaterThan(token);
      expect(a!.changes.find(({ change }) => change.kind === 'stopped')?.change.reason).toBe('clock-jumped');
    },
  );

  test('under a standby changes nothing', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b');
    b!.time.wallAheadMs += 3_600_000;
    await world.pass(20_000);
    expect(world.leader()).toBe(a);
    expect(b!.link.requests).toEqual([]);
  });
});
