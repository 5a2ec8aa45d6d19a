import { expect } from 'vitest';
import { monoMs } from './replica/clock.ts';
import { type Answer, checkHistory } from './replica/history.ts';
import { BRISK, type Replica } from './replica/replica.ts';
import { type Rule, shippedRules } from './replica/role.ts';
import { onControlPlane, scenario } from './replica/scenario.ts';
import { expectStatus, type Scene } from './replica/scene.ts';
import { until } from './replica/until.ts';

onControlPlane();

const FURTHER = ['s2', 's3', 's4', 's5', 's6', 's7', 's8', 's9'];
const SHARED = {
  LEASEGATE_FAIR_SHARE: 'true',
  LEASEGATE_MEMBERS: 'true',
  LEASEGATE_MEMBERS_DURATION: '6s',
  LEASEGATE_MEMBERS_INTERVAL: '1s',
};
const OF_MEMBERS: Rule = {
  apiGroups: ['coordination.k8s.io'],
  resources: ['leases'],
  verbs: ['get', 'list', 'watch', 'create', 'update', 'delete'],
};
const ASK_EVERY_MS = 25;
const MIB = 1024 ** 2;

interface Summary {
  readonly name: string;
  readonly isLeader: boolean;
  readonly validForMs: number;
  readonly fencingToken: string | null;
}

/** All that one replica said of its elections, asked again and again. */
class Witness {
  readonly replica: Replica;
  readonly answers = new Map<string, Answer[]>();

  constructor(replica: Replica) {
    this.replica = replica;
    void this.#ask();
  }

  /** Names of the elections that it led by its last answers. */
  led(): string[] {
    if (!this.replica.running) return [];
    return [...this.answers].flatMap(([name, answers]) => (answers.at(-1)?.isLeader ? [name] : []));
  }

  async #ask(): Promise<void> {
    const api = await this.replica.listening;
    while (this.replica.running) {
      const sentMs = monoMs();
      try {
        const { json } = await api.get('/elections');
        const receivedMs = monoMs();
        for (const { name, isLeader, validForMs, fencingToken } of json.elections as Summary[]) {
          const answers = this.answers.get(name) ?? [];
          answers.push({ sentMs, receivedMs, isLeader, validForMs, fencingToken });
          this.answers.set(name, answers);
        }
      } catch {
        // It was killed, or is about to end.
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      setTimeout(resolve, ASK_EVERY_MS);
      await promise;
    }
  }
}

async function prepare(scene: Scene, further: readonly string[], ...rules: Rule[]): Promise<void> {
  const names = [scene.leaseName, ...further];
  const shipped = await shippedRules(scene.leaseName);
  const all = shipped.map((rule) => (rule.resourceNames ? { ...rule, resourceNames: names } : rule));
  await scene.setRules([...all, ...rules]);
  await scene.shipLease();
  const path = scene.leasePath.replace(/\/[^/]+$/, '');
  await Promise.all(
    further.map((name) => expectStatus(scene.controlPlane.admin.post(path, { metadata: { name } }), 201)),
  );
}

scenario(
  'nine elections are spread over three replicas, whoever dies and comes back, and each costs one watch and one PUT per interval',
  { timings: BRISK, askEveryMs: 50, timeoutMs: 180_000 },
  async (scene) => {
    await prepare(scene, FURTHER, OF_MEMBERS);
    const names = [scene.leaseName, ...FURTHER];
    const witnesses: Witness[] = [];
    const start = async (restartOf?: Replica) => {
      const options = { furtherLeases: FURTHER, env: SHARED };
      witnesses.push(new Witness(await scene.startReplica(restartOf ? { ...options, restartOf } : options)));
    };
    const shares = () => witnesses.flatMap((one) => (one.replica.running ? [one.led().length] : []));
    const untilShared = async (...wanted: number[]) => {
      const fromMs = monoMs();
      await until(`the shares are ${wanted}`, 90_000, () => shares().toSorted().join() === wanted.toSorted().join());
      console.log(`shared ${wanted} after ${Math.round(monoMs() - fromMs)} ms`);
    };
    for (let i = 0; i < 3; i += 1) await start();
    await untilShared(3, 3, 3);

    const settledMs = monoMs();
    await until('all is settled', 10_000, () => monoMs() - settledMs > 3_000);
    const before = new Map<string, number>();
    for (const { podName } of scene.replicas) before.set(podName, (await scene.requests(podName)).length);
    const fromMs = monoMs();
    await until('10 seconds have passed', 20_000, () => monoMs() - fromMs >= 10_000);
    for (const { replica, led } of witnesses.map((one) => ({ replica: one.replica, led: one.led() }))) {
      const all = await scene.requests(replica.podName);
      const asked = all.slice(before.get(replica.podName));
      expect(new Set(asked.map(({ verb, objectRef }) => `${verb} ${objectRef?.resource}`))).toEqual(
        new Set(['update leases']),
      );
      const puts = Map.groupBy(asked, ({ objectRef }) => objectRef?.name ?? '');
      for (const name of names) {
        const count = puts.get(name)?.length ?? 0;
        if (!led.includes(name)) expect(count, `${replica.name} writes ${name}`).toBe(0);
        else expect(Math.abs(count - 20), `${replica.name} renews ${name}`).toBeLessThanOrEqual(2);
      }
      const watched = all
        .filter(({ verb }) => verb === 'watch')
        .map(({ requestURI }) => /metadata\.name%3D(\w+)/.exec(requestURI)?.[1]);
      for (const name of names)
        expect(
          watched.filter((one) => one === name),
          `${replica.name} watches ${name}`,
        ).toHaveLength(1);
    }

    const victim = scene.replicas[1]!;
    victim.kill();
    await victim.closed();
    await untilShared(5, 4);
    await start(victim);
    await untilShared(3, 3, 3);
    const { json } = await (await scene.replicas[0]!.listening).get('/members');
    expect((json.members as { campaigns: string[] }[]).map(({ campaigns }) => campaigns)).toEqual(Array(3).fill(names));

    for (const { replica } of witnesses) if (replica.running) await replica.leave();
    for (const name of names) {
      const claimants = witnesses.map(({ replica, answers }) => replica.claimantOf(name, answers.get(name) ?? []));
      expect(checkHistory(claimants), name).toEqual([]);
      expect(claimants.flatMap(({ grants }) => grants).length, `${name} was led`).toBeGreaterThan(0);
    }
  },
);

scenario('sixteen elections fit into one sidecar', { timings: BRISK, askEveryMs: 100 }, async (scene) => {
  const further = Array.from({ length: 15 }, (_, i) => `shard-${i}`);
  await prepare(scene, further);
  const replica = await scene.startReplica({ furtherLeases: further });
  const witness = new Witness(replica);
  await until('all are led', 30_000, () => witness.led().length === 16);
  const api = await replica.listening;
  const bytes = await api.metric('process_resident_memory_bytes');
  console.log(`sixteen elections: ${(bytes / MIB).toFixed(1)} MiB`);
  expect(bytes).toBeLessThan(110 * MIB);
  expect(await api.metric('leader_election_master_status')).toBe(16);
  await replica.leave();
  expect(
    replica
      .logged('RELEASED')
      .map(({ lease }) => lease)
      .toSorted(),
  ).toEqual([scene.leaseName, ...further].toSorted());
});
