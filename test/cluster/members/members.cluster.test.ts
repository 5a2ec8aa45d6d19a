import { expect } from 'vitest';
import { monoMs } from '../replica/clock.ts';
import { BRISK, type Replica, STANDARD } from '../replica/replica.ts';
import { shippedRules } from '../replica/role.ts';
import { onControlPlane, scenario } from '../replica/scenario.ts';
import type { Scene } from '../replica/scene.ts';
import { until } from '../replica/until.ts';

onControlPlane();

const RULE = {
  apiGroups: ['coordination.k8s.io'],
  resources: ['leases'],
  verbs: ['get', 'list', 'watch', 'create', 'update', 'delete'],
};
const MEMBERS = { LEASEGATE_MEMBERS: 'true' };
const QUICK = { ...MEMBERS, LEASEGATE_MEMBERS_DURATION: '6s', LEASEGATE_MEMBERS_INTERVAL: '1s' };

interface Seen {
  readonly pod: string;
  readonly identity: string;
  readonly role: string;
  readonly alive: boolean;
}

async function startMembers(scene: Scene, count: number, env: NodeJS.ProcessEnv): Promise<Replica[]> {
  await scene.setRules([...(await shippedRules(scene.leaseName)), RULE]);
  await scene.shipLease();
  const replicas: Replica[] = [];
  for (let i = 0; i < count; i += 1) replicas.push(await scene.startReplica({ env }));
  await Promise.all(replicas.map((replica) => replica.untilWatching(30_000)));
  return replicas;
}

const seenBy = async ({ api }: Replica): Promise<Seen[]> => (await api.get('/members')).json.members;

const untilSeen = (replica: Replica, what: string, timeoutMs: number, is: (members: Seen[]) => boolean) =>
  until(`${replica.name} sees ${what}`, timeoutMs, async () => {
    const members = await seenBy(replica);
    return is(members) && members;
  });

scenario('members send their heartbeats and nothing else', { timings: STANDARD, askEveryMs: 50 }, async (scene) => {
  const replicas = await startMembers(scene, 3, MEMBERS);
  for (const replica of replicas) await untilSeen(replica, 'all', 10_000, (members) => members.length === 3);
  const leader = await scene.untilLeader();
  const settledMs = monoMs();
  await until('all is settled', 10_000, () => monoMs() - settledMs > 3_000);
  const before = new Map<string, number>();
  for (const { podName } of replicas) before.set(podName, (await scene.requests(podName)).length);
  const fromMs = monoMs();
  await until('a minute has passed', 70_000, () => monoMs() - fromMs >= 60_000);
  for (const { podName } of replicas) {
    const asked = (await scene.requests(podName)).slice(before.get(podName));
    expect(new Set(asked.map(({ verb, objectRef }) => `${verb} ${objectRef?.resource}`))).toEqual(
      new Set(['update leases']),
    );
    const heartbeats = asked.filter(({ objectRef }) => objectRef?.name !== scene.leaseName);
    expect(heartbeats.length).toBeGreaterThanOrEqual(5);
    expect(heartbeats.length).toBeLessThanOrEqual(7);
    if (podName !== leader.podName) expect(asked).toHaveLength(heartbeats.length);
  }
});

scenario(
  'members see who crashes, starts anew and leaves, and collect what is left',
  { timings: BRISK },
  async (scene) => {
    const replicas = await startMembers(scene, 4, QUICK);
    const [witness, crashing, restarting, leaving] = replicas as [Replica, Replica, Replica, Replica];
    const all = await untilSeen(witness, 'all', 10_000, (members) => members.length === 4);
    const { podName } = await scene.untilLeader();
    await untilSeen(witness, 'who leads', 5_000, (members) =>
      members.every(({ pod, role }) => (role === 'leader') === (pod === podName)),
    );
    const identityOf = (pod: string, members: Seen[]) => members.find((member) => member.pod === pod)?.identity;

    await leaving.leave();
    await untilSeen(witness, 'one leave', 5_000, (members) => identityOf(leaving.podName, members) === undefined);

    restarting.kill();
    await restarting.closed();
    await scene.startReplica({ restartOf: restarting, env: QUICK });
    await untilSeen(witness, 'a new process of the same pod', 30_000, (members) => {
      const now = identityOf(restarting.podName, members);
      return now !== undefined && now !== identityOf(restarting.podName, all);
    });

    crashing.kill();
    await untilSeen(witness, 'one dead', 15_000, (members) =>
      members.some(({ pod, alive }) => pod === crashing.podName && !alive),
    );
    const left = await untilSeen(witness, 'it collected', 30_000, (members) => members.length === 2);
    expect(left.map(({ pod, alive }) => [pod, alive]).toSorted()).toEqual(
      [witness, restarting].map((replica) => [replica.podName, true]).toSorted(),
    );
    const { body } = await scene.controlPlane.admin.get(scene.leasePath.replace(/\/[^/]+$/, ''));
    expect(body.items).toHaveLength(3);
  },
);
