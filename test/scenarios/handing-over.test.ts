import { describe, expect, test } from 'vitest';
import type { StepDownOutcome } from '../../src/leadership/control.ts';
import { type Replica, World } from './support/world.ts';

/** What became of a promise, without waiting for it. */
function watched(promise: Promise<StepDownOutcome>): { outcome: StepDownOutcome | null } {
  const seen: { outcome: StepDownOutcome | null } = { outcome: null };
  void promise.then((outcome) => {
    seen.outcome = outcome;
  });
  return seen;
}

/** An answer that is trusted while another leads is a second leader; a slow hook is no reason to keep the Lease for ever. */
describe('a graceful hand-over', () => {
  test('passes the Lease on within the jitter', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b');
    void a!.runner.stop();
    const { leader, tookMs } = await world.nextLeader(a!);
    expect(leader).toBe(b);
    expect(tookMs).toBeLessThanOrEqual(20 + 6);
  });

  test('waits until the answers already given may not be trusted any more', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    await world.pass(3_000);
    const trustedUntilMs = world.time.nowMs + a!.leadership.answer().validForMs;
    const seen = watched(a!.runner.stepDown({ immediate: false }));
    const { leader } = await world.nextLeader(a!);
    expect(leader.startedMs()[0]).toBeGreaterThanOrEqual(trustedUntilMs);
    expect(leader.startedMs()[0]).toBeLessThanOrEqual(trustedUntilMs + 50);
    expect(seen.outcome).toMatchObject({ result: 'released' });
  });

  test('waits for the answers of the process before this one in the same pod, too: its application lives on', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    const trustedUntilMs = world.time.nowMs + a!.leadership.answer().validForMs;
    a!.kill();
    const next = world.add('a', { start: 2 });
    await world.pass(10);
    expect(world.leader()).toBe(next);
    void next.runner.stepDown({ immediate: false });
    const { leader } = await world.nextLeader(next);
    expect(leader.startedMs()[0]).toBeGreaterThanOrEqual(trustedUntilMs);
  });

  test('does not wait for them when it is to be immediate', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    a!.leadership.answer();
    const seen = watched(a!.runner.stepDown({ immediate: true }));
    const { tookMs } = await world.nextLeader(a!);
    expect(tookMs).toBeLessThan(50);
    expect(seen.outcome).toEqual({ result: 'released', tookMs: 2 });
  });

  test('waits again after an immediate one: haste is for one hand-over', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b');
    void a!.runner.stepDown({ immediate: true });
    await world.nextLeader(a!);
    void b!.runner.stepDown({ immediate: true });
    await world.nextLeader(b!);
    expect(world.leader()).toBe(a);
    await world.pass(1_000);
    const trustedUntilMs = world.time.nowMs + a!.leadership.answer().validForMs;
    world.lease.put({ preferredHolder: b!.identity });
    const { leader } = await world.nextLeader(a!);
    expect(leader).toBe(b);
    expect(world.time.nowMs).toBeGreaterThanOrEqual(trustedUntilMs);
  });

  test('that is waiting ends at once when the process is to stop', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    a!.leadership.answer();
    void a!.runner.stepDown({ immediate: false });
    await world.pass(1_000);
    expect(world.lease.record?.holder).toBe(a!.identity);
    void a!.runner.stop();
    expect((await world.nextLeader(a!)).tookMs).toBeLessThan(50);
  });

  test('does not wait when nobody asked: being told of a change is no answer that is trusted', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    expect(a!.changes.map(({ change }) => change.answer.isLeader)).toEqual([true]);
    const seen = watched(a!.runner.stepDown({ immediate: false }));
    expect((await world.nextLeader(a!)).tookMs).toBeLessThan(50);
    expect(seen.outcome).toEqual({ result: 'released', tookMs: 2 });
  });

  test.each(['stepDown', 'pause'] as const)(
    'that is waiting ends at once by an immediate %s: whoever asks again vouches for the application',
    async (again) => {
      const world = new World();
      const [a] = await world.led('a', 'b');
      a!.leadership.answer();
      const first = watched(a!.runner.stepDown({ immediate: false }));
      await world.pass(1_000);
      expect(first.outcome).toBeNull();
      const second = watched(a!.runner[again]({ immediate: true }));
      expect((await world.nextLeader(a!)).tookMs).toBeLessThan(50);
      expect(first.outcome).toEqual({ result: 'released', tookMs: 1_002 });
      expect(second.outcome).toEqual({ result: 'released', tookMs: 2 });
      expect(a!.runner.paused).toBe(again === 'pause');
    },
  );

  test('whose work still stops is hurried by an immediate one, too, but never ahead of its work', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    a!.leadership.onStop('gateway', () => new Promise<void>((resolve) => void a!.time.after(3_000, resolve)));
    a!.leadership.answer();
    void a!.runner.stepDown({ immediate: false });
    await world.pass(1_000);
    void a!.runner.stepDown({ immediate: true });
    const { tookMs } = await world.nextLeader(a!);
    expect(tookMs).toBeGreaterThanOrEqual(2_000);
    expect(tookMs).toBeLessThan(2_050);
  });

  test('that is waiting goes on waiting when it is patiently asked for again', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    const trustedUntilMs = world.time.nowMs + a!.leadership.answer().validForMs;
    void a!.runner.stepDown({ immediate: false });
    await world.pass(1_000);
    void a!.runner.stepDown({ immediate: false });
    await world.nextLeader(a!);
    expect(world.time.nowMs).toBeGreaterThanOrEqual(trustedUntilMs);
  });

  test('that is immediate stays so when it is patiently asked for again', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    a!.leadership.onStop('gateway', () => new Promise<void>((resolve) => void a!.time.after(500, resolve)));
    a!.leadership.answer();
    void a!.runner.stepDown({ immediate: true });
    void a!.runner.stepDown({ immediate: false });
    expect((await world.nextLeader(a!)).tookMs).toBeLessThan(550);
  });

  test('is stopped work first, then the release: a slow hook holds it up, and the leader goes on renewing', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b');
    const done: number[] = [];
    a!.leadership.onStop('gateway', async () => {
      await new Promise<void>((resolve) => void a!.time.after(6_000, resolve));
      done.push(world.time.nowMs);
    });
    void a!.runner.stop();
    await world.nextLeader(a!);
    expect(b!.startedMs()[0]).toBeGreaterThanOrEqual(done[0]!);
  });

  test('waits for a hook no longer than work may drain', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    a!.leadership.onStop('publish', () => new Promise<void>(() => {}));
    void a!.runner.stop();
    const { tookMs } = await world.nextLeader(a!);
    expect(tookMs).toBeGreaterThanOrEqual(10_000);
    expect(tookMs).toBeLessThanOrEqual(10_050);
  });

  test('takes turns: the one that stepped down lets the others go first', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b');
    void a!.runner.stepDown({ immediate: true });
    expect((await world.nextLeader(a!)).leader).toBe(b);
  });

  test('of the only replica ends in its leading again', async () => {
    const world = new World();
    const [a] = await world.led('a');
    void a!.runner.stepDown({ immediate: true });
    await world.pass(10_000);
    expect(a!.leadership.isLeader()).toBe(true);
    expect(a!.changes.map(({ change }) => change.kind)).toEqual(['started', 'stopped', 'started']);
  });
});

