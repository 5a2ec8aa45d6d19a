import { describe, expect, test } from 'vitest';
import { World } from './support/world.ts';

/** A dead leader is replaced when its record has stood still for its duration, to the millisecond and not before. */
describe('crash', () => {
  test('the next leader starts within the jitter after the exact deadline', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b');
    await world.pass(5_000);
    a!.kill();
    const renewedMs = Date.parse(world.lease.record!.renewTime!) - Date.UTC(2026, 0, 1);
    await world.nextLeader(a!);
    const tookMs = b!.startedMs()[0]! - renewedMs;
    expect(tookMs).toBeGreaterThanOrEqual(15_000);
    expect(tookMs).toBeLessThanOrEqual(15_000 + 50 + 5);
  });

  test('is told of before it is made good: nobody leads, then the next one does', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b');
    a!.kill();
    await world.nextLeader(a!);
    expect(b!.changes.map(({ change }) => [change.kind, change.answer.leader?.pod ?? null])).toEqual([
      ['leader-changed', 'a'],
      ['leader-changed', null],
      ['started', 'b'],
    ]);
  });

  test('a replica that was started after the crash waits a whole duration of its own', async () => {
    const world = new World();
    const [a] = await world.led('a');
    a!.kill();
    await world.pass(14_000);
    const b = world.add('b');
    const { tookMs } = await world.nextLeader(a!);
    expect(world.leader()).toBe(b);
    expect(tookMs).toBeGreaterThanOrEqual(15_000);
  });

  test('a new process of the same pod takes its predecessor’s Lease at once, under a new token', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    const token = Number(a!.leadership.fencingToken());
    const { transitions } = world.lease.record!;
    a!.kill();
    const reborn = world.add('a', { start: 2 });
    await world.pass(10);
    expect(world.leader()).toBe(reborn);
    expect(Number(reborn.leadership.fencingToken())).toBeGreaterThan(token);
    expect(world.lease.record!.transitions).toBe(transitions + 1);
  });

  test('clocks that run apart by one in a hundred do not let two lead', async () => {
    const world = new World();
    const slow = world.add('slow', { rate: 0.99 });
    await world.pass(100);
    const fast = world.add('fast', { rate: 1.01 });
    for (let round = 0; round < 3; round++) {
      await world.pass(1_000);
      slow.link.cut = true;
      await world.nextLeader(slow);
      slow.link.heal();
      await world.pass(100);
      fast.link.cut = true;
      await world.nextLeader(fast);
      fast.link.heal();
    }
    expect(world.leader()).toBe(slow);
  });
});

/** Standbys cost nothing while nothing happens, and a race costs each of them little. */
describe('many replicas', () => {
  test('twenty on one Lease: a release is taken once, at a bounded number of requests', async () => {
    const world = new World();
    const names = Array.from({ length: 19 }, (_, index) => `r${index}`);
    const [leader, ...standbys] = await world.led('leader', ...names);
    for (const { link } of standbys) link.requests.length = 0;
    await world.pass(60_000);
    expect(standbys.flatMap(({ link }) => link.requests)).toEqual([]);
    void leader!.runner.stepDown({ immediate: true });
    await world.pass(30_000);
    expect(standbys.filter(({ leadership }) => leadership.isLeader())).toHaveLength(1);
    for (const replica of standbys.filter((standby) => !standby.leadership.isLeader())) {
      expect(replica.link.requests.length).toBeLessThanOrEqual(1);
    }
  });

  test('replicas of other timings keep away as long as the record says', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b');
    a!.kill();
    world.lease.put({ renewTime: 'edited', leaseDurationMs: 40_000 });
    const { tookMs } = await world.nextLeader(a!);
    expect(world.leader()).toBe(b);
    expect(tookMs).toBeGreaterThanOrEqual(40_000);
  });
});

/** Without a watch the Lease is polled; nothing else changes. */
describe('a dead watch', () => {
  test('does not keep a standby from taking over in time', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b');
    b!.runner.dispatch({ kind: 'watching', up: false });
    world.lease.watchers.clear();
    await world.pass(5_000);
    a!.kill();
    const { tookMs } = await world.nextLeader(a!);
    expect(tookMs).toBeLessThanOrEqual(15_000 + 2_400 + 100);
    expect(world.leader()).toBe(b);
  });

  test('that nobody noticed is found out by the first lost race, and begun anew', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b');
    world.lease.watchers.clear();
    await world.pass(25_000);
    expect(world.leader()).toBe(a);
    expect(b!.link.requests).toEqual(['update', 'read']);
    expect(world.lease.watchers.size).toBe(1);
    b!.link.requests.length = 0;
    await world.pass(60_000);
    expect(b!.link.requests).toEqual([]);
  });
});
