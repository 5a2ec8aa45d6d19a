import { expect } from 'vitest';
import { monoMs } from './replica/clock.ts';
import { isHigherToken } from './replica/history.ts';
import { BRISK, STANDARD } from './replica/replica.ts';
import { onControlPlane, scenario } from './replica/scenario.ts';
import { until } from './replica/until.ts';

onControlPlane();

scenario(
  'while the API server hangs for less than the deadline, the leader leads on',
  { timings: STANDARD },
  async (scene) => {
    const { controlPlane } = scene;
    await scene.shipLease();
    await scene.startReplicas(3);
    const leader = await scene.untilLeader();
    const hangsMs = monoMs();
    controlPlane.pauseApiServer();
    await until('six seconds have passed', 10_000, () => monoMs() - hangsMs > 6_000);
    const resumedMs = monoMs();
    controlPlane.resumeApiServer();
    await until('it has renewed', 5_000, () => leader.answers.at(-1)!.validForMs > 9_000);
    const meanwhile = leader.answers.filter(({ sentMs }) => sentMs > hangsMs && sentMs < resumedMs);
    expect(meanwhile.every(({ isLeader }) => isLeader)).toBe(true);
    // The claim ran down, and no attempt put it off.
    const lowest = Math.min(...meanwhile.map(({ validForMs }) => validForMs));
    expect(lowest).toBeGreaterThan(1_500);
    expect(lowest).toBeLessThan(4_100);
    expect(scene.replicas.flatMap((replica) => replica.logged('NOT_LEADING'))).toEqual([]);
    expect(scene.replicas.flatMap((replica) => replica.logged('LEADING'))).toHaveLength(1);
  },
);

// A restart of the API server takes seconds; the deadline is chosen so that it is shorter in any case.
const PATIENT = { leaseDuration: '60s', renewDeadline: '50s', retryPeriod: '1s' };

scenario(
  'while the API server restarts within the deadline, the leader leads on',
  { timings: PATIENT },
  async (scene) => {
    const { controlPlane } = scene;
    await scene.shipLease();
    await scene.startReplicas(3);
    const leader = await scene.untilLeader();
    const stoppedMs = monoMs();
    await controlPlane.stopApiServer('at-once');
    await until('it notices', 5_000, () => leader.logged('API_UNREACHABLE').length > 0);
    await until('its claim runs down', 5_000, () => leader.answers.at(-1)!.validForMs < 47_000);
    await controlPlane.startApiServer();
    await until('it has renewed', 10_000, () => leader.answers.at(-1)!.validForMs > 49_000);
    expect(leader.answers.filter(({ sentMs }) => sentMs > stoppedMs).every(({ isLeader }) => isLeader)).toBe(true);
    await until('all watch again', 40_000, async () => {
      const up = await Promise.all(scene.replicas.map(({ api }) => api.metric('leasegate_watch_up')));
      return up.every((value) => value === 1);
    });
    expect(scene.replicas.flatMap((replica) => replica.logged('LEADING'))).toHaveLength(1);
  },
);

scenario(
  'while the API server is away for longer, nobody leads; then somebody does again',
  { timings: BRISK },
  async (scene) => {
    const { controlPlane } = scene;
    await scene.shipLease();
    await scene.startReplicas(3);
    const leader = await scene.untilLeader();
    const before = leader.fencingToken;
    const stoppedMs = monoMs();
    await controlPlane.stopApiServer('at-once');
    const stopped = await leader.untilLogged('NOT_LEADING', 5_000, stoppedMs);
    expect(stopped.reason).toBe('expired');
    expect(stopped.atMs - stoppedMs).toBeLessThanOrEqual(4_500);
    await until('three lease durations have passed', 20_000, () => monoMs() - stoppedMs > 15_000);
    expect(scene.replicas.some(({ leading }) => leading)).toBe(false);
    for (const { api } of scene.replicas) {
      // What a restart can't mend is no reason for one; and the Lease has been seen.
      expect((await api.probe('/healthz')).status).toBe(200);
      expect((await api.probe('/readyz')).status).toBe(200);
      expect((await api.get('/leader')).json.leader).toBeNull();
    }
    await controlPlane.startApiServer();
    const next = await scene.untilLeader(20_000);
    expect(isHigherToken(next.fencingToken, before)).toBe(true);
    // All campaign again, the leader of before included: the group survives two more hand-overs.
    for (let i = 0; i < 2; i++) {
      const current = await scene.untilLeader(20_000);
      await Promise.all(scene.standbys().map((replica) => replica.untilWatching(40_000)));
      await current.leave();
    }
    await scene.untilLeader();
  },
);

scenario('without an API server at the start, replicas wait for one', { timings: BRISK }, async (scene) => {
  const { controlPlane } = scene;
  await scene.shipLease();
  const tokens = [await scene.tokenFor('pod-1'), await scene.tokenFor('pod-2')];
  await controlPlane.stopApiServer('at-once');
  const [first, second] = [
    await scene.startReplica({ token: tokens[0]! }),
    await scene.startReplica({ token: tokens[1]! }),
  ];
  for (const replica of [first, second]) {
    const api = await replica.listening;
    await replica.untilLogged('API_UNREACHABLE', 5_000);
    expect((await api.probe('/readyz')).status).toBe(503);
    expect((await api.probe('/healthz')).status).toBe(200);
    expect((await api.get('/leader')).json).toMatchObject({ isLeader: false, leader: null, validForMs: 0 });
  }
  await controlPlane.startApiServer();
  await scene.untilLeader(20_000);
  for (const replica of [first, second]) {
    await until('it is ready', 20_000, async () => (await replica.api.probe('/readyz')).status === 200);
    expect(replica.running).toBe(true);
    // One line per change, however many attempts there were.
    expect(replica.log.filter(({ code, verb }) => code === 'API_UNREACHABLE' && verb === 'list leases')).toHaveLength(
      1,
    );
  }
});