describe('giving up what is not held any more', () => {
  test('is answered even when the deadline passed unseen before the question', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    a!.time.freeze();
    await world.pass(30_000);
    let seen = { outcome: null as StepDownOutcome | null };
    a!.time.thaw(() => {
      seen = watched(a!.runner.stepDown({ immediate: false }));
    });
    await world.pass(1);
    expect(seen.outcome).toMatchObject({ result: 'not-leading' });
  });

  test('is nothing for a standby', async () => {
    const world = new World();
    const [, b] = await world.led('a', 'b');
    const seen = watched(b!.runner.stepDown({ immediate: false }));
    await world.pass(1);
    expect(seen.outcome).toEqual({ result: 'not-leading', tookMs: 0 });
  });

  test('does not say that the Lease is free when another took it while work was stopping', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    a!.leadership.onStop('gateway', () => new Promise<void>((resolve) => void a!.time.after(3_000, resolve)));
    const seen = watched(a!.runner.stepDown({ immediate: true }));
    await world.pass(1_000);
    const intruder = world.lease.put({ holder: 'intruder', renewTime: 'now', transitions: 9 });
    await world.pass(3_000);
    expect(seen.outcome).toEqual({ result: 'not-leading', tookMs: 3_000 });
    expect(world.lease.record).toEqual(intruder);
  });

  test('says so when the Lease could not be freed', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    a!.link.cut = true;
    const seen = watched(a!.runner.stepDown({ immediate: true }));
    await world.pass(9_000);
    expect(seen.outcome).toMatchObject({ result: 'unreleased' });
  });
});

