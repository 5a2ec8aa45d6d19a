import { describe, expect } from 'vitest';
import { monoMs, monoOfWall } from './replica/clock.ts';
import { isHigherToken } from './replica/history.ts';
import { Relay } from './replica/relay.ts';
import { BRISK, STANDARD } from './replica/replica.ts';
import { onControlPlane, scenario } from './replica/scenario.ts';
import { expectStatus } from './replica/scene.ts';
import { until } from './replica/until.ts';

onControlPlane();

/** Now, as the API server stores it. */
const microTime = () => new Date().toISOString().replace('Z', '000Z');

describe.concurrent('at the same time', () => {
  scenario(
    'the Lease is deleted while held: its holder stops, and leads anew',
    { timings: STANDARD },
    async (scene) => {
      await scene.shipLease();
      await scene.startReplicas(3);
      const leader = await scene.untilLeader();
      const before = leader.fencingToken;
      const { uid } = (await scene.lease()).metadata;
      const deletedMs = monoMs();
      await expectStatus(scene.controlPlane.admin.delete(scene.leasePath), 200);
      const stopped = await leader.untilLogged('NOT_LEADING', 5_000, deletedMs);
      expect(stopped.reason).toBe('lease-deleted');

      // Only the holder of a deleted Lease can still be at work: itself need not wait for that.
      const again = await leader.untilLogged('LEADING', 5_000, stopped.atMs);
      expect(isHigherToken(String(again.fencingToken), before)).toBe(true);
      const lease = await scene.lease();
      expect(lease.metadata.uid).not.toBe(uid);
      expect(lease.spec).toMatchObject({ holderIdentity: leader.identity, leaseTransitions: 0 });
      expect((await leader.api.get('/leader')).json).toMatchObject({
        isLeader: true,
        lease: { uid: lease.metadata.uid },
      });
      expect(scene.replicas.flatMap((replica) => replica.logged('LEADING'))).toHaveLength(2);
    },
  );

  scenario(
    'the Lease of a leader that is cut off is deleted: others wait it out',
    { timings: BRISK },
    async (scene) => {
      await scene.shipLease();
      const relay = await Relay.open(scene.controlPlane.ports.apiServer);
      try {
        const isolated = await scene.startLeader({ server: relay.url });
        const [rival] = await scene.startReplicas(1);
        const { uid } = (await scene.lease()).metadata;
        relay.goSilent();
        const { renewTime } = (await scene.lease()).spec;
        await expectStatus(scene.controlPlane.admin.delete(scene.leasePath), 200);
        const leading = await rival!.untilLogged('LEADING', 10_000);
        const renewedMs = monoOfWall(Date.parse(renewTime));
        expect(leading.atMs - renewedMs).toBeGreaterThanOrEqual(5_000 - 1);
        expect(leading.atMs - renewedMs).toBeLessThanOrEqual(5_000 + 2_000);
        expect((await scene.lease()).metadata.uid).not.toBe(uid);
        expect(isolated.logged('NOT_LEADING').map(({ reason }) => reason)).toEqual(['expired']);
        await until('it says so', 5_000, () => rival!.leading);
      } finally {
        relay.close();
      }
    },
  );

  scenario('a foreign holder is written into the Lease', { timings: BRISK }, async (scene) => {
    const { admin } = scene.controlPlane;
    await scene.shipLease();
    await scene.startReplicas(3);
    const leader = await scene.untilLeader();
    const writtenMs = monoMs();
    const now = microTime();
    const spec = { holderIdentity: 'somebody-else', leaseDurationSeconds: 4, renewTime: now, acquireTime: now };
    const written = await expectStatus(admin.patch(scene.leasePath, { spec: { ...spec, leaseTransitions: 2 } }), 200);
    const stopped = await leader.untilLogged('NOT_LEADING', 5_000, writtenMs);
    expect(stopped.reason).toBe('taken-over');
    for (const { api } of scene.replicas) {
      // An address that the holder before left behind is not the present one's.
      expect((await api.get('/leader')).json).toMatchObject({
        isLeader: false,
        leader: { identity: 'somebody-else', pod: 'somebody-else', address: null },
      });
    }
    // It lasts as long as it says itself, not as long as those do who wait.
    const next = await scene.untilLeader(8_000);
    const leading = await next.untilLogged('LEADING', 5_000, writtenMs);
    expect(leading.atMs - writtenMs).toBeGreaterThanOrEqual(4_000);
    expect(leading.atMs - writtenMs).toBeLessThanOrEqual(7_000);
    expect(isHigherToken(String(leading.fencingToken), written.body.metadata.resourceVersion)).toBe(true);
    expect((await scene.lease()).spec).toMatchObject({ holderIdentity: next.identity, leaseTransitions: 3 });
  });

  scenario('labels and annotations of others are kept, and change nothing', { timings: BRISK }, async (scene) => {
    const { admin } = scene.controlPlane;
    await scene.shipLease();
    await scene.startReplicas(2);
    const leader = await scene.untilLeader();
    const metadata = { labels: { team: 'blue' }, annotations: { 'example.com/note': 'kept' } };
    const editedMs = monoMs();
    await expectStatus(admin.patch(scene.leasePath, { metadata }), 200);
    const [standby] = scene.standbys();
    await leader.leave();
    await standby!.untilEvent('started', 2_000, editedMs);
    const lease = await scene.lease();
    expect(lease.metadata.labels).toEqual({ team: 'blue' });
    expect(lease.metadata.annotations).toMatchObject({
      'example.com/note': 'kept',
      'leasegate.dev/holder-address-of': standby!.identity,
    });
    expect(leader.logged('NOT_LEADING').map(({ reason }) => reason)).toEqual(['shutdown']);
  });
});
