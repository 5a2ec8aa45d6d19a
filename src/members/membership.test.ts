import { beforeEach, describe, expect, test } from 'vitest';
import { FakeLeases, MemberReplica } from './leases.fixture.ts';

let leases: FakeLeases;
beforeEach(() => {
  leases = new FakeLeases();
});

const start = async (...pods: string[]) => {
  const replicas = pods.map((pod) => new MemberReplica(leases, pod));
  await leases.time.pass(10);
  for (const { changes } of replicas) changes.length = 0;
  leases.requests.length = 0;
  return replicas as [MemberReplica, MemberReplica, ...MemberReplica[]];
};

describe('members', () => {
  test('know each other from their first heartbeats on, with what they say of themselves', async () => {
    const [a] = await start('a', 'b', 'c');
    expect(a.alive()).toEqual(['a', 'b', 'c']);
    expect(a.membership.answer()).toMatchObject({ watching: true, truncated: false });
    const [first] = a.membership.answer().members;
    expect(first).toMatchObject({
      pod: 'a',
      candidate: a.candidate,
      campaigns: ['web'],
      address: 'a:4042',
      version: '1.0.0',
      role: 'standby',
    });
    expect(first!.identity).toMatch(new RegExp(`^${a.leaseName}_`));
  });

  test('send their heartbeats and nothing else', async () => {
    await start('a', 'b', 'c');
    await leases.time.pass(120_000);
    expect(new Set(leases.requests.map((request) => request.split(' ')[1]))).toEqual(new Set(['update']));
    // Three every 10.2 seconds.
    expect(leases.countOf('update')).toBe(33);
  });

  test('tell who leads among them, and when that changes', async () => {
    const [a, b, c] = await start('a', 'b', 'c');
    a.follow(b.candidate);
    expect(a.changes).toEqual(['changed b']);
    a.follow(c!.candidate);
    expect(a.changes).toEqual(['changed b', 'changed b', 'changed c']);
    expect(a.membership.answer().members.map(({ role }) => role)).toEqual(['standby', 'standby', 'leader']);
  });

  test('say when a heartbeat was last seen, by the clock of whoever is asked', async () => {
    const [a] = await start('a', 'b');
    await leases.time.pass(5_000);
    expect(a.membership.answer().members.map(({ lastHeartbeatAgoMs }) => lastHeartbeatAgoMs)).toEqual([5_010, 5_010]);
  });
});

test('a view of five hundred tells who is alive of them', async () => {
  const [a] = await start('a');
  const [own] = leases.stored.values();
  const names = Array.from({ length: 500 }, (_, index) => `cart-${index}`);
  for (const name of names) leases.add({ ...own!, name, uid: name, profile: { ...own!.profile, pod: name } });
  for (let second = 0; second < 60; second += 10) {
    for (const name of names.slice(0, 490)) leases.renew(name);
    await leases.time.pass(10_000);
  }
  const { members, truncated } = a.membership.answer();
  expect([members.length, truncated]).toEqual([501, false]);
  expect(members.filter(({ alive }) => alive)).toHaveLength(491);
  expect(a.changes.filter((change) => change.startsWith('lost'))).toHaveLength(10);
  expect(leases.countOf('read') + leases.countOf('remove')).toBe(0);
});

