import { describe, expect } from 'vitest';
import { monoMs } from './replica/clock.ts';
import { STANDARD } from './replica/replica.ts';
import { onControlPlane, scenario } from './replica/scenario.ts';
import { until } from './replica/until.ts';

onControlPlane();

describe.concurrent('at the same time', () => {
  scenario(
    'for a minute a leader only renews, and standbys ask nothing',
    { timings: STANDARD, askEveryMs: 50 },
    async (scene) => {
      await scene.shipLease();
      await scene.startReplicas(3);
      const leader = await scene.untilLeader();
      const standbys = scene.standbys();
      const settledMs = monoMs();
      await until('all is settled', 10_000, () => monoMs() - settledMs > 3_000);
      const before = await Promise.all(
        scene.replicas.map(async ({ podName }) => (await scene.requests(podName)).length),
      );
      const fromMs = monoMs();
      await until('a minute has passed', 70_000, () => monoMs() - fromMs >= 60_000);
      const asked = async (podName: string) => {
        const index = scene.replicas.findIndex((replica) => replica.podName === podName);
        return (await scene.requests(podName)).slice(before[index]);
      };
      for (const { podName } of standbys) expect(await asked(podName)).toEqual([]);
      const renewals = await asked(leader.podName);
      expect(new Set(renewals.map(({ verb, objectRef }) => `${verb} ${objectRef?.resource}`))).toEqual(
        new Set(['update leases']),
      );
      expect(new Set(renewals.map(({ responseStatus }) => responseStatus?.code))).toEqual(new Set([200]));
      expect(renewals.length).toBeGreaterThanOrEqual(29);
      expect(renewals.length).toBeLessThanOrEqual(31);
      expect(leader.answers.slice(-100).every(({ validForMs }) => validForMs > 7_000)).toBe(true);
    },
  );

  scenario('the Lease’s Events tell who became leader and who stopped', { timings: STANDARD }, async (scene) => {
    await scene.shipLease();
    const replicas = await scene.startReplicas(2);
    const leader = await scene.untilLeader();
    const successor = replicas.find((replica) => replica !== leader)!;
    await leader.leave();
    await successor.untilEvent('started', 2_000);
    const { admin } = scene.controlPlane;
    const expected = [
      `${leader.identity} became leader`,
      `${leader.identity} stopped leading`,
      `${successor.identity} became leader`,
    ];
    const { uid } = (await scene.lease()).metadata;
    const events = await until('the Events have come', 5_000, async () => {
      const { body } = await admin.get(`/api/v1/namespaces/${scene.namespace}/events`);
      return body.items.length >= expected.length && body.items;
    });
    expect(events.map(({ message }: { message: string }) => message).sort()).toEqual([...expected].sort());
    for (const event of events) {
      expect(event).toMatchObject({
        type: 'Normal',
        reason: 'LeaderElection',
        involvedObject: {
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          name: 'app',
          namespace: scene.namespace,
          uid,
        },
      });
    }
    const listed = await scene.controlPlane.kubectl('-n', scene.namespace, 'describe', 'lease', 'app');
    expect(listed).toContain(`${leader.identity} became leader`);
  });
});
