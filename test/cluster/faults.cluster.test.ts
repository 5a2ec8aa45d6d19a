import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { monoMs } from './replica/clock.ts';
import { type Fault, FaultProxy } from './replica/fault-proxy.ts';
import { BRISK, type Replica, STANDARD, type Timings } from './replica/replica.ts';
import { onControlPlane, scenario } from './replica/scenario.ts';
import type { Scene } from './replica/scene.ts';
import { until } from './replica/until.ts';
import { makePki, type Pki } from './support/pki.ts';

onControlPlane();

async function authority(scene: Scene, name: string): Promise<Pki> {
  const directory = join(scene.controlPlane.directory, scene.namespace, name);
  await mkdir(directory, { recursive: true });
  return makePki(directory);
}

/** A leader behind a proxy that can spoil its requests. */
function throughProxy(
  claim: string,
  timings: Timings,
  play: (leader: Replica, proxy: FaultProxy) => Promise<void>,
): void {
  scenario(claim, { timings }, async (scene) => {
    await scene.shipLease();
    const pki = await authority(scene, 'proxy');
    const proxy = await FaultProxy.open({ controlPlane: scene.controlPlane, pki });
    try {
      const leader = await scene.startLeader({ server: proxy.url, caFile: pki.caFile });
      await scene.startReplicas(1);
      await play(leader, proxy);
      expect(leader.logged('NOT_LEADING')).toEqual([]);
      expect(leader.logged('LEADING')).toHaveLength(1);
      expect(leader.leading).toBe(true);
    } finally {
      proxy.close();
    }
  });
}

/** Spoils the next PUTs, as many as there are faults; resolves when the leader has renewed after them. */
async function spoil(leader: Replica, proxy: FaultProxy, faults: Fault[], renewedMs: number): Promise<void> {
  const left = [...faults];
  proxy.fault = (method) => (method === 'PUT' ? (left.shift() ?? null) : null);
  await until('the requests have been spoilt', 10_000, () => left.length === 0);
  await until('the claim has run down', 10_000, () => leader.answers.at(-1)!.validForMs < renewedMs);
  await until('it has renewed', 10_000, () => leader.answers.at(-1)!.validForMs > renewedMs);
}

describe.concurrent('a leader leads on, at the same time', () => {
  throughProxy('although the API server asks it to come back later', STANDARD, async (leader, proxy) => {
    const throttled: Fault = { kind: 'answer', status: 429, headers: { 'Retry-After': '4' } };
    await spoil(leader, proxy, [throttled], 9_000);
    const puts = proxy.seen.filter(({ method }) => method === 'PUT').map(({ atMs }) => atMs);
    const pausesMs = puts.slice(1).map((atMs, index) => atMs - puts[index]!);
    expect(Math.max(...pausesMs)).toBeGreaterThanOrEqual(4_000);
    expect(Math.max(...pausesMs)).toBeLessThan(5_000);
    expect(leader.logged('API_THROTTLED')).toHaveLength(1);
    expect(leader.logged('API_RECOVERED')).toHaveLength(1);
  });

  throughProxy('although three renewals in a row are answered 500', BRISK, async (leader, proxy) => {
    const broken: Fault = { kind: 'answer', status: 500 };
    await spoil(leader, proxy, [broken, broken, broken], 2_700);
    expect(leader.logged('API_SERVER_ERROR')).toHaveLength(1);
    expect(await leader.api.metric('leasegate_renewal_failures_total', 'reason="server-error"')).toBe(3);
  });

  throughProxy('although the answer to a renewal is lost after it was stored', BRISK, async (leader, proxy) => {
    await spoil(leader, proxy, [{ kind: 'lose-answer' }], 2_700);
    expect(await leader.api.metric('leader_election_slowpath_total')).toBeGreaterThanOrEqual(1);
  });

  throughProxy('although a renewal hangs', BRISK, async (leader, proxy) => {
    await spoil(leader, proxy, [{ kind: 'hang' }], 2_700);
    expect(leader.logged('API_TIMEOUT')).toHaveLength(1);
  });

  scenario('although the certificate authority is changed', { timings: STANDARD }, async (scene) => {
    await scene.shipLease();
    const [old, next] = [await authority(scene, 'old'), await authority(scene, 'next')];
    const caFile = join(scene.controlPlane.directory, scene.namespace, 'bundle.crt');
    const bundle = async (...authorities: Pki[]) => {
      const certificates = await Promise.all(authorities.map((each) => readFile(each.caFile, 'utf8')));
      await writeFile(caFile, certificates.join(''));
    };
    const proxy = await FaultProxy.open({ controlPlane: scene.controlPlane, pki: old });
    try {
      await bundle(old);
      const replicas = [
        await scene.startReplica({ server: proxy.url, caFile }),
        await scene.startReplica({ server: proxy.url, caFile }),
      ];
      const leader = await scene.untilLeader();
      // As clusters do it: both are trusted, then the other one is used, then it alone is trusted.
      await bundle(old, next);
      const bothMs = monoMs();
      await until('the files have been read', 15_000, () => monoMs() - bothMs > 12_000);
      await proxy.rotate(next);
      await bundle(next);
      const rotatedMs = monoMs();
      await until('that has been read, too', 15_000, () => monoMs() - rotatedMs > 12_000);
      await Promise.all(replicas.map((replica) => replica.untilWatching(20_000)));
      expect(leader.leading).toBe(true);
      expect(scene.replicas.flatMap((replica) => replica.logged('LEADING'))).toHaveLength(1);
      const successor = replicas.find((replica) => replica !== leader)!;
      const leftMs = await leader.leave();
      await successor.untilEvent('started', 5_000, leftMs);
    } finally {
      proxy.close();
    }
  });
});
