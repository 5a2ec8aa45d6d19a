import { expect } from 'vitest';
import { monoMs } from './replica/clock.ts';
import { BRISK } from './replica/replica.ts';
import { onControlPlane, scenario } from './replica/scenario.ts';
import { until } from './replica/until.ts';

onControlPlane();

const COUNT = 20;

// Questions are rarer than elsewhere: twenty processes share the machine with whoever asks them.
const options = { timings: BRISK, askEveryMs: 50, timeoutMs: 180_000 };

scenario('twenty replicas have one leader through every kind of change, at a bounded cost', options, async (scene) => {
  await scene.shipLease();
  for (let i = 0; i < COUNT; i += 4) await scene.startReplicas(4);
  const changes = ['SIGTERM', 'SIGKILL', 'step-down', 'SIGTERM', 'SIGKILL', 'step-down'] as const;
  const startedMs = monoMs();
  const before = (await scene.requests()).length;
  for (const change of changes) {
    const leader = await scene.untilLeader(10_000);
    const changedMs = monoMs();
    if (change === 'step-down') expect((await leader.api.post('/step-down', { immediate: true })).status).toBe(200);
    else if (change === 'SIGTERM') leader.terminate();
    else leader.kill();
    const others = scene.replicas.filter((replica) => replica !== leader && replica.running);
    await Promise.any(others.map((replica) => replica.untilEvent('started', 10_000, changedMs)));
  }
  const last = await scene.untilLeader();
  await until('all name it', 5_000, async () => {
    const names = await Promise.all(
      scene.standbys().map(async ({ api }) => (await api.get('/leader')).json.leader?.pod),
    );
    return names.length === 15 && names.every((name) => name === last.podName);
  });

  const tookMs = monoMs() - startedMs;
  const asked = (await scene.requests()).slice(before).filter(({ objectRef }) => objectRef?.resource === 'leases');
  const renewals = Math.ceil(tookMs / 500) + 1;
  const attempts = asked.length - renewals;
  console.log(`${asked.length} requests in ${Math.round(tookMs / 1_000)} s, of which ${renewals} renewals at most`);
  // Per change one release, one claim of each at most, and the ends of two watches.
  expect(attempts).toBeLessThanOrEqual(changes.length * (COUNT + 3));
  // Nobody reads what the watch tells.
  expect(asked.filter(({ verb }) => verb === 'get' || verb === 'list').length).toBeLessThanOrEqual(COUNT);
});
