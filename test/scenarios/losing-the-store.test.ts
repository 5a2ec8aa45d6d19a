import { describe, expect, test } from 'vitest';
import { World } from './support/world.ts';

/** A leader that can't renew must be gone before anybody else can be there, and no sooner than it has to. */
describe('partition', () => {
  test('the isolated leader stops before its rival starts', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b');
    a!.link.cut = true;
    const { leader } = await world.nextLeader(a!);
    expect(leader).toBe(b);
    const stopped = a!.changes.find(({ change }) => change.kind === 'stopped');
    expect(stopped?.change.reason).toBe('expired');
    expect(stopped!.atMs).toBeLessThanOrEqual(b!.startedMs()[0]! - 4_900);
  });

  test('a leader that is cut off for less than its deadline goes on leading under the same token', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    const token = a!.leadership.fencingToken();
    a!.link.cut = true;
    await world.pass(4_000);
    a!.link.heal();
    await world.pass(20_000);
    expect(world.leader()).toBe(a);
    expect(a!.leadership.fencingToken()).toBe(token);
    expect(a!.startedMs()).toHaveLength(1);
  });

  test('a former leader learns who leads when it is back, and leads again when that one dies', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b');
    a!.link.cut = true;
    await world.nextLeader(a!);
    a!.link.heal();
    await world.pass(100);
    expect(a!.leadership.answer().leader?.identity).toBe(b!.identity);
    b!.kill();
    expect((await world.nextLeader(b!)).leader).toBe(a);
  });

  test('when every answer is lost, reads confirm what was written: nobody takes over', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    for (let round = 0; round < 10; round++) {
      a!.link.losesAnswers = true;
      await world.pass(2_100);
      a!.link.losesAnswers = false;
      await world.pass(4_500);
    }
    expect(world.leader()).toBe(a);
    expect(a!.startedMs()).toHaveLength(1);
  });

  test('a store that answers no one for a minute is led again soon after it is back', async () => {
    const world = new World();
    const replicas = await world.led('a', 'b', 'c');
    for (const { link } of replicas) link.cut = true;
    await world.pass(60_000);
    expect(world.leader()).toBeNull();
    for (const { link } of replicas) link.heal();
    await world.pass(15_000 + 2.2 * 2_000 + 100);
    expect(world.leader()).not.toBeNull();
  });

  test('a renewal that is still on its way when its sender gave up neither revives it nor lets two lead', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b');
    a!.link.upMs = 12_000;
    await world.pass(14_000);
    expect(a!.leadership.isLeader()).toBe(false);
    expect(world.leader()).toBeNull();
    a!.kill();
    expect((await world.nextLeader(a!)).leader).toBe(b);
  });
});

/** Refusals are no partitions: the server is there, and says what it wants. */
describe('a server that refuses', () => {
  test('for a while with 429 does not cost the leader its Lease', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    a!.link.refuses = { kind: 'refused', code: 'throttled', retryAfterMs: 1_000 };
    await world.pass(7_000);
    a!.link.refuses = null;
    await world.pass(10_000);
    expect(a!.startedMs()).toHaveLength(1);
    expect(world.leader()).toBe(a);
  });

  test('until shortly before the deadline does not cost the leader its Lease, however long it asks to wait', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    a!.link.refuses = { kind: 'refused', code: 'throttled', retryAfterMs: 60_000 };
    await world.pass(9_500);
    a!.link.refuses = null;
    await world.pass(60_000);
    expect(a!.startedMs()).toHaveLength(1);
    expect(world.leader()).toBe(a);
  });

  test('for good ends the tenure at its deadline, and another takes over', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b');
    a!.link.refuses = { kind: 'refused', code: 'forbidden', retryAfterMs: null };
    expect((await world.nextLeader(a!)).leader).toBe(b);
    a!.link.refuses = null;
    b!.kill();
    expect((await world.nextLeader(b!)).leader).toBe(a);
  });
});
