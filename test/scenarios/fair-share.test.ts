import { describe, expect, test } from 'vitest';
import { SharedWorld } from './support/shared-world.ts';
import { TIMINGS } from './support/world.ts';

const NINE = ['s1', 's2', 's3', 's4', 's5', 's6', 's7', 's8', 's9'];
const FIVE = NINE.slice(0, 5);
const { leaseDurationMs, retryPeriodMs } = TIMINGS;
/** A release, and what is stood back: for whom the plan says, and for whom the last holder named. */
const HOLD_OFF_MS = 3 * retryPeriodMs;

/** Different from draw to draw, the same from run to run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const longestMs = (world: SharedWorld) => Math.max(...world.leaderlessMsMax.values());

async function spread(...names: string[]): Promise<SharedWorld> {
  const world = new SharedWorld(NINE, seeded(7));
  for (const name of names) world.add(name);
  await world.pass(30_000);
  return world;
}

describe('nine elections', () => {
  test('of three replicas that start together are led by three each, without a hand-over', async () => {
    const world = await spread('a', 'b', 'c');
    expect(world.shares()).toEqual({ a: 3, b: 3, c: 3 });
    expect(world.started).toHaveLength(9);
    expect(Math.max(...world.started.map(({ atMs }) => atMs))).toBeLessThan(HOLD_OFF_MS);
  });

  test('all led by the first replica are handed over to those that come later, one at a time, and no more than needed', async () => {
    const world = await spread('a');
    expect(world.shares()).toEqual({ a: 9 });
    world.forget();
    world.add('b');
    world.add('c');
    await world.pass(leaseDurationMs);
    expect(world.shares(), 'nothing moves before it is clear that they stay').toEqual({ a: 9, b: 0, c: 0 });
    await world.pass(120_000);
    expect(world.shares()).toEqual({ a: 3, b: 3, c: 3 });
    expect(world.started).toHaveLength(6);
    expect(world.started.every(({ by }) => by !== 'a')).toBe(true);
    expect(longestMs(world), 'a hand-over leaves nothing unled').toBeLessThan(100);
  });

  test('of a replica that dies are led by those that live, evenly, as soon as they expire', async () => {
    const world = await spread('a', 'b', 'c');
    world.forget();
    world.replicas[0]!.kill();
    await world.pass(leaseDurationMs + 500);
    expect(world.shares()).toEqual({ b: 5, c: 4 });
    await world.pass(90_000);
    expect(world.shares()).toEqual({ b: 5, c: 4 });
    expect(world.started, 'nothing was moved, nor given to the dead').toHaveLength(3);
    expect(longestMs(world)).toBeLessThan(leaseDurationMs + 500);
  });

  test('are not kept for one that has just died, although its heartbeats are not overdue yet', async () => {
    const world = await spread('a', 'b', 'c');
    world.replicas[0]!.kill();
    await world.pass(leaseDurationMs + 2_000);
    world.forget();
    world.replicas[1]!.kill();
    await world.pass(leaseDurationMs + 500);
    expect(world.shares()).toEqual({ c: 9 });
  });

  test('are shared with a replica that comes back', async () => {
    const world = await spread('a', 'b', 'c');
    world.replicas[0]!.kill();
    await world.pass(60_000);
    world.forget();
    world.add('a');
    await world.pass(120_000);
    expect(Object.values(world.shares())).toEqual([3, 3, 3]);
    expect(world.started.map(({ by }) => by)).toEqual(['a', 'a', 'a']);
  });

  test('of a replica that ends are taken over at once, by each only its share', async () => {
    const world = await spread('a', 'b', 'c');
    world.forget();
    void world.replicas[0]!.leave();
    await world.pass(500);
    expect(world.shares()).toEqual({ b: 5, c: 4 });
    expect(longestMs(world)).toBeLessThan(100);
  });

  test('stay where they are while one leads at most one more than another', async () => {
    const world = await spread('a', 'b');
    const before = world.started.length;
    expect(Object.values(world.shares()).sort()).toEqual([4, 5]);
    await world.pass(300_000);
    expect(world.started).toHaveLength(before);
  });
});

test('an outage that ends all terms leaves nothing unled after it, and the shares even', async () => {
  const world = await spread('a', 'b', 'c');
  const links = world.replicas.flatMap(({ elections }) => elections.map(({ link }) => link));
  for (const link of links) link.cut = true;
  await world.pass(60_000);
  expect(world.shares()).toEqual({ a: 0, b: 0, c: 0 });
  for (const link of links) link.cut = false;
  await world.pass(HOLD_OFF_MS + leaseDurationMs);
  expect(Object.values(world.shares()).reduce((sum, count) => sum + count)).toBe(9);
  await world.pass(120_000);
  expect(world.shares()).toEqual({ a: 3, b: 3, c: 3 });
});

describe('a replica that crashes again and again', () => {
  async function crash(world: SharedWorld, times: number, everyMs: number): Promise<number> {
    world.forget();
    for (let i = 0; i < times; i += 1) {
      const crashing = world.add('c');
      await world.pass(everyMs - 10_000);
      crashing.kill();
      await world.pass(10_000);
    }
    return world.started.filter(({ by }) => by === 'c').length;
  }

  test.each([45_000, 120_000])('every %d ms is given less and less', async (everyMs) => {
    const world = await spread('a', 'b');
    expect(await crash(world, 1, everyMs)).toBeGreaterThan(0);
    await crash(world, 3, everyMs);
    expect(await crash(world, 2, everyMs), 'after four crashes').toBe(0);
  });

  test('is given its share once it lives', async () => {
    const world = await spread('a', 'b');
    await crash(world, 3, 45_000);
    world.add('c');
    await world.pass(7 * leaseDurationMs);
    expect(world.shares()).toMatchObject({ c: 0 });
    await world.pass(leaseDurationMs + 90_000);
    expect(world.shares()).toEqual({ a: 3, b: 3, c: 3 });
  });
});

describe('a replica that does not campaign', () => {
  test('is given nothing, and what it gave up is shared by the others', async () => {
    const world = await spread('a', 'b', 'c');
    for (const { runner } of world.replicas[0]!.elections) void runner.pause({ immediate: false });
    await world.pass(60_000);
    expect(world.shares()).toEqual({ a: 0, b: 5, c: 4 });
    expect(world.replicas.flatMap(({ logged }) => logged)).toEqual([]);
  });

  test('takes its share again when it is resumed', async () => {
    const world = await spread('a', 'b', 'c');
    for (const { runner } of world.replicas[0]!.elections) void runner.pause({ immediate: false });
    await world.pass(60_000);
    for (const { runner } of world.replicas[0]!.elections) runner.resume();
    await world.pass(120_000);
    expect(Object.values(world.shares())).toEqual([3, 3, 3]);
  });

  test('in one election is not offered that one, and gets others', async () => {
    const world = await spread('a');
    const late = world.add('b');
    // The names given away first.
    for (const name of ['s9', 's8']) void late.of(name).runner.pause({ immediate: false });
    world.forget();
    await world.pass(180_000);
    expect(world.shares()).toEqual({ a: 5, b: 4 });
    expect(world.replicas.flatMap(({ logged }) => logged)).toEqual(Array(4).fill('SHARE_HANDED_OVER'));
  });

  test('in most elections gets its share of the rest, and all comes to rest', async () => {
    const world = await spread('a');
    const late = world.add('b');
    for (const name of NINE.slice(2)) void late.of(name).runner.pause({ immediate: false });
    await world.pass(180_000);
    expect(world.shares()).toEqual({ a: 7, b: 2 });
    world.forget();
    await world.pass(600_000);
    expect(world.started).toEqual([]);
    for (const name of NINE.slice(2)) late.of(name).runner.resume();
    await world.pass(180_000);
    expect(world.shares()).toEqual({ a: 5, b: 4 });
  });

  test('in one election, and does not say so, is not offered that one again soon, and gets others', async () => {
    const world = await spread('a');
    const late = world.add('b');
    late.says = NINE;
    // The names given away first.
    for (const name of ['s9', 's8']) void late.of(name).runner.pause({ immediate: false });
    world.forget();
    await world.pass(180_000);
    expect(world.shares()).toEqual({ a: 5, b: 4 });
    const [first] = world.replicas;
    expect(first!.led()).toEqual(expect.arrayContaining(['s8', 's9']));
    expect(first!.logged.filter((code) => code === 'SHARE_NOT_TAKEN')).toHaveLength(2);
    expect(longestMs(world)).toBeLessThan(HOLD_OFF_MS + 1_000);
  });
});

describe('while replicas know different elections', () => {
  const FOUR = NINE.slice(0, 4);
  const REST_MS = 240_000;
  const handedOver = (world: SharedWorld) => world.replicas.flatMap(({ logged }) => logged).length;

  test.each([
    { change: 'are added', before: FOUR, after: NINE },
    { change: 'are removed', before: NINE, after: FOUR },
    { change: 'are renamed', before: NINE.slice(0, 6), after: NINE.slice(3) },
  ])('since some $change, nothing goes to and fro, and all are shared in the end', async ({ before, after }) => {
    const world = new SharedWorld(NINE, seeded(7));
    const [a, b] = [world.add('a', before), world.add('b', before)];
    await world.pass(60_000);
    for (const [leaver, name] of [
      [null, 'c'],
      [a, 'd'],
      [b, 'e'],
    ] as const) {
      world.add(name, after);
      if (leaver !== null) void leaver.leave();
      await world.pass(120_000);
      const moved = handedOver(world);
      world.forget();
      await world.pass(REST_MS);
      expect(world.started, `once ${name} has come`).toEqual([]);
      expect(handedOver(world)).toBe(moved);
      const known = new Set(
        world.replicas.flatMap(({ dead, elections }) => (dead ? [] : elections.map((one) => one.name))),
      );
      expect(world.replicas.flatMap((one) => one.led()).sort(), 'all that anybody knows is led').toEqual(
        [...known].sort(),
      );
    }
    const counts = Object.values(world.shares());
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });
});

describe('without a common view', () => {
  test('of the members at all, every election is led all the same', async () => {
    const world = new SharedWorld(NINE, seeded(3));
    world.watching = false;
    world.add('a');
    world.add('b');
    await world.pass(HOLD_OFF_MS);
    expect(Object.values(world.shares()).reduce((sum, count) => sum + count)).toBe(9);
    world.replicas[0]!.kill();
    await world.pass(leaseDurationMs + HOLD_OFF_MS);
    expect(world.shares()).toEqual({ b: 9 });
  });

  test.each([1, 2, 3, 4, 5, 6])('nothing goes to and fro, and nothing stays unled (%d)', async (seed) => {
    const random = seeded(seed);
    const world = new SharedWorld(FIVE, random);
    for (const name of ['a', 'b', 'c', 'd']) {
      const replica = world.add(name);
      await world.pass(random() * 20_000);
      for (const other of ['a', 'b', 'c', 'd']) if (other !== name && random() < 0.4) replica.blindTo.add(other);
    }
    await world.pass(120_000);
    world.forget();
    await world.pass(60_000);
    expect(world.started, 'whatever each sees, it comes to rest').toEqual([]);
    const victim = world.replicas[Math.floor(random() * 4)]!;
    victim.kill();
    await world.pass(leaseDurationMs + HOLD_OFF_MS);
    expect(longestMs(world)).toBeLessThanOrEqual(leaseDurationMs + HOLD_OFF_MS);
    expect(Object.values(world.shares()).reduce((sum, count) => sum + count)).toBe(5);
  });
});

test('a hand-over for balance waits for answers that were given, as any other', async () => {
  const world = await spread('a');
  world.add('b');
  world.forget();
  const [first] = world.replicas;
  for (let seconds = 0; seconds < 90; seconds += 1) {
    for (const { leadership } of first!.elections) leadership.answer();
    await world.pass(1_000);
  }
  expect(world.shares()).toEqual({ a: 5, b: 4 });
  for (const { election, by, monoMs } of world.started) {
    expect(by).toBe('b');
    expect(monoMs).toBeGreaterThanOrEqual(first!.of(election).leadership.trustedUntilMonoMs());
  }
});
