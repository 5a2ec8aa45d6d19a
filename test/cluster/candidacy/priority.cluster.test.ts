import { expect } from 'vitest';
import { monoMs } from '../replica/clock.ts';
import { BRISK, type Replica } from '../replica/replica.ts';
import { onControlPlane, scenario } from '../replica/scenario.ts';
import type { Scene } from '../replica/scene.ts';
import { until } from '../replica/until.ts';

onControlPlane();

const PRIORITIES: Readonly<Record<string, number>> = { high: 10, middle: 5, low: 1 };
const RESTARTS = 20;
const LEASE_DURATION_MS = 5_000;
/** No promise: a machine that is busy with other things. */
const BUSY_MS = 2_000;

const rank = ({ podName }: Replica) => PRIORITIES[podName]!;
const highest = (replicas: readonly Replica[]) => replicas.toSorted((a, b) => rank(b) - rank(a))[0]!;
const running = ({ replicas }: Scene) => replicas.filter((replica) => replica.running);
const terms = ({ replicas }: Scene) => replicas.reduce((sum, replica) => sum + replica.logged('LEADING').length, 0);
const pause = (ms: number) => new Promise((over) => setTimeout(over, ms));

/**
 * A pod of that name, made anew: another uid. Returns when it has seen the holder renew: of a record that was there before it, it
 * counts the duration from later than the others do, and one of lower priority may then come first.
 */
async function start(scene: Scene, podName: string, preempt: boolean): Promise<Replica> {
  const env = { LEASEGATE_PRIORITY: String(PRIORITIES[podName]), LEASEGATE_PREEMPT: String(preempt) };
  const replica = await scene.startReplica({ podName, env });
  await replica.untilWatching(30_000);
  const { renewTime } = (await scene.lease()).spec;
  await until('the holder renews', 30_000, async () => (await scene.lease()).spec.renewTime !== renewTime);
  return replica;
}

/** The lowest leads before the others come. */
async function startLedByLow(scene: Scene, preempt: boolean): Promise<void> {
  await start(scene, 'low', preempt);
  await scene.untilLeader();
  for (const podName of ['middle', 'high']) await start(scene, podName, preempt);
  expect((await scene.untilLeader()).podName).toBe('low');
}

/** Ends a replica, properly or not, and starts it anew. Returns what its end led to. */
async function restart(scene: Scene, preempt: boolean): Promise<{ led: boolean; next: Replica }> {
  const leader = await scene.untilLeader();
  const all = running(scene);
  const victim = all[Math.floor(Math.random() * all.length)]!;
  const led = victim === leader;
  if (Math.random() < 0.5) await victim.leave();
  else {
    victim.kill();
    await victim.closed();
  }
  const next = led ? await scene.untilLeader() : leader;
  await start(scene, victim.podName, preempt);
  await pause(Math.random() * 1_500);
  return { led, next };
}

scenario(
  `priorities 10, 5 and 1, without preemption: of those that are there the highest takes over, and nobody else moves, ${RESTARTS} restarts`,
  { timings: BRISK, timeoutMs: 400_000 },
  async (scene) => {
    await scene.shipLease();
    await startLedByLow(scene, false);
    const { metadata } = await scene.lease();
    expect(metadata.annotations).toMatchObject({ 'leasegate.dev/holder-priority': '1' });
    let expected = 1;
    for (let round = 0; round < RESTARTS; round++) {
      const before = running(scene);
      const { led, next } = await restart(scene, false);
      const there = before.filter((replica) => replica.running);
      if (led) {
        expected += 1;
        expect(next.podName, `round ${round}`).toBe(highest(there).podName);
      }
      expect(terms(scene), `round ${round}`).toBe(expected);
    }
    console.log(`${RESTARTS} restarts, ${expected} terms`);
  },
);

scenario(
  `priorities 10, 5 and 1, with preemption: after ${RESTARTS} restarts the highest leads, and nobody flaps`,
  { timings: BRISK, timeoutMs: 400_000 },
  async (scene) => {
    await scene.shipLease();
    await startLedByLow(scene, true);
    let losses = 0;
    for (let round = 0; round < RESTARTS; round++) {
      const { led } = await restart(scene, true);
      if (led) losses += 1;
      if (Math.random() < 0.3) await untilHighestLeads(scene);
    }
    const tookMs = await untilHighestLeads(scene);
    const settled = terms(scene);
    await pause(3 * LEASE_DURATION_MS);
    expect(terms(scene)).toBe(settled);
    const preempted = scene.replicas.flatMap((each) =>
      each.logged('NOT_LEADING').filter(({ reason }) => reason === 'preempted'),
    );
    console.log(
      `${RESTARTS} restarts, of these ${losses} of the leader; ${preempted.length} hand-overs to a higher one, ` +
        `${settled} terms; the highest led ${Math.round(tookMs)} ms after the last restart`,
    );
    // The first, one for each leader that ended, and one for each that was asked to give way: none for nothing.
    expect(settled).toBe(1 + losses + preempted.length);
    expect(preempted.length).toBeLessThanOrEqual(RESTARTS + 1);
  },
);

/** A term must have stood for a lease duration, and the answers that were given must run out. */
async function untilHighestLeads(scene: Scene): Promise<number> {
  const sinceMs = monoMs();
  await until('the highest leads', 3 * LEASE_DURATION_MS + BUSY_MS, async () => {
    const top = highest(running(scene));
    return top.leading && top.answers.at(-1)!.sentMs >= sinceMs;
  });
  return monoMs() - sinceMs;
}
