import { describe, expect, test, vi } from 'vitest';
import { NO_METRICS, type Replica, SILENT_LOG, TIMINGS, World } from './support/world.ts';

/** Whoever is fitter leads, by agreement: the world's oracle looks that no two ever do. */

const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = TIMINGS;
/** Claims' jitter at most, and the ways to the store and back. */
const AT_ONCE_MS = 20 + 8;

const termsOf = (replicas: readonly Replica[]) => replicas.reduce((sum, each) => sum + each.startedMs().length, 0);

describe("an application's health", () => {
  test('moves leadership at once when the application has ended, whatever it was told before', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b');
    a!.leadership.answer();
    a!.runner.setEligible(false, 'refused', { ended: true });
    expect(a!.leadership.isLeader()).toBe(false);
    const { leader, tookMs } = await world.nextLeader(a!);
    expect(leader).toBe(b);
    expect(tookMs).toBeLessThanOrEqual(AT_ONCE_MS);
  });

  test('waits for the answers given, where the application may still act on them', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    const trustedUntilMs = world.time.nowMs + a!.leadership.answer().validForMs;
    a!.runner.setEligible(false, 'timeout');
    expect(a!.leadership.isLeader()).toBe(false);
    const { leader } = await world.nextLeader(a!);
    expect(leader.startedMs()[0]).toBeGreaterThanOrEqual(trustedUntilMs);
  });

  test('waits no longer once it is known that the application has ended', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    a!.leadership.answer();
    a!.runner.setEligible(false, 'timeout');
    await world.pass(1_000);
    expect(world.leader()).toBeNull();
    a!.runner.setEligible(false, 'refused', { ended: true });
    expect((await world.nextLeader(a!)).tookMs).toBeLessThanOrEqual(AT_ONCE_MS);
  });

  test('that was lost once makes no later hand-over hasty', async () => {
    const world = new World();
    const a = world.add('a', { candidacy: { leadUnhealthy: true } });
    a.runner.setEligible(false, 'refused', { ended: true });
    await world.pass(renewDeadlineMs + 100);
    expect(world.leader()).toBe(a);
    world.add('b');
    a.runner.setEligible(false, 'refused', { ended: true });
    const trustedUntilMs = world.time.nowMs + a.leadership.answer().validForMs;
    void a.runner.stepDown({ immediate: false });
    const { leader } = await world.nextLeader(a);
    expect(leader.startedMs()[0]).toBeGreaterThanOrEqual(trustedUntilMs);
  });

  test('that every replica lacks is told once by each, and ends as soon as one is healthy', async () => {
    const ports = { log: { ...SILENT_LOG, warn: vi.fn() }, metrics: { ...NO_METRICS, unclaimed: vi.fn() } };
    const announce = vi.fn();
    const world = new World();
    const [a, b] = await world.led('a');
    expect(b).toBeUndefined();
    const other = world.add('b', { ports: { ...ports, announce } });
    for (const replica of [a!, other]) replica.runner.setEligible(false, 'timeout');
    await world.pass(60_000);
    expect(world.leader()).toBeNull();
    expect(ports.log.warn.mock.calls.map(([fields]) => fields)).toEqual([{ code: 'NO_CANDIDATE', why: 'unhealthy' }]);
    expect(announce.mock.calls).toEqual([['sees no candidate (unhealthy)', 'lease-1']]);
    a!.runner.setEligible(true, 'ok');
    await world.pass(AT_ONCE_MS);
    expect(world.leader()).toBe(a);
    expect(ports.metrics.unclaimed.mock.calls).toEqual([[true], [false]]);
  });

  test('that every replica lacks lets one lead that may all the same, until another has been healthy for a while', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b');
    const c = world.add('c', { candidacy: { leadUnhealthy: true } });
    for (const replica of [a!, b!, c]) replica.runner.setEligible(false, 'refused', { ended: true });
    const alone = await world.nextLeader(a!);
    expect(alone.leader).toBe(c);
    expect(alone.tookMs).toBeGreaterThanOrEqual(renewDeadlineMs);
    expect(alone.tookMs).toBeLessThanOrEqual(renewDeadlineMs + AT_ONCE_MS);
    await world.pass(20_000);
    b!.runner.setEligible(true, 'ok');
    const better = await world.nextLeader(c);
    expect(better.leader).toBe(b);
    expect(better.tookMs).toBeGreaterThanOrEqual(leaseDurationMs);
    expect(better.tookMs).toBeLessThanOrEqual(leaseDurationMs + 50 + AT_ONCE_MS);
    await world.pass(120_000);
    expect(termsOf(world.replicas)).toBe(3);
  });
});

