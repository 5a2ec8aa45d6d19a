import { expect } from 'vitest';
import { monoMs, monoOfWall } from './replica/clock.ts';
import { BRISK, STANDARD } from './replica/replica.ts';
import { onControlPlane, scenario } from './replica/scenario.ts';
import type { Scene } from './replica/scene.ts';

onControlPlane();

const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** What client-go and Leasegate both understand, whoever wrote it. */
async function expectHeldBy(scene: Scene, holderIdentity: string, leaseTransitions: number): Promise<void> {
  expect((await scene.lease()).spec).toEqual({
    holderIdentity,
    leaseDurationSeconds: Number.parseInt(scene.timings.leaseDuration, 10),
    acquireTime: expect.stringMatching(MICRO_TIME),
    renewTime: expect.stringMatching(MICRO_TIME),
    leaseTransitions,
  });
}

scenario('Leasegate and client-go hand over to each other, in each way', { timings: BRISK }, async (scene) => {
  await scene.shipLease();
  const durationMs = 5_000;
  const first = await scene.startLeader();
  await expectHeldBy(scene, first.identity, 1);

  // Released by Leasegate: client-go polls every retry period × [1, 2.2).
  const rival = await scene.startElector('client-go-1');
  await rival.untilEvent('new-leader', 10_000);
  const leftMs = await first.leave();
  const taken = await rival.untilEvent('started', 5_000);
  expect(taken.t_mono_ms - leftMs).toBeLessThan(5_000);
  await expectHeldBy(scene, rival.identity, 2);

  // Released by client-go: a watch tells at once.
  const [second] = await scene.startReplicas(1);
  expect((await second!.api.get('/leader')).json.leader).toEqual({
    identity: 'client-go-1',
    pod: 'client-go-1',
    address: null,
  });
  const releasedMs = monoMs();
  await rival.leave();
  const followed = await second!.untilEvent('started', 5_000, releasedMs);
  expect(followed.atMs - releasedMs).toBeLessThanOrEqual(1_500);
  await expectHeldBy(scene, second!.identity, 3);

  // Leasegate crashes: client-go waits for the expiry.
  const another = await scene.startElector('client-go-2');
  await another.untilEvent('new-leader', 10_000);
  const killedMs = second!.kill();
  const inherited = await another.untilEvent('started', 15_000);
  expect(inherited.t_mono_ms - killedMs).toBeGreaterThan(durationMs - 1_000);
  await expectHeldBy(scene, another.identity, 4);

  // client-go crashes: Leasegate acts on the expiry itself.
  const [third] = await scene.startReplicas(1);
  another.kill();
  await another.closed();
  const expiryMs = monoOfWall(Date.parse((await scene.lease()).spec.renewTime)) + durationMs;
  const recovered = await third!.untilEvent('started', 15_000);
  expect(recovered.atMs - expiryMs).toBeGreaterThanOrEqual(-1);
  expect(recovered.atMs - expiryMs).toBeLessThanOrEqual(1_000);
  await expectHeldBy(scene, third!.identity, 5);
  expect((await scene.lease()).metadata.annotations['leasegate.dev/holder-address-of']).toBe(third!.identity);
});

scenario('three of each campaign for one Lease while leaders leave and crash', { timings: BRISK }, async (scene) => {
  await scene.shipLease();
  await scene.startReplicas(3);
  const electors = [
    await scene.startElector('go-1'),
    await scene.startElector('go-2'),
    await scene.startElector('go-3'),
  ];
  await Promise.all(electors.map((elector) => elector.untilEvent('new-leader', 15_000)));
  for (let turn = 0; turn < 5; turn++) {
    const { holderIdentity, leaseTransitions } = (await scene.lease()).spec;
    const holder = [...scene.replicas, ...scene.electors].find(({ identity }) => identity === holderIdentity)!;
    if (turn % 2 === 0) holder.terminate();
    else holder.kill();
    await holder.closed();
    await expect
      .poll(async () => (await scene.lease()).spec, { timeout: 15_000, interval: 50 })
      .toMatchObject({
        holderIdentity: expect.not.stringMatching(`^$|^${holderIdentity}$`),
        leaseTransitions: leaseTransitions + 1,
      });
  }
});

scenario(
  'at their defaults, client-go follows Leasegate and Leasegate client-go',
  { timings: STANDARD },
  async (scene) => {
    await scene.shipLease();
    const rival = await scene.startElector('client-go');
    await rival.untilEvent('started', 15_000);
    const [replica] = await scene.startReplicas(1);
    const releasedMs = monoMs();
    rival.terminate();
    const followed = await replica!.untilEvent('started', 5_000, releasedMs);
    expect(followed.atMs - releasedMs).toBeLessThanOrEqual(1_500);
    const successor = await scene.startElector('client-go-again');
    await successor.untilEvent('new-leader', 15_000);
    await replica!.leave();
    await successor.untilEvent('started', 10_000);
    await expectHeldBy(scene, 'client-go-again', 3);
  },
);
