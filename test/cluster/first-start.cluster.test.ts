import { describe, expect } from 'vitest';
import { BRISK, STANDARD } from './replica/replica.ts';
import { onControlPlane, scenario } from './replica/scenario.ts';

onControlPlane();

const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

scenario(
  'with the Lease in the manifests, the first start has a leader within a second',
  { timings: STANDARD },
  async (scene) => {
    await scene.shipLease();
    const shipped = await scene.lease();
    await scene.startReplicas(3);
    const leader = await scene.untilLeader();
    const campaignsMs = Math.min(...scene.replicas.map((replica) => replica.logged('STARTED')[0]!.atMs));
    const leading = await leader.untilLogged('LEADING', 5_000);
    expect(leading.atMs - campaignsMs).toBeLessThanOrEqual(3_000);
    const lease = await scene.lease();
    expect(lease.metadata.uid).toBe(shipped.metadata.uid);
    expect(lease.metadata.annotations).toEqual({
      'leasegate.dev/holder-address': '192.0.2.1',
      'leasegate.dev/holder-address-of': leader.identity,
    });
    expect(lease.spec).toEqual({
      holderIdentity: leader.identity,
      leaseDurationSeconds: 15,
      acquireTime: expect.stringMatching(MICRO_TIME),
      renewTime: expect.stringMatching(MICRO_TIME),
      leaseTransitions: 1,
    });
  },
);

describe.concurrent('without a Lease, at the same time', () => {
  for (const timings of [BRISK, STANDARD]) {
    // A holder of a deleted Lease may still be at work for that long.
    const claim = `without a Lease they wait ${timings.leaseDuration}, then one makes it`;
    scenario(claim, { timings }, async (scene) => {
      const replicas = await scene.startReplicas(3);
      const durationMs = Number.parseInt(timings.leaseDuration, 10) * 1_000;
      const leader = await scene.untilLeader(durationMs + 5_000);
      const [missing] = leader.logged('LEASE_MISSING');
      const leading = await leader.untilLogged('LEADING', 5_000);
      expect(leading.atMs - missing!.atMs).toBeGreaterThanOrEqual(durationMs - 1);
      expect(leading.atMs - missing!.atMs).toBeLessThanOrEqual(durationMs + 2_000);
      const creations = (await scene.requests()).filter(
        ({ verb, objectRef }) => verb === 'create' && objectRef?.resource === 'leases',
      );
      expect(creations.filter(({ responseStatus }) => responseStatus?.code === 201)).toHaveLength(1);
      expect(creations.length).toBeLessThanOrEqual(replicas.length);
      expect((await scene.lease()).spec).toMatchObject({ holderIdentity: leader.identity, leaseTransitions: 0 });
    });
  }
});