describe('a hand-over to a named replica', () => {
  test('makes it the next leader, twenty times of twenty', async () => {
    const world = new World();
    const replicas = await world.led('a', 'b', 'c', 'd');
    for (let round = 0; round < 20; round++) {
      const before = world.leader()!;
      const target = replicas.filter((each) => each !== before)[(round * 7) % 3]!;
      void before.runner.stepDown({ immediate: true, to: target.identity });
      const { leader, tookMs } = await world.nextLeader(before);
      expect(leader, `round ${round}`).toBe(target);
      expect(tookMs).toBeLessThanOrEqual(8);
      await world.pass((round * 1_733) % 9_000);
    }
  });

  test('that has died meanwhile costs the others one retry period', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b', 'c');
    b!.kill();
    void a!.runner.stepDown({ immediate: true, to: b!.identity });
    const { leader, tookMs } = await world.nextLeader(a!);
    expect(leader.name).toBe('c');
    expect(tookMs).toBeGreaterThanOrEqual(retryPeriodMs);
    expect(tookMs).toBeLessThanOrEqual(retryPeriodMs + AT_ONCE_MS);
  });

  test('that has been restarted meanwhile makes its next process the leader', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b', 'c');
    b!.kill();
    const again = world.add('b', { start: 2 });
    await world.pass(100);
    void a!.runner.stepDown({ immediate: true, to: b!.identity });
    expect((await world.nextLeader(a!)).leader).toBe(again);
  });

  test('waits for the answers given, like any other', async () => {
    const world = new World();
    const [a, , c] = await world.led('a', 'b', 'c');
    const trustedUntilMs = world.time.nowMs + a!.leadership.answer().validForMs;
    void a!.runner.stepDown({ immediate: false, to: c!.identity });
    const { leader } = await world.nextLeader(a!);
    expect(leader).toBe(c);
    expect(c!.startedMs()[0]).toBeGreaterThanOrEqual(trustedUntilMs);
  });
});

