import { expect } from 'vitest';
import { monoMs } from '../replica/clock.ts';
import { reignsOf } from '../replica/history.ts';
import { BRISK } from '../replica/replica.ts';
import { onControlPlane, scenario } from '../replica/scenario.ts';
import { until } from '../replica/until.ts';
import { CoordinatedGroup } from './group.ts';

onControlPlane({
  featureGates: { CoordinatedLeaderElection: true },
  runtimeConfig: { 'coordination.k8s.io/v1beta1': true },
});

scenario(
  'a rolling upgrade: the oldest version leads until none of it is left',
  { timings: BRISK, askEveryMs: 25 },
  async (scene) => {
    const group = await CoordinatedGroup.open(scene);
    const old = [await group.start('1.0.0'), await group.start('1.0.0'), await group.start('1.0.0')];
    await scene.untilLeader();
    for (const _ of old) {
      await group.start('2.0.0');
      // The leader first: each time another one has to take its place.
      const leader = await group.untilLed('1.0.0', 30_000);
      const { identity } = leader;
      await leader.leave();
      expect((await group.candidates()).map(({ metadata }) => metadata.name)).not.toContain(identity);
    }
    await group.untilLed('2.0.0', 30_000);
    const { leaders } = reignsOf(scene.claimants());
    const versions = leaders.map((name) => group.versionOf(scene.replicas.find((replica) => replica.name === name)!));
    expect(versions.slice(0, 3)).toEqual(['1.0.0', '1.0.0', '1.0.0']);
    expect(versions.slice(3)).toEqual(versions.slice(3).map(() => '2.0.0'));

    // Each withdrew before it released: Kubernetes would have chosen it again.
    for (const { podName } of old) {
      const ends = (await scene.requests(podName)).filter(({ verb, objectRef }) => {
        return verb === 'delete' || (verb === 'update' && objectRef?.resource === 'leases');
      });
      const verbs = ends.map(({ verb }) => verb);
      expect(verbs.at(-1)).toBe('update');
      expect(verbs).toContain('delete');
    }
  },
);

scenario(
  'a rollback: the leader hands over in order to an older version that comes',
  { timings: BRISK, askEveryMs: 25 },
  async (scene) => {
    const group = await CoordinatedGroup.open(scene);
    const young = await group.start('2.0.0');
    await group.untilLed('2.0.0', 30_000);
    const atMs = monoMs();
    const old = await group.start('1.9.9-rc.1');
    await group.untilLed('1.9.9-rc.1', 30_000);
    expect(await young.untilLogged('NOT_LEADING', 1_000, atMs)).toMatchObject({
      level: 'info',
      reason: 'preferred-holder',
    });
    await until('the wish is gone', 5_000, async () => (await scene.lease()).spec.preferredHolder === undefined);

    // Who is next is not for a replica to say.
    const refused = await old.api.post('/step-down', { to: young.podName });
    expect(refused).toMatchObject({ status: 409, json: { error: { code: 'TARGET_NOT_CHOSEN_HERE' } } });

    // A process that starts anew in its pod deletes what the one before has left behind.
    old.kill();
    await old.closed();
    const follower = { ...group.envOf(old), LEASEGATE_NEVER_LEAD: 'true' };
    await scene.startReplica({ restartOf: old, env: follower });
    await until('the dead candidate is deleted', 10_000, async () =>
      (await group.candidates()).every(({ metadata }) => metadata.name !== old.identity),
    );
    await group.untilLed('2.0.0', 60_000);
    // It was asked whether it is alive, and answered.
    expect(await young.api.metric('leasegate_candidate_pings_total')).toBeGreaterThan(0);
  },
);

scenario(
  'replicas of one version that start in the same second: leadership comes to rest',
  { timings: BRISK, askEveryMs: 25 },
  async (scene) => {
    const group = await CoordinatedGroup.open(scene);
    await Promise.all(['1.0.0', '1.0.0', '1.0.0'].map((version) => group.start(version)));
    await scene.untilLeader();
    // Kubernetes looks every 5 s, and orders candidates by seconds: of those of one second it prefers now one, now another.
    const grants = () => scene.claimants().reduce((sum, claimant) => sum + claimant.grants.length, 0);
    let [count, sinceMs] = [grants(), monoMs()];
    await until('nobody else is preferred for more than a round', 40_000, () => {
      if (grants() !== count) [count, sinceMs] = [grants(), monoMs()];
      return monoMs() - sinceMs > 12_000;
    });
    expect(count).toBeLessThanOrEqual(6);
  },
);
