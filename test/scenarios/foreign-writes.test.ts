import { describe, expect, test } from 'vitest';
import { type Replica, World } from './support/world.ts';

/** Others write to the Lease, too: people, controllers, electors that know nothing of this one. */
describe('a Lease deleted while it is held', () => {
  test('the leader stops and creates it anew before others may', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    const token = Number(a!.leadership.fencingToken());
    world.lease.delete();
    await world.pass(100);
    expect(world.leader()).toBe(a);
    expect(world.lease.record?.uid).toBe('lease-2');
    expect(Number(a!.leadership.fencingToken())).toBeGreaterThan(token);
  });

  test('is not created by a standby while its isolated holder may still be at work', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b');
    a!.link.cut = true;
    world.lease.delete();
    await world.nextLeader(a!);
    expect(world.leader()).toBe(b);
    const stoppedMs = a!.changes.find(({ change }) => change.kind === 'stopped')!.atMs;
    expect(b!.startedMs()[0]).toBeGreaterThan(stoppedMs);
  });

  test('before anybody ran is created after one duration, by one of them', async () => {
    const world = new World({ leaseExists: false });
    const replicas = ['a', 'b', 'c'].map((name, index) => world.add(name, { random: index / 3 }));
    await world.pass(14_900);
    expect(world.leader()).toBeNull();
    await world.pass(200);
    expect(world.leader()).not.toBeNull();
    await world.pass(60_000);
    expect(replicas.flatMap(({ changes }) => changes.filter(({ change }) => change.kind === 'started'))).toHaveLength(
      1,
    );
  });
});

describe('a Lease that is missing', () => {
  /** Two replicas wait for a missing Lease; one leaves for as long as the other needs to create it, to lead, and to lose it. */
  const betweenTwoLooks = async (leave: (replica: Replica) => void, comeBack: (replica: Replica) => void) => {
    const world = new World({ leaseExists: false });
    const [away, other] = [world.add('away'), world.add('other')];
    await world.pass(5_000);
    leave(away);
    expect((await world.nextLeader(away)).leader).toBe(other);
    await world.pass(100);
    other.link.cut = true;
    world.lease.delete();
    world.lease.watchers.clear();
    await world.pass(1_000);
    comeBack(away);
    const backMs = world.time.nowMs;
    expect(other.leadership.isLeader()).toBe(true);
    expect((await world.nextLeader(other)).leader).toBe(away);
    return { backMs, startedMs: away.startedMs()[0]! };
  };

  test('a replica that looked away while the Lease was missing does not create it before a whole duration has passed', async () => {
    const { backMs, startedMs } = await betweenTwoLooks(
      ({ link }) => {
        link.cut = true;
      },
      ({ link }) => link.heal(),
    );
    expect(startedMs - backMs).toBeGreaterThanOrEqual(15_000);
    // The read that hung when it came back is one more gap.
    expect(startedMs - backMs).toBeLessThanOrEqual(15_000 + 5_000 + 2.2 * 2_000);
  });

  test('is waited for anew by a process that was stopped meanwhile, though its old wait is long over', async () => {
    const { backMs, startedMs } = await betweenTwoLooks(
      ({ time, link }) => {
        time.freeze();
        link.cut = true;
      },
      ({ time, link }) => {
        link.cut = false;
        time.thaw();
      },
    );
    expect(startedMs - backMs).toBeGreaterThanOrEqual(15_000);
  });

  test('is looked for every two seconds until it is there, and by nobody afterwards', async () => {
    const world = new World({ leaseExists: false });
    const [a, b] = [world.add('a'), world.add('b')];
    await world.pass(10_000);
    for (const { link } of [a, b]) expect(link.requests).toEqual(['read', 'read', 'read', 'read']);
    await world.pass(10_000);
    const standby = world.leader() === a ? b : a;
    standby.link.requests.length = 0;
    await world.pass(60_000);
    expect(standby.link.requests).toEqual([]);
  });
});

describe('a foreign holder', () => {
  test('written over the leader ends its tenure as soon as it is seen', async () => {
    const world = new World();
    const [a] = await world.led('a');
    world.lease.put({ holder: 'intruder', renewTime: 'now', transitions: 9 });
    await world.pass(2);
    expect(a!.leadership.answer()).toMatchObject({ isLeader: false, leader: { identity: 'intruder' } });
  });

  test('that is never renewed is succeeded after its duration', async () => {
    const world = new World();
    const [a] = await world.led('a');
    world.lease.put({ holder: 'intruder', renewTime: 'now', transitions: 9, leaseDurationMs: 5_000 });
    await world.pass(5_100);
    expect(world.leader()).toBe(a);
    expect(world.lease.record?.transitions).toBe(10);
  });

  test('that appears while a claim is under way is not overlooked when the claim is answered late', async () => {
    const world = new World();
    const a = world.add('a');
    await world.pass(5);
    a.link.downMs = 1_000;
    await world.pass(300);
    expect(world.lease.record?.holder).toBe(a.identity);
    world.lease.put({ holder: 'intruder', renewTime: 'now' });
    await world.pass(2_000);
    expect(a.startedMs()).toEqual([]);
    expect(world.leader()).toBeNull();
  });
});

describe('edits', () => {
  test('of labels disturb nobody', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    for (let edits = 0; edits < 20; edits++) {
      world.lease.put({ raw: { edits } });
      await world.pass(777);
    }
    expect(world.leader()).toBe(a);
    expect(a!.startedMs()).toHaveLength(1);
    expect(a!.link.requests).not.toContain('read');
  });

  test('of the duration end the tenure, and the Lease is led again', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    world.lease.put({ leaseDurationMs: 1_000 });
    await world.pass(2);
    expect(a!.changes.at(-1)?.change).toMatchObject({ kind: 'stopped', reason: 'lease-edited' });
    await world.pass(20_000);
    expect(world.leader()).not.toBeNull();
  });
});
