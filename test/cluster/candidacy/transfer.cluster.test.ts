import { expect } from 'vitest';
import { monoMs } from '../replica/clock.ts';
import { BRISK, type Replica } from '../replica/replica.ts';
import { shippedRules } from '../replica/role.ts';
import { onControlPlane, scenario } from '../replica/scenario.ts';
import type { Scene } from '../replica/scene.ts';
import { until } from '../replica/until.ts';
import { Pods } from './pods.ts';

onControlPlane();

const LOOK_PODS_UP = { apiGroups: [''], resources: ['pods'], verbs: ['get'] };

/** Replicas may look pods up: what a hand-over to a named one needs beside the Role that ships. */
async function grant(scene: Scene, leader: Replica): Promise<void> {
  await scene.setRules([...(await shippedRules(scene.leaseName)), LOOK_PODS_UP]);
  await until('pods may be looked up', 10_000, async () => {
    const { json } = await leader.api.post('/step-down', { to: 'nobody' });
    return json.error.code === 'TARGET_UNKNOWN';
  });
}

scenario(
  'a hand-over to a named replica makes that one the next leader, twenty times of twenty',
  { timings: BRISK, timeoutMs: 240_000 },
  async (scene) => {
    await scene.shipLease();
    const pods = await Pods.open(scene);
    const replicas: Replica[] = [];
    for (const name of ['web-0', 'web-1', 'web-2', 'web-3']) replicas.push(await pods.start(name));
    await grant(scene, await scene.untilLeader());
    const freedMs: number[] = [];
    const tookMs: number[] = [];
    for (let round = 0; round < 20; round++) {
      const leader = await scene.untilLeader();
      const others = replicas.filter((replica) => replica !== leader);
      const target = others[(round * 5) % 3]!;
      const askedMs = monoMs();
      // Every other time somebody vouches for the application.
      const { status, json } = await leader.api.post('/step-down', { to: target.podName, immediate: round % 2 === 1 });
      expect([status, json.result], `round ${round}`).toEqual([200, 'released']);
      const released = await leader.untilLogged('RELEASED', 5_000, askedMs);
      const led = await target.untilLogged('LEADING', 5_000, askedMs);
      freedMs.push(released.atMs - askedMs);
      tookMs.push(led.atMs - released.atMs);
      const grants = replicas.flatMap((each) => each.logged('LEADING').filter(({ atMs }) => atMs >= askedMs));
      expect(grants, `round ${round}`).toEqual([led]);
      expect(leader.logged('NOT_LEADING').at(-1)).toMatchObject({ reason: 'step-down', to: target.podName });
    }
    console.log(`ms until the Lease is free: ${freedMs.map(Math.round).join(', ')}`);
    console.log(`ms from there until the named one leads: ${tookMs.map(Math.round).join(', ')}`);
    const { metadata } = await scene.lease();
    expect(Object.keys(metadata.annotations).filter((name) => name.includes('next-holder'))).toEqual([]);
  },
);

scenario(
  'a hand-over to one that would not lead is refused, says why, and changes nothing',
  { timings: BRISK, timeoutMs: 120_000 },
  async (scene) => {
    await scene.shipLease();
    const pods = await Pods.open(scene);
    const leader = await pods.start('leader');
    await scene.untilLeader();
    const paused = await pods.start('paused');
    await paused.api.post('/pause');
    await pods.start('unhealthy', { env: { LEASEGATE_APP_HEALTH_URL: 'tcp://127.0.0.1:1' } });
    const observer = await pods.start('observer', { env: { LEASEGATE_NEVER_LEAD: 'true' } });
    await pods.make('empty');
    const before = await scene.lease();

    const refused = async (by: Replica, to: string) => {
      const { status, json } = await by.api.post('/step-down', { to });
      return [status, json.error?.code, json.error?.message] as const;
    };
    expect(await refused(leader, 'paused')).toEqual([403, 'LOOKUP_FORBIDDEN', expect.stringContaining('"pods"')]);
    await grant(scene, leader);
    const words = (text: string) => expect.stringContaining(text);
    expect(await refused(leader, 'nobody')).toEqual([404, 'TARGET_UNKNOWN', words('no pod nobody')]);
    expect(await refused(leader, 'paused')).toEqual([409, 'TARGET_NOT_CANDIDATE', words('paused')]);
    expect(await refused(leader, 'unhealthy')).toEqual([409, 'TARGET_NOT_CANDIDATE', words('unhealthy')]);
    expect(await refused(leader, 'observer')).toEqual([409, 'TARGET_NOT_CANDIDATE', words('never-lead')]);
    expect(await refused(leader, 'leader')).toEqual([409, 'TARGET_NOT_CANDIDATE', words('leads already')]);
    expect(await refused(leader, 'empty')).toEqual([502, 'TARGET_UNREACHABLE', words('pod empty')]);
    expect(await refused(observer, 'paused')).toEqual([409, 'NOT_LEADING', words('the leader is leader')]);

    const after = await scene.lease();
    expect(after.metadata.annotations).toEqual(before.metadata.annotations);
    expect(after.spec).toEqual({ ...before.spec, renewTime: after.spec.renewTime });
    expect([leader.leading, leader.logged('LEADING').length]).toEqual([true, 1]);
    expect(leader.logged('NOT_LEADING')).toEqual([]);
  },
);
