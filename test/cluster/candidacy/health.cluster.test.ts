import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { monoMs } from '../replica/clock.ts';
import { BRISK, type Replica } from '../replica/replica.ts';
import { onControlPlane, scenario } from '../replica/scenario.ts';
import type { Scene } from '../replica/scene.ts';
import { until } from '../replica/until.ts';
import { endWithThisProcess } from '../support/child-guard.ts';
import { freePorts } from '../support/free-ports.ts';
import { findTool } from '../tools/build.ts';
import { Application } from './application.ts';

onControlPlane();

const INTERVAL_MS = 200;
const FAILURES = 3;
const CHECKED = {
  LEASEGATE_APP_HEALTH_INTERVAL: `${INTERVAL_MS}ms`,
  LEASEGATE_APP_HEALTH_FAILURES: String(FAILURES),
};
/** What is promised: so much after its death a killed application's replica does not lead any more. */
const NOTICED_MS_MAX = INTERVAL_MS * FAILURES + 200;
/** No promise: a machine that is busy with other things. */
const BUSY_MS = 2_000;

interface Pair {
  readonly replica: Replica;
  readonly app: Application;
}

/** A replica with an application of its own. */
async function startPair(scene: Scene, env: NodeJS.ProcessEnv = {}, app = new Application()): Promise<Pair> {
  await app.start();
  const replica = await scene.startReplica({ env: { ...CHECKED, LEASEGATE_APP_HEALTH_URL: app.url, ...env } });
  await replica.untilWatching();
  return { replica, app };
}

async function startPairs(scene: Scene, count: number, env?: NodeJS.ProcessEnv): Promise<Pair[]> {
  await scene.shipLease();
  const pairs: Pair[] = [];
  for (let i = 0; i < count; i++) pairs.push(await startPair(scene, env));
  return pairs;
}

/** The pair that leads, asked from now on, and the others. */
async function roles(scene: Scene, pairs: readonly Pair[]): Promise<[Pair, ...Pair[]]> {
  const leader = await scene.untilLeader();
  return [pairs.find(({ replica }) => replica === leader)!, ...pairs.filter(({ replica }) => replica !== leader)];
}

const end = (pairs: readonly Pair[]) => {
  for (const { app } of pairs) app.kill();
};
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
const rounded = (values: readonly number[]) => values.map(Math.round).join(', ');

scenario(
  'a killed application: its replica does not lead any more, and the healthy standby leads right after, ten times',
  { timings: BRISK, timeoutMs: 240_000 },
  async (scene) => {
    const pairs = await startPairs(scene, 2);
    const goneMs: number[] = [];
    const nextMs: number[] = [];
    for (let round = 0; round < 10; round++) {
      const [leader, standby] = await roles(scene, pairs);
      await until('the standby is a candidate', 60_000, async () => {
        return (await standby!.replica.api.get('/candidacy')).json.candidate;
      });
      const killedMs = leader.app.kill();
      const stopped = await leader.replica.untilEvent('stopped', 10_000, killedMs);
      expect(stopped.reason).toBe('unhealthy');
      const started = await standby!.replica.untilEvent('started', 10_000, killedMs);
      goneMs.push(stopped.atMs - killedMs);
      nextMs.push(started.atMs - stopped.atMs);
      expect(leader.replica.logged('APP_UNHEALTHY').at(-1)).toMatchObject({ why: 'refused' });
      await leader.app.start();
    }
    console.log(
      `interval ${INTERVAL_MS} ms × ${FAILURES} failures: ms from the kill until it does not lead: ${rounded(goneMs)}; ` +
        `from then until the standby leads: ${rounded(nextMs)}`,
    );
    expect(median(goneMs)).toBeLessThanOrEqual(NOTICED_MS_MAX);
    expect(Math.max(...goneMs)).toBeLessThanOrEqual(NOTICED_MS_MAX + BUSY_MS);
    expect(median(nextMs)).toBeLessThanOrEqual(500);
    end(pairs);
  },
);

