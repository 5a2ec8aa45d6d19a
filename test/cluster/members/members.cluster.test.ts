import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, inject } from 'vitest';
import { monoMs } from '../replica/clock.ts';
import { BRISK, type Replica, STANDARD } from '../replica/replica.ts';
import { shippedRules } from '../replica/role.ts';
import { onControlPlane, scenario } from '../replica/scenario.ts';
import type { Scene } from '../replica/scene.ts';
import { until } from '../replica/until.ts';
import { LibraryMember } from './library-member.ts';
import { RacedOwner, raceCollection } from './race.ts';

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

describe.concurrent('at the same time', () => {
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
      console.log(`${podName}: ${heartbeats.length} heartbeats of ${asked.length} requests in a minute`);
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
      const [command = '', ...args] = inject('leasegate');
      const kubeconfig = ['--kubeconfig', scene.controlPlane.adminKubeconfig];
      const listed = await promisify(execFile)(command, [
        ...args,
        'leases',
        '-n',
        scene.namespace,
        '--output=json',
        ...kubeconfig,
      ]);
      const rows: { kind: string; standing: string; memberOf: unknown }[] = JSON.parse(listed.stdout).leases;
      expect(
        rows.filter(({ kind }) => kind === 'member').map(({ memberOf, standing }) => ({ memberOf, standing })),
      ).toEqual(
        expect.arrayContaining(
          replicas.map((replica) => ({ memberOf: { election: 'app', pod: replica.podName }, standing: 'held' })),
        ),
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

  scenario('fifty members', { timings: BRISK, askEveryMs: 200 }, async (scene) => {
    const env = { ...MEMBERS, LEASEGATE_MEMBERS_DURATION: '6s', LEASEGATE_MEMBERS_INTERVAL: '2s' };
    const [witness] = (await startMembers(scene, 2, env)) as [Replica, ...Replica[]];
    const timings = { durationMs: 6_000, intervalMs: 2_000 };
    const start = (podName: string) => LibraryMember.start({ scene, podName, ...timings });
    const members: LibraryMember[] = [];
    for (let i = 0; i < 48; i += 1) members.push(await start(`library-${i}`));
    try {
      const counted = members.slice(20);
      const others = [0, 1, 2, 3, 4].map((index) => members[index]!);
      const [leaving, restarting, ...crashing] = others as [LibraryMember, LibraryMember, ...LibraryMember[]];
      await untilSeen(witness, 'fifty', 30_000, (seen) => seen.filter(({ alive }) => alive).length === 50);
      await until('all see fifty', 30_000, () => counted.every(({ alive }) => alive.length === 50));

      const fromMs = monoMs();
      const before = (await scene.requests()).length;
      await until('some heartbeats', 20_000, () => monoMs() - fromMs >= 15_000);
      const asked = (await scene.requests()).slice(before);
      const forMs = monoMs() - fromMs;
      for (const { podName } of counted) {
        const own = asked.filter(({ user }) => user.username.endsWith(`:${podName}`));
        expect(new Set(own.map(({ verb }) => verb))).toEqual(new Set(['update']));
        expect(own.length).toBeGreaterThanOrEqual(Math.floor(forMs / 2_080) - 2);
        expect(own.length).toBeLessThanOrEqual(Math.ceil(forMs / 2_000) + 1);
      }

      await leaving.leave();
      await untilSeen(witness, 'one leave', 5_000, (seen) => seen.length === 49);
      restarting.crash();
      const uidOf = async (name: string) => {
        const { body } = await scene.controlPlane.admin.get(scene.leasePath.replace(/[^/]+$/, name));
        return [body.metadata.uid, body.spec.holderIdentity];
      };
      const [uid, holder] = await uidOf(restarting.leaseName);
      members.push(await start(restarting.podName));
      const restarted = members.at(-1)!;
      await untilSeen(witness, 'a new identity', 10_000, (seen) =>
        seen.some(({ identity }) => identity === restarted.identity),
      );
      expect(await uidOf(restarting.leaseName)).toEqual([uid, restarted.identity]);
      expect(holder).toBe(restarting.identity);

      for (const member of crashing) member.crash();
      const collected = (await scene.requests()).length;
      await untilSeen(witness, 'the dead collected', 40_000, (seen) => seen.length === 46);
      await until('all see 46', 10_000, () =>
        counted.every(({ alive, members: all }) => alive.length === 46 && all.length === 46),
      );
      const deletions = (await scene.requests()).slice(collected).filter(({ verb }) => verb === 'delete');
      const codes = deletions.map(({ responseStatus }) => responseStatus?.code);
      expect(codes.filter((code) => code === 200)).toHaveLength(crashing.length);
      console.log(`${crashing.length} dead of 50: ${deletions.length} deletions were sent`);
      for (const { changes } of counted) expect(changes.filter((change) => change.startsWith('lost'))).toHaveLength(3);
    } finally {
      await Promise.all(members.map((member) => member.leave()));
    }
  });

  scenario('a renewal that races its collection is never lost', { timings: BRISK, askEveryMs: 200 }, async (scene) => {
    await scene.setRules([...(await shippedRules(scene.leaseName)), RULE]);
    const timings = { durationMs: 3_000, intervalMs: 1_000 };
    const collector = await LibraryMember.start({ scene, podName: 'collector', ...timings, random: () => 0 });
    const owners: RacedOwner[] = [];
    for (let i = 0; i < 60; i += 1) owners.push(await RacedOwner.start({ scene, podName: `owner-${i}`, ...timings }));
    try {
      await until('all are known', 20_000, () => collector.alive.length === 61);
      const trials = await raceCollection(collector, owners);
      const told = Map.groupBy(
        trials,
        ({ order, renewal, deletion }) => `${order}: PUT ${renewal}, DELETE ${deletion}`,
      );
      console.log([...told].map(([what, some]) => `${some.length} × ${what}`).join('; '));
      for (const { renewal, deletion } of trials) {
        // Either is done, and the other one refused; a renewal that came before the reading is not followed by a deletion.
        expect([renewal === 200, deletion === 200].filter(Boolean)).toHaveLength(1);
      }
      const orders = Map.groupBy(trials, ({ order }) => order);
      expect(orders.get('renewed-before-reading')!.every(({ deletion }) => deletion === null)).toBe(true);
      expect(orders.get('renewed-after-reading')!.every(({ deletion }) => deletion === 409)).toBe(true);
      expect(orders.get('deleted-first')!.every(({ renewal }) => renewal === 409)).toBe(true);
      await until('all are back', 15_000, () => collector.alive.length === 61);
      for (const { member } of owners) {
        const { body } = await scene.controlPlane.admin.get(scene.leasePath.replace(/[^/]+$/, member.leaseName));
        expect(body.spec.holderIdentity).toBe(member.identity);
      }
    } finally {
      await Promise.all([collector, ...owners.map(({ member }) => member)].map((member) => member.leave()));
    }
  });
});
