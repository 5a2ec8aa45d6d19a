import { describe, expect } from 'vitest';
import { monoMs } from './replica/clock.ts';
import { isHigherToken } from './replica/history.ts';
import { BRISK, STANDARD } from './replica/replica.ts';
import { onControlPlane, scenario } from './replica/scenario.ts';
import { until } from './replica/until.ts';

onControlPlane();

scenario('three replicas have one leader, and all of them name it', { timings: STANDARD }, async (scene) => {
  await scene.shipLease();
  const replicas = await scene.startReplicas(3);
  const leader = await scene.untilLeader();
  expect(scene.standbys()).toHaveLength(2);
  for (const replica of replicas) {
    const { json } = await until(`${replica.name} knows the leader`, 2_000, async () => {
      const answer = await replica.api.get('/leader');
      return answer.json.leader !== null && answer;
    });
    expect(json.leader).toEqual({ identity: leader.identity, pod: leader.podName, address: '192.0.2.1' });
    expect((await replica.api.get('/')).json).toEqual({ name: leader.podName });
    expect((await replica.api.probe('/is-leader')).status).toBe(replica === leader ? 200 : 503);
    expect((await replica.api.probe('/is-standby')).status).toBe(replica === leader ? 503 : 200);
    expect((await replica.api.probe('/healthz')).status).toBe(200);
    expect((await replica.api.probe('/readyz')).status).toBe(200);
  }
});

scenario('a SIGTERM hands over in milliseconds, ten times', { timings: STANDARD }, async (scene) => {
  await scene.shipLease();
  await scene.startReplicas(3);
  const tookMs: number[] = [];
  for (let i = 0; i < 10; i++) {
    const leader = await scene.untilLeader();
    const successors = scene.standbys();
    const terminatedMs = leader.terminate();
    const started = await Promise.any(successors.map((each) => each.untilEvent('started', 5_000, terminatedMs)));
    tookMs.push(started.atMs - terminatedMs);
    await leader.closed();
    expect(leader.exitCode).toBe(0);
    expect(leader.log.at(-1)).toMatchObject({ code: 'RELEASED' });
    await scene.startReplicas(1);
  }
  tookMs.sort((a, b) => a - b);
  console.log(`ms from SIGTERM to the successor's event: ${tookMs.map(Math.round).join(', ')}`);
  // `bench:failover` measures how many; here it must only be clear that nobody polls (retryPeriod is two seconds).
  expect((tookMs[4]! + tookMs[5]!) / 2).toBeLessThanOrEqual(500);
  expect(tookMs[9]).toBeLessThanOrEqual(1_000);
});

scenario('the Lease is released before the Event about it is written', { timings: BRISK }, async (scene) => {
  await scene.shipLease();
  const leader = await scene.startLeader();
  await leader.leave();
  const asked = (await scene.requests('pod-1')).filter(({ verb }) => verb === 'update' || verb === 'create');
  const last = asked.sort((a, b) => a.requestReceivedTimestamp.localeCompare(b.requestReceivedTimestamp)).slice(-2);
  expect(last.map(({ verb, objectRef }) => `${verb} ${objectRef?.resource}`)).toEqual([
    'update leases',
    'create events',
  ]);
});

describe.concurrent('at the same time', () => {
  scenario('a step-down waits until no answer given before is still trusted', { timings: BRISK }, async (scene) => {
    await scene.shipLease();
    await scene.startReplicas(3);
    const leader = await scene.untilLeader();
    const { status, json } = await leader.api.post('/step-down');
    expect([status, json.result]).toEqual([200, 'released']);
    const promisedUntilMs = Math.max(
      ...leader.answers.filter(({ isLeader }) => isLeader).map(({ sentMs, validForMs }) => sentMs + validForMs),
    );
    const successor = await scene.untilLeader(5_000);
    expect(successor).not.toBe(leader);
    expect((await successor.untilLogged('LEADING', 5_000)).atMs).toBeGreaterThanOrEqual(Math.floor(promisedUntilMs));
  });

  scenario('an immediate step-down hands over at once', { timings: BRISK }, async (scene) => {
    await scene.shipLease();
    await scene.startReplicas(3);
    const leader = await scene.untilLeader();
    const successors = scene.standbys();
    const askedMs = monoMs();
    const { status, json } = await leader.api.post('/step-down', { immediate: true });
    expect([status, json.result]).toEqual([200, 'released']);
    const started = await Promise.any(successors.map((each) => each.untilEvent('started', 5_000, askedMs)));
    expect(started.atMs - askedMs).toBeLessThanOrEqual(2_000);
    expect((await leader.api.post('/step-down')).status).toBe(409);
  });

  scenario(
    'a paused replica does not campaign, and leads again after it is resumed',
    { timings: BRISK },
    async (scene) => {
      await scene.shipLease();
      const first = await scene.startLeader();
      const [second] = await scene.startReplicas(1);
      expect((await first.api.post('/pause', { immediate: true })).json).toMatchObject({
        paused: true,
        result: 'released',
      });
      await second!.untilEvent('started', 5_000);
      const leftMs = await second!.leave();
      // Free, and with nobody to take it: for longer than the Lease would last.
      await until('a lease duration has passed', 10_000, () => monoMs() - leftMs > 6_000);
      expect(first.logged('LEADING')).toHaveLength(1);
      const resumedMs = monoMs();
      expect((await first.api.post('/resume')).json).toEqual({ paused: false });
      const started = await first.untilEvent('started', 5_000, resumedMs);
      expect(started.atMs - resumedMs).toBeLessThanOrEqual(2_000);
      await until('its answer says so', 5_000, () => first.leading);
    },
  );

  scenario(
    'a new process of the same pod takes its predecessor’s Lease at once',
    { timings: STANDARD },
    async (scene) => {
      await scene.shipLease();
      const killed = await scene.startLeader();
      const before = killed.fencingToken;
      await scene.startReplicas(1);

      await scene.startReplicas(1);
      killed.kill();
      const restarted = await scene.startReplica({ restartOf: killed });
      const campaigns = await restarted.untilLogged('STARTED', 5_000);
      const leading = await restarted.untilLogged('LEADING', 2_000);
      expect(leading.atMs - campaigns.atMs).toBeLessThanOrEqual(2_000);
      expect(isHigherToken(String(leading.fencingToken), before)).toBe(true);
      await until('its answer says so', 5_000, () => restarted.leading);
    },
  );
});