describe('a member that ends', () => {
  test('gracefully leaves no Lease behind', async () => {
    const [a, b] = await start('a', 'b');
    await b.membership.leave(2_000);
    expect(a.changes).toEqual(['left b']);
    expect([...leases.stored.keys()]).toEqual([a.leaseName]);
    leases.requests.length = 0;
    await leases.time.pass(9_000);
    expect(leases.requests).toEqual([]);
  });

  test('while the API server can’t be reached ends in time all the same', async () => {
    const [a] = await start('a', 'b');
    leases.cutOff.add('a');
    const leaving = a.membership.leave(2_000);
    await leases.time.pass(2_000);
    await leaving;
    leases.requests.length = 0;
    await leases.time.pass(60_000);
    expect(leases.requests.filter((request) => request.startsWith('a '))).toEqual([]);
  });

  test('by a crash is lost after its duration, then collected', async () => {
    const [a, b] = await start('a', 'b');
    leases.crash(b);
    await leases.time.pass(60_000);
    expect(a.changes).toEqual(['lost b']);
    expect(a.alive()).toEqual(['a']);
    await leases.time.pass(120_000);
    expect(a.changes).toEqual(['lost b', 'left b']);
    expect([...leases.stored.keys()]).toEqual([a.leaseName]);
    expect(a.codes).toContain('MEMBER_COLLECTED');
  });

  test('and starts anew on the same host takes its Lease with a new identity', async () => {
    const [a, b] = await start('a', 'b');
    leases.crash(b);
    const { uid, holder } = leases.stored.get(b.leaseName)!;
    const again = new MemberReplica(leases, 'b');
    await leases.time.pass(10);
    expect(leases.stored.get(b.leaseName)).toMatchObject({ uid });
    expect(leases.stored.get(b.leaseName)?.holder).not.toBe(holder);
    expect([a.changes, again.codes]).toEqual([['joined b'], ['MEMBER']]);
  });
});

describe('collection', () => {
  /** One that has crashed, by the time when its Lease is about to be deleted. */
  const crashed = async () => {
    const [a, b] = await start('a', 'b');
    leases.crash(b);
    return [a, b] as const;
  };

  test('never loses a heartbeat that comes between the reading and the deletion', async () => {
    const [a, b] = await crashed();
    leases.beforeRemoval = () => leases.renew(b.leaseName);
    await leases.time.pass(160_000);
    expect([leases.beforeRemoval, leases.countOf('remove')]).toEqual([null, 1]);
    expect(a.changes).toEqual(['lost b', 'returned b']);
    expect(leases.stored.has(b.leaseName)).toBe(true);
    // It was the last one: in the end it goes after all.
    await leases.time.pass(180_000);
    expect(leases.stored.has(b.leaseName)).toBe(false);
  });

  test('comes to one whose dead Lease was edited meanwhile, too', async () => {
    const [a, b] = await crashed();
    await leases.time.pass(45_000);
    expect(a.changes).toEqual(['lost b']);
    const dead = leases.stored.get(b.leaseName)!;
    leases.add({ ...dead, profile: { ...dead.profile, version: null } });
    await leases.time.pass(120_000);
    expect(a.changes).toEqual(['lost b', 'changed b', 'left b']);
    expect(leases.stored.has(b.leaseName)).toBe(false);
  });

  test('is left to Kubernetes where it is forbidden: said once, and not tried again and again', async () => {
    leases.forbidRemoval = true;
    const [a] = await crashed();
    await leases.time.pass(1_800_000);
    expect(leases.countOf('remove')).toBe(1);
    expect(a.codes.filter((code) => code === 'MEMBER_KEPT_BACK')).toHaveLength(1);
  });

  test('by hundreds of members is mostly the work of one', async () => {
    let seed = 1;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    const replicas = Array.from({ length: 60 }, (_, index) => new MemberReplica(leases, `pod-${index}`, random));
    await leases.time.pass(10);
    leases.crash(replicas[0]!);
    leases.requests.length = 0;
    await leases.time.pass(180_000);
    expect(leases.stored.size).toBe(59);
    expect(leases.countOf('remove')).toBeLessThan(20);
  });
});

describe('a replica that is cut off', () => {
  test('takes nobody for dead, and is back with its next heartbeat', async () => {
    const [a, b] = await start('a', 'b', 'c');
    leases.cutOff.add('a');
    await leases.time.pass(65_000);
    expect(a.alive()).toEqual(['a', 'b', 'c']);
    expect(b.changes).toEqual(['lost a']);
    expect(a.codes).toContain('MEMBER_OVERDUE');
    leases.reconnect('a');
    await leases.time.pass(15_000);
    expect(b.changes).toEqual(['lost a', 'returned a']);
    expect([a.changes, a.alive()]).toEqual([[], ['a', 'b', 'c']]);
  });
});
