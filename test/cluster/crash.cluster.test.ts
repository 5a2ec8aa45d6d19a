import { describe, expect } from 'vitest';
import { monoMs, monoOfWall } from './replica/clock.ts';
import { isHigherToken } from './replica/history.ts';
import { Relay } from './replica/relay.ts';
import { BRISK, type Replica, STANDARD } from './replica/replica.ts';
import { onControlPlane, scenario } from './replica/scenario.ts';
import type { Scene } from './replica/scene.ts';
import { until } from './replica/until.ts';

onControlPlane();

const seconds = (text: string) => Number.parseInt(text, 10) * 1_000;

/** Kills the leader; resolves to how long after the expiry of its record the next one led. */
async function crash(scene: Scene): Promise<number> {
  const leader = await scene.untilLeader(10_000);
  const successors = scene.standbys();
  // Who comes late sees the record late, and times it from then: all are to have seen the last renewal.
  await Promise.all(successors.map((each) => each.untilWatching()));
  const renewals = () => leader.api.metric('leasegate_renewals_total');
  const before = await renewals();
  await until('it has renewed', 10_000, async () => (await renewals()) > before);
  const killedMs = leader.kill();
  await leader.closed();
  const { holderIdentity, renewTime } = (await scene.lease()).spec;
  expect(holderIdentity).toBe(leader.identity);
  const expiryMs = monoOfWall(Date.parse(renewTime)) + seconds(scene.timings.leaseDuration);
  const started = await Promise.any(successors.map((each) => each.untilEvent('started', 30_000, killedMs)));
  await scene.untilLeader(5_000);
  return started.atMs - expiryMs;
}

function expectPunctual(afterExpiryMs: number[]): void {
  console.log(`ms from the record's expiry to the next leader: ${afterExpiryMs.map(Math.round).join(', ')}`);
  // Others see a renewal no earlier than it was sent; renewTime is read here in whole milliseconds.
  expect(Math.min(...afterExpiryMs)).toBeGreaterThanOrEqual(-1);
  // `bench:failover` measures how many; here it must only be clear that it is the expiry itself that is acted on.
  expect(Math.max(...afterExpiryMs)).toBeLessThanOrEqual(1_000);
}

/** The first answer that a paused replica gave when it went on. */
function firstAnswerAfter(replica: Replica, resumedMs: number) {
  return until(`${replica.name} answers again`, 5_000, () =>
    replica.answers.find(({ receivedMs }) => receivedMs >= resumedMs),
  );
}

describe.concurrent('killed, at the same time', () => {
  scenario('after a SIGKILL another leads as soon as the record has expired', { timings: STANDARD }, async (scene) => {
    await scene.shipLease();
    await scene.startReplicas(3);
    expectPunctual([await crash(scene)]);
  });

  // What follows the expiry does not depend on how long it takes to come.
  scenario(
    'one SIGKILL after another, each followed by a leader as soon as the record has expired',
    { timings: BRISK },
    async (scene) => {
      await scene.shipLease();
      await scene.startReplicas(4);
      expectPunctual([await crash(scene), await crash(scene), await crash(scene)]);
    },
  );
});

describe.concurrent('paused, at the same time', () => {
  scenario('paused past its deadline, a leader’s very first answer is no', { timings: STANDARD }, async (scene) => {
    await scene.shipLease();
    await scene.startReplicas(2);
    const leader = await scene.untilLeader();
    const [other] = scene.standbys();
    leader.pause();
    const started = await other!.untilEvent('started', 20_000);
    const resumedMs = leader.resume();
    expect(await firstAnswerAfter(leader, resumedMs)).toMatchObject({ isLeader: false, validForMs: 0 });
    expect(isHigherToken(started.fencingToken!, leader.fencingToken)).toBe(true);
    await leader.untilLogged('LEADER_CHANGED', 5_000, resumedMs);
    expect(leader.logged('NOT_LEADING')).toHaveLength(1);
    await until('the other one says that it leads', 5_000, () => other!.leading);
  });

  scenario('paused past its deadline and alone, it says no, then leads anew', { timings: BRISK }, async (scene) => {
    await scene.shipLease();
    const only = await scene.startLeader();
    const before = only.fencingToken;
    only.pause();
    const pausedMs = monoMs();
    await until('its deadline is past', 10_000, () => monoMs() - pausedMs > 3_200);
    const resumedMs = only.resume();
    expect(await firstAnswerAfter(only, resumedMs)).toMatchObject({ isLeader: false, validForMs: 0 });
    const again = await only.untilLogged('LEADING', 5_000, resumedMs);
    expect(isHigherToken(String(again.fencingToken), before)).toBe(true);
    await until('it says so', 5_000, () => only.leading);
  });

  scenario('paused for less than its deadline, a leader goes on leading', { timings: BRISK }, async (scene) => {
    await scene.shipLease();
    await scene.startReplicas(2);
    const leader = await scene.untilLeader();
    leader.pause();
    const pausedMs = monoMs();
    await until('a second has passed', 5_000, () => monoMs() - pausedMs > 1_000);
    const resumedMs = leader.resume();
    expect(await firstAnswerAfter(leader, resumedMs)).toMatchObject({ isLeader: true });
    await until('it renews', 5_000, () => leader.answers.at(-1)!.validForMs > 2_500);
    expect(leader.logged('NOT_LEADING')).toEqual([]);
  });
});

describe.concurrent('cut off from the API server, at the same time', () => {
  // With connections refused every attempt fails at once; in silence each hangs until its timeout.
  for (const how of ['refuse', 'goSilent'] as const) {
    const manner = how === 'refuse' ? 'its connections refused' : 'nothing getting through';
    scenario(`a leader alone, ${manner}, stops before its rival starts`, { timings: BRISK }, async (scene) => {
      await scene.shipLease();
      const relay = await Relay.open(scene.controlPlane.ports.apiServer);
      try {
        const isolated = await scene.startLeader({ server: relay.url });
        const [rival] = await scene.startReplicas(1);
        const cutMs = monoMs();
        await relay[how]();
        const stopped = await isolated.untilLogged('NOT_LEADING', 4_000, cutMs);
        expect(stopped.reason).toBe('expired');
        expect(stopped.atMs - cutMs).toBeLessThanOrEqual(4_500);
        const started = await rival!.untilEvent('started', 6_000, cutMs);
        // The margin, less what the last renewal took to be seen.
        expect(started.atMs - stopped.atMs).toBeGreaterThan(1_500);
        expect((await isolated.api.probe('/healthz')).status).toBe(200);
        const mendedMs = monoMs();
        await relay.mend();
        await isolated.untilLogged('API_RECOVERED', 20_000, mendedMs);
        await until('it knows the leader again', 20_000, async () => {
          return (await isolated.api.get('/leader')).json.leader?.pod === rival!.podName;
        });
        await isolated.untilWatching(20_000);
        const leftMs = await rival!.leave();
        await isolated.untilEvent('started', 5_000, leftMs);
      } finally {
        relay.close();
      }
    });
  }
});