describe('pause and resume', () => {
  const alone = async (): Promise<{ world: World; a: Replica }> => {
    const world = new World();
    const [a] = await world.led('a');
    return { world, a: a! };
  };

  test('a paused leader hands over and does not come back until it resumes', async () => {
    const { world, a } = await alone();
    const seen = watched(a.runner.pause({ immediate: true }));
    await world.pass(60_000);
    expect(seen.outcome?.result).toBe('released');
    expect(a.runner.paused).toBe(true);
    expect(world.leader()).toBeNull();
    a.runner.resume();
    await world.pass(100);
    expect(a.runner.paused).toBe(false);
    expect(world.leader()).toBe(a);
  });

  test('a paused standby stays one when the leader dies', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b');
    void b!.runner.pause({ immediate: true });
    a!.kill();
    await world.pass(60_000);
    expect(world.leader()).toBeNull();
    b!.runner.resume();
    await world.pass(100);
    expect(world.leader()).toBe(b);
  });
});

describe('stopping', () => {
  test('ends, whatever the replica was doing', async () => {
    const world = new World();
    const [a, b] = await world.led('a', 'b');
    const claimant = world.add('claimant');
    claimant.link.cut = true;
    const paused = world.add('paused');
    void paused.runner.pause({ immediate: true });
    const ended: string[] = [];
    for (const replica of [a!, b!, claimant, paused]) void replica.runner.stop().then(() => ended.push(replica.name));
    await world.pass(20_000);
    expect(ended.sort()).toEqual(['a', 'b', 'claimant', 'paused']);
    expect(world.lease.record?.holder).toBe('');
    expect(world.lease.watchers.size).toBe(0);
  });

  test('does not wait for a hung renewal for longer than two seconds, and frees the Lease', async () => {
    const world = new World();
    const [a] = await world.led('a', 'b');
    a!.link.losesAnswers = true;
    await world.pass(2_000);
    expect(a!.link.requests).toEqual(['update', 'update']);
    a!.link.losesAnswers = false;
    const stopMs = world.time.nowMs;
    let endedMs: number | null = null;
    void a!.runner.stop().then(() => {
      endedMs = world.time.nowMs;
    });
    await world.nextLeader(a!);
    expect(endedMs! - stopMs).toBeGreaterThanOrEqual(2_000);
    expect(endedMs! - stopMs).toBeLessThan(2_050);
    expect(world.time.nowMs - stopMs).toBeLessThan(2_050);
  });

  test('a claim that was still under way is freed when it is won', async () => {
    const world = new World();
    const a = world.add('a');
    a.link.upMs = 400;
    a.link.downMs = 400;
    await world.pass(450);
    expect(a.link.requests).toEqual(['update']);
    expect(world.lease.record?.holder).toBe(a.identity);
    let ended = false;
    void a.runner.stop().then(() => {
      ended = true;
    });
    await world.pass(2_000);
    expect(ended).toBe(true);
    expect(a.startedMs()).toEqual([]);
    expect(world.lease.record?.holder).toBe('');
  });
});