describe.concurrent('an application that lives, and is not well', () => {
  for (const [what, why, allowanceMs, strike] of [
    ['answers 503', 'bad-status', 0, (app: Application) => app.turn()],
    ['hangs', 'timeout', INTERVAL_MS, (app: Application) => app.freeze()],
  ] as const) {
    scenario(`because it ${what}: others lead after all answers have run out`, { timings: BRISK }, async (scene) => {
      const pairs = await startPairs(scene, 2);
      const [leader, standby] = await roles(scene, pairs);
      const struckMs = monoMs();
      strike(leader.app);
      const stopped = await leader.replica.untilEvent('stopped', 10_000, struckMs);
      const promisedUntilMs = Math.max(
        ...leader.replica.answers
          .filter(({ isLeader }) => isLeader)
          .map(({ sentMs, validForMs }) => sentMs + validForMs),
      );
      const next = await standby!.replica.untilLogged('LEADING', 10_000, struckMs);
      expect(leader.replica.logged('APP_UNHEALTHY').at(-1)).toMatchObject({ why });
      expect(next.atMs).toBeGreaterThanOrEqual(Math.floor(promisedUntilMs));
      const goneMs = stopped.atMs - struckMs;
      console.log(
        `it ${what}: ms until its replica does not lead: ${rounded([goneMs])}; until the standby leads: ${rounded([next.atMs - struckMs])}`,
      );
      expect(goneMs).toBeLessThanOrEqual(NOTICED_MS_MAX + allowanceMs + BUSY_MS);
      leader.app.thaw();
      end(pairs);
    });
  }

  scenario('and then is gone: the Lease is free without waiting any longer', { timings: BRISK }, async (scene) => {
    const pairs = await startPairs(scene, 2);
    const [leader, standby] = await roles(scene, pairs);
    leader.app.turn();
    await leader.replica.untilEvent('stopped', 10_000);
    const promisedUntilMs = Math.max(
      ...leader.replica.answers.filter(({ isLeader }) => isLeader).map(({ sentMs, validForMs }) => sentMs + validForMs),
    );
    leader.app.kill();
    const next = await standby!.replica.untilLogged('LEADING', 10_000);
    expect(next.atMs).toBeLessThan(promisedUntilMs);
    end(pairs);
  });
});

scenario('while no application is well nobody leads, and that is told', { timings: BRISK }, async (scene) => {
  const pairs = await startPairs(scene, 2);
  await roles(scene, pairs);
  for (const { app } of pairs) app.kill();
  for (const { replica } of pairs) {
    await replica.untilLogged('NO_CANDIDATE', 30_000);
    expect(await replica.api.metric('leasegate_unclaimed')).toBe(1);
    expect(await replica.api.metric('leasegate_application_healthy')).toBe(0);
    expect(await replica.api.metric('leasegate_candidacy_barred', 'why="unhealthy"')).toBe(1);
    expect((await replica.api.probe('/readyz')).status).toBe(200);
    expect((await replica.api.probe('/healthz')).status).toBe(200);
    expect(replica.logged('NO_CANDIDATE')).toHaveLength(1);
  }
  expect(pairs.filter(({ replica }) => replica.leading)).toEqual([]);
  const events = await scene.controlPlane.admin.get(`/api/v1/namespaces/${scene.namespace}/events`);
  const messages = events.body.items.map(({ message }: { message: string }) => message);
  expect(messages.filter((message: string) => message.includes('sees no candidate (unhealthy)'))).not.toEqual([]);

  const wellMs = monoMs();
  const [first] = pairs;
  await first!.app.start();
  const started = await first!.replica.untilEvent('started', 30_000, wellMs);
  console.log(`ms from the start of an application until its replica leads: ${rounded([started.atMs - wellMs])}`);
  expect(await first!.replica.api.metric('leasegate_unclaimed')).toBe(0);
  end(pairs);
});