describe('priority', () => {
  const PRIORITIES = { low: 1, middle: 5, high: 10 } as const;

  /** `low` leads, and the others are there. */
  async function ledByLow(preempt: boolean): Promise<World> {
    const world = new World();
    for (const [name, priority] of Object.entries(PRIORITIES)) {
      world.add(name, { candidacy: { priority, preempt } });
      if (name === 'low') await world.pass(retryPeriodMs);
    }
    await world.pass(100);
    expect(world.leader()?.name).toBe('low');
    return world;
  }

  test.each([
    ['releases', (low: Replica) => void low.runner.stop(), 0],
    ['dies', (low: Replica) => low.kill(), leaseDurationMs],
  ])('goes first when the leader %s', async (_, end, waitMs) => {
    const world = await ledByLow(false);
    const low = world.leader()!;
    end(low);
    const { leader, tookMs } = await world.nextLeader(low);
    expect(leader.name).toBe('high');
    expect(tookMs).toBeLessThanOrEqual(waitMs + 50 + AT_ONCE_MS);
  });

  test('gives the next in rank its turn when the highest is not there', async () => {
    const world = await ledByLow(false);
    world.replicas.find(({ name }) => name === 'high')!.kill();
    const low = world.leader()!;
    void low.runner.stop();
    const { leader, tookMs } = await world.nextLeader(low);
    expect(leader.name).toBe('middle');
    expect(tookMs).toBeLessThanOrEqual(retryPeriodMs / 2 + AT_ONCE_MS);
  });

  test('moves nobody without preemption', async () => {
    const world = await ledByLow(false);
    await world.pass(200_000);
    expect([world.leader()?.name, termsOf(world.replicas)]).toEqual(['low', 1]);
  });

  test('makes the highest the leader with preemption, once, after a lease duration', async () => {
    const world = await ledByLow(true);
    const low = world.leader()!;
    const { leader, tookMs } = await world.nextLeader(low);
    expect(leader.name).toBe('high');
    expect(tookMs).toBeLessThanOrEqual(leaseDurationMs + 50 + AT_ONCE_MS);
    await world.pass(200_000);
    expect([world.leader()?.name, termsOf(world.replicas)]).toEqual(['high', 2]);
  });

  test('waits, when it preempts, for the answers that the leader has given', async () => {
    const world = await ledByLow(true);
    const low = world.leader()!;
    await world.pass(leaseDurationMs - 1_000);
    const trustedUntilMs = world.time.nowMs + low.leadership.answer().validForMs;
    const { leader } = await world.nextLeader(low);
    expect(leader.startedMs()[0]).toBeGreaterThanOrEqual(trustedUntilMs);
  });

  test('that cannot be followed moves leadership to and fro ever more rarely', async () => {
    const world = await ledByLow(true);
    const high = world.replicas.find(({ name }) => name === 'high')!;
    world.replicas.find(({ name }) => name === 'middle')!.kill();
    // It may ask, and never takes what it asked for.
    vi.spyOn(high.link, 'update').mockResolvedValue({ kind: 'refused', code: 'forbidden', retryAfterMs: null });
    const terms: number[] = [];
    for (let tenMinutes = 0; tenMinutes < 4; tenMinutes++) {
      const before = termsOf(world.replicas);
      await world.pass(600_000);
      terms.push(termsOf(world.replicas) - before);
    }
    expect(terms[0]).toBeLessThanOrEqual(7);
    expect(terms.at(-1)).toBeLessThanOrEqual(1);
    expect(high.startedMs()).toEqual([]);
  });

  test('is told in the log when it is asked for and when it is given way to', async () => {
    const log = { ...SILENT_LOG, info: vi.fn() };
    const world = new World();
    world.add('low', { candidacy: { priority: 1 }, ports: { log } });
    await world.pass(retryPeriodMs);
    const high = world.add('high', { candidacy: { preempt: true }, ports: { log } });
    await world.nextLeader(world.leader()!);
    const lines = log.info.mock.calls.map(([fields]) => fields);
    expect(lines).toContainEqual({ code: 'CHALLENGING', holder: 'low_uid-low_1', holderPriority: 1 });
    expect(lines).toContainEqual({ code: 'NOT_LEADING', reason: 'preempted', to: 'high' });
    expect(world.leader()).toBe(high);
  });
});

describe('one that never leads', () => {
  test('follows who does', async () => {
    const world = new World();
    const observer = world.add('observer', { candidacy: { neverLead: true } });
    await world.pass(60_000);
    expect(world.leader()).toBeNull();
    expect(observer.runner.candidacy()).toEqual({ candidate: false, why: 'never-lead', priority: 10 });
    const a = world.add('a');
    await world.pass(100);
    expect(world.leader()).toBe(a);
    expect(observer.leadership.leader()?.pod).toBe('a');
    a.kill();
    await world.pass(60_000);
    expect(world.leader()).toBeNull();
  });
});

test('why a replica does not campaign is counted once per change', async () => {
  const candidacy = vi.fn();
  const applicationHealthy = vi.fn();
  const world = new World();
  const a = world.add('a', { ports: { metrics: { ...NO_METRICS, candidacy, applicationHealthy } } });
  await world.pass(100);
  a.runner.setEligible(false, 'timeout');
  await world.pass(30_000);
  void a.runner.pause({ immediate: true });
  expect(a.runner.candidacy()).toEqual({ candidate: false, why: 'paused', priority: -1 });
  a.runner.setEligible(true, 'ok');
  a.runner.resume();
  expect(a.runner.candidacy()).toEqual({ candidate: true, why: null, priority: 10 });
  void a.runner.stop();
  expect(candidacy.mock.calls).toEqual([['unhealthy'], ['paused'], [null], ['stopping']]);
  expect(applicationHealthy.mock.calls).toEqual([[false], [true]]);
});