scenario(
  'with LEASEGATE_LEAD_UNHEALTHY one leads all the same, and gives way to the first that is well',
  { timings: BRISK },
  async (scene) => {
    const pairs = await startPairs(scene, 2, { LEASEGATE_LEAD_UNHEALTHY: 'true' });
    await roles(scene, pairs);
    const killedMs = monoMs();
    for (const { app } of pairs) app.kill();
    await until('both are known to be unwell', 10_000, () =>
      pairs.every(({ replica }) => replica.logged('APP_UNHEALTHY').length === 1),
    );
    await until('one leads all the same', 30_000, async () => {
      const unwell = await scene.untilLeader();
      // Not one that is just giving way; but one whose claim was under way when it fell ill may go on.
      return unwell.leading && monoMs() > killedMs + INTERVAL_MS * FAILURES + 1_000;
    });
    const [unwell, other] = await roles(scene, pairs);
    const wellMs = monoMs();
    await other!.app.start();
    await other!.replica.untilEvent('started', 60_000, wellMs);
    expect(unwell.replica.leading).toBe(false);
    end(pairs);
  },
);

scenario(
  'applications that flap every second move leadership ever more rarely',
  { timings: BRISK, timeoutMs: 180_000 },
  async (scene) => {
    await scene.shipLease();
    const pairs: Pair[] = [];
    for (let i = 0; i < 2; i++) {
      pairs.push(
        await startPair(scene, { LEASEGATE_APP_HEALTH_SUCCESSES: '2' }, new Application({ flapEveryMs: 1_000 })),
      );
    }
    const startMs = monoMs();
    const watchForMs = 30_000;
    await until('half a minute has passed', watchForMs + 5_000, () => monoMs() - startMs > watchForMs);
    const terms = pairs.flatMap(({ replica }) => replica.logged('LEADING').map(({ atMs }) => atMs - startMs));
    console.log(`terms under flapping began at ms: ${rounded(terms.toSorted((a, b) => a - b))}`);
    // Undamped it would be one per second.
    expect(terms.length).toBeLessThanOrEqual(8);
    expect(terms.filter((atMs) => atMs > watchForMs / 2).length).toBeLessThanOrEqual(1);
    end(pairs);
  },
);

scenario('one that flaps beside one that is well does not lead again', { timings: BRISK }, async (scene) => {
  await scene.shipLease();
  const flapping = await startPair(scene, {}, new Application({ flapEveryMs: 1_000 }));
  await flapping.replica.untilEvent('started', 10_000);
  const well = await startPair(scene);
  await well.replica.untilEvent('started', 30_000);
  const startMs = monoMs();
  await until('ten seconds have passed', 15_000, () => monoMs() - startMs > 10_000);
  expect(well.replica.leading).toBe(true);
  expect(well.replica.logged('LEADING')).toHaveLength(1);
  expect(well.replica.logged('NOT_LEADING')).toEqual([]);
  end([flapping, well]);
});

scenario('a gRPC health service decides as well: that of a real etcd', { timings: BRISK }, async (scene) => {
  await scene.shipLease();
  const directory = await mkdtemp(join(tmpdir(), 'leasegate-health-'));
  const [client, peer] = await freePorts(2);
  const [clientUrl, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
  const args = ['--data-dir', directory, '--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl];
  const child = spawn(await findTool('etcd'), [...args, '--listen-peer-urls', peerUrl], { stdio: 'ignore' });
  endWithThisProcess(child);
  const env = { ...CHECKED, LEASEGATE_APP_HEALTH_URL: `grpc://127.0.0.1:${client}` };
  const replica = await scene.startReplica({ env });
  await replica.untilEvent('started', 30_000);
  const standby = await startPair(scene);

  child.kill('SIGSTOP');
  const next = await standby.replica.untilLogged('LEADING', 20_000);
  expect(replica.logged('APP_UNHEALTHY').at(-1)).toMatchObject({ why: 'timeout' });
  child.kill('SIGCONT');
  await replica.untilLogged('APP_HEALTHY', 30_000, next.atMs);
  child.kill('SIGKILL');
  await until('it is found gone', 10_000, () => replica.logged('APP_UNHEALTHY').at(-1)?.why === 'refused');
  end([standby]);
  await rm(directory, { recursive: true, force: true });
});
