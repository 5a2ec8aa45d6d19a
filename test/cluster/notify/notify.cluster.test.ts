import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect } from 'vitest';
import { answers, hangs, Receiver, type Treatment, takes } from '../../../src/notify/receiver.fixture.ts';
import { monoMs, monoOfWall } from '../replica/clock.ts';
import { BRISK, type Replica, STANDARD } from '../replica/replica.ts';
import { onControlPlane, scenario } from '../replica/scenario.ts';
import { expectStatus, type Scene } from '../replica/scene.ts';
import { until } from '../replica/until.ts';
import { SmallDisk } from './small-disk.ts';

onControlPlane();

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'leasegate-notify-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Somebody else writes its own name into the Lease: whoever leads loses it at once, and gets it back when it is freed. */
async function takeLease(scene: Scene): Promise<void> {
  const now = new Date().toISOString().replace('Z', '000Z');
  const spec = { holderIdentity: 'somebody', leaseDurationSeconds: 600, acquireTime: now, renewTime: now };
  await expectStatus(scene.controlPlane.admin.patch(scene.leasePath, { spec }), 200);
}
async function freeLease(scene: Scene): Promise<void> {
  await expectStatus(scene.controlPlane.admin.patch(scene.leasePath, { spec: { holderIdentity: '' } }), 200);
}

const slow: Treatment = (res) => void setTimeout(() => takes(res), 3_000);

scenario(
  'a loss reaches a receiver within a second of it, or of the receiver being up',
  { timings: STANDARD },
  async (scene) => {
    await scene.shipLease();
    const receiver = await Receiver.open();
    try {
      const replica = await scene.startLeader({ env: { LEASEGATE_NOTIFY_URL: receiver.url.href } });
      const failures = () =>
        replica.api.metric('leasegate_notifications_total', 'event="stopped",outcome="unreachable"');
      const losses = () => receiver.received.filter(({ body }) => body.event === 'stopped');

      /** One term and its loss. Resolves to the time that the loss took, since it or since the receiver was up. */
      const lose = async (during: () => Promise<unknown>, afterwards: () => Promise<number | null>) => {
        const term = replica.logged('LEADING').length;
        await freeLease(scene);
        await until('it leads again', 20_000, () => replica.logged('LEADING').length > term);
        await during();
        const before = losses().length;
        const takenMs = monoMs();
        await takeLease(scene);
        const lost = await replica.untilLogged('NOT_LEADING', 5_000, takenMs);
        const upMs = await afterwards();
        await until('the loss arrives', 10_000, () => losses().length > before);
        return losses()[before]!.atMs - Math.max(lost.atMs, upMs ?? 0);
      };
      const startedWith = (treat: Treatment) => async () => {
        await until('the start arrives', 10_000, () => receiver.events().at(-1) === 'started');
        receiver.treat = treat;
      };
      const none = async () => null;
      await takeLease(scene);
      await replica.untilLogged('NOT_LEADING', 5_000);

      const tookMs: Record<string, number[]> = {};
      for (let i = 0; i < 3; i++) {
        const measure = async (name: string, ...how: Parameters<typeof lose>) => {
          tookMs[name] ??= [];
          tookMs[name].push(Math.round(await lose(...how)));
          receiver.treat = takes;
        };
        await measure('up', startedWith(takes), none);
        await measure('slow', startedWith(slow), none);
        // The start itself hangs, and is under way or waits for its next try.
        receiver.treat = hangs;
        await measure('hangs', startedWith(hangs), none);
        await measure('500', startedWith(answers(500)), none);
        await measure(
          'down',
          () => receiver.stop(),
          () => receiver.start(),
        );
        // Down for so long that the pauses between tries are at their longest.
        let failedBefore = 0;
        await measure(
          'restarted',
          async () => {
            await receiver.stop();
            failedBefore = await failures();
          },
          async () => {
            await until('it has been tried', 20_000, async () => (await failures()) >= failedBefore + 6);
            return receiver.start();
          },
        );
      }
      console.log(`ms from the loss, or from the receiver being up, to its arrival: ${JSON.stringify(tookMs)}`);
      for (const each of Object.values(tookMs)) expect(Math.max(...each)).toBeLessThanOrEqual(1_000);

      // Many terms that nobody could be told of: when the receiver is back it hears of the last state, and of nothing older.
      await receiver.stop();
      const losing = () =>
        lose(
          async () => {},
          async () => monoMs(),
        );
      const heard = receiver.received.length;
      const missed = losses().length;
      for (let i = 0; i < 3; i++) {
        const term = replica.logged('LEADING').length;
        await freeLease(scene);
        await until('it leads again', 20_000, () => replica.logged('LEADING').length > term);
        const takenMs = monoMs();
        await takeLease(scene);
        await replica.untilLogged('NOT_LEADING', 5_000, takenMs);
      }
      await receiver.start();
      await until('the last state arrives', 10_000, () => losses().length > missed);
      expect(receiver.events().slice(heard)).not.toContain('started');
      expect(receiver.events().slice(heard).length).toBeLessThanOrEqual(2);
      await losing();
      expect(await replica.api.metric('leasegate_notifications_total', 'outcome="superseded"')).toBeGreaterThan(0);
    } finally {
      await receiver.stop();
    }
  },
);

scenario('a graceful end tells the receiver before the Lease is free', { timings: STANDARD }, async (scene) => {
  await scene.shipLease();
  const receiver = await Receiver.open();
  try {
    const leader = await scene.startLeader({ env: { LEASEGATE_NOTIFY_URL: receiver.url.href } });
    const [successor] = await scene.startReplicas(1);
    await leader.leave();
    expect(receiver.events()).toEqual(['started', 'stopped']);
    expect(receiver.received[1]!.body).toMatchObject({ reason: 'shutdown', isLeader: false, validForMs: 0 });
    const started = await successor!.untilEvent('started', 5_000);
    expect(receiver.received[1]!.atMs).toBeLessThan(started.atMs);
  } finally {
    await receiver.stop();
  }
});

const readFile = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
/** Until when the file may be trusted, by the monotonic clock. */
const expiryMs = (path: string) => monoOfWall(Date.parse(readFile(path).expiresAt));

scenario('the status file follows term, renewals, loss, kill and restart', { timings: BRISK }, async (scene) => {
  await scene.shipLease();
  const path = join(mkdtempSync(join(directory, 'file-')), 'leader');
  const env = { LEASEGATE_STATUS_FILE: path };
  const first = await scene.startLeader({ env });
  await until('the file is there', 2_000, () => existsSync(path));
  const { expiresAt, ...rest } = readFile(path);
  expect(rest).toMatchObject({ isLeader: true, identity: first.identity, fencingToken: first.fencingToken });
  await until('a renewal moves it', 3_000, () => readFile(path).expiresAt > expiresAt);

  const takenMs = monoMs();
  await takeLease(scene);
  await first.untilLogged('NOT_LEADING', 5_000, takenMs);
  expect(existsSync(path)).toBe(false);
  await freeLease(scene);
  await until(
    'the next term has its file',
    10_000,
    () => existsSync(path) && readFile(path).fencingToken !== rest.fencingToken,
  );

  const [rival] = await scene.startReplicas(1);
  first.kill();
  await first.closed();
  const leftMs = expiryMs(path);
  const leading = await rival!.untilLogged('LEADING', 10_000);
  expect(leftMs).toBeLessThan(leading.atMs);
  expect(existsSync(path)).toBe(true);
  const again = await scene.startReplica({ restartOf: first, env });
  await again.untilLogged('STARTED', 10_000);
  expect(existsSync(path)).toBe(false);

  await rival!.leave();
  await until('it leads', 10_000, () => again.leading);
  await until('the file is there', 2_000, () => existsSync(path));
  await again.leave();
  expect(readdirSync(join(path, '..'))).toEqual([]);
});

scenario('the file of a replica that was stopped expires before another leads', { timings: BRISK }, async (scene) => {
  await scene.shipLease();
  const path = join(mkdtempSync(join(directory, 'stopped-')), 'leader');
  const leader = await scene.startLeader({ env: { LEASEGATE_STATUS_FILE: path } });
  const [rival] = await scene.startReplicas(1);
  await until('the file is there', 2_000, () => existsSync(path));
  leader.pause();
  const leading = await rival!.untilLogged('LEADING', 10_000);
  expect(expiryMs(path)).toBeLessThan(leading.atMs);
  leader.resume();
  await until('it finds out, and the file is gone', 5_000, () => !existsSync(path));
  await leader.untilLogged('NOT_LEADING', 5_000);
});

/** The election goes on: renewals are acknowledged under the same token, for longer than a term lasts without one. */
async function undisturbed(replica: Replica, token: string): Promise<void> {
  const renewed = await replica.api.metric('leasegate_renewals_total');
  await until(
    'it is renewed',
    15_000,
    async () => (await replica.api.metric('leasegate_renewals_total')) > renewed + 7,
  );
  expect((await replica.api.get('/leader')).json).toMatchObject({ isLeader: true, fencingToken: token });
  expect(replica.logged('NOT_LEADING')).toEqual([]);
}

scenario('neither a full disk nor a read-only mount disturbs the election', { timings: BRISK }, async (scene) => {
  await scene.shipLease();
  const disk = SmallDisk.mount(join(directory, 'disk'));
  try {
    const path = join(disk.directory, 'leader');
    disk.fill();
    const replica = await scene.startLeader({ env: { LEASEGATE_STATUS_FILE: path } });
    const token = replica.fencingToken;
    const full = await replica.untilLogged('STATUS_FILE_FAILING', 5_000);
    expect([full.msg, full.remedy]).toEqual([expect.stringContaining('ENOSPC'), expect.stringContaining('make room')]);
    await undisturbed(replica, token);
    expect(replica.logged('STATUS_FILE_FAILING')).toHaveLength(1);
    expect(readdirSync(disk.directory)).toEqual(['filling']);

    disk.free();
    await replica.untilLogged('STATUS_FILE_RECOVERED', 5_000);
    expect(readFile(path).fencingToken).toBe(token);

    disk.setReadOnly(true);
    const readOnly = await replica.untilLogged('STATUS_FILE_FAILING', 5_000, full.atMs + 1);
    expect([readOnly.msg, readOnly.remedy]).toEqual([
      expect.stringContaining('EROFS'),
      expect.stringContaining('emptyDir'),
    ]);
    await undisturbed(replica, token);
    expect(expiryMs(path)).toBeLessThan(monoMs());
    disk.setReadOnly(false);
    await until('the file is fresh again', 5_000, () => expiryMs(path) > monoMs());
    await until('it says so', 5_000, () => replica.logged('STATUS_FILE_RECOVERED').length === 2);

    disk.fill();
    await replica.untilLogged('STATUS_FILE_FAILING', 5_000, readOnly.atMs + 1);
    expect(existsSync(path)).toBe(true);
    await takeLease(scene);
    await replica.untilLogged('NOT_LEADING', 5_000);
    expect(readdirSync(disk.directory)).toEqual(['filling']);
    expect(replica.log.map(({ code }) => code).filter((code) => code?.startsWith('STATUS_FILE'))).toEqual([
      'STATUS_FILE_FAILING',
      'STATUS_FILE_RECOVERED',
      'STATUS_FILE_FAILING',
      'STATUS_FILE_RECOVERED',
      'STATUS_FILE_FAILING',
    ]);
  } finally {
    await scene.close();
    disk.unmount();
  }
});

/** A process of that name, a shell script, which says when it is ready. */
async function startApplication(name: string, script: string): Promise<ChildProcess> {
  const file = join(directory, name);
  writeFileSync(file, `#!/bin/sh\n${script}\necho ready\nread forever\n`);
  chmodSync(file, 0o755);
  const child = spawn(file, { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(createInterface({ input: child.stdout! }), 'line');
  return child;
}

scenario('an application is ended with its term, before another leads', { timings: BRISK }, async (scene) => {
  await scene.shipLease();
  const name = `worker-${process.pid}`;
  const env = { LEASEGATE_NOTIFY_SIGNAL_PROCESS: name };
  const leader = await scene.startLeader({ env });
  await leader.untilLogged('SIGNAL_NO_PROCESS', 5_000);

  const tidy = await startApplication(name, '');
  await takeLease(scene);
  const lost = await leader.untilLogged('NOT_LEADING', 5_000);
  if (tidy.signalCode === null) await once(tidy, 'exit');
  const tidyMs = monoMs() - lost.atMs;
  expect(tidy.signalCode).toBe('SIGTERM');

  await freeLease(scene);
  await until('it leads again', 10_000, () => leader.logged('LEADING').length > 1);
  await until('its answer says so', 5_000, () => leader.leading);
  const [rival] = await scene.startReplicas(1);
  const stubborn = await startApplication(name, "trap '' TERM");
  const ended = once(stubborn, 'exit').then(() => monoMs());
  const { json } = await leader.api.post('/step-down', { immediate: true });
  expect(json.result).toBe('released');
  const leading = await rival!.untilLogged('LEADING', 5_000);
  expect(stubborn.signalCode).toBe('SIGKILL');
  expect(await ended).toBeLessThan(leading.atMs + 1);
  console.log(`ms from the loss to the end of an application that obeys: ${Math.round(tidyMs)}`);
  expect(tidyMs).toBeLessThanOrEqual(2_000);
});

scenario(
  'a sidecar that is ended alone ends its application before the Lease is free',
  { timings: BRISK },
  async (scene) => {
    await scene.shipLease();
    const name = `lonely-${process.pid}`;
    const application = await startApplication(name, "trap '' TERM");
    const env = { LEASEGATE_NOTIFY_SIGNAL_PROCESS: name, LEASEGATE_NOTIFY_SIGNAL_GRACE: '1s' };
    const leader = await scene.startLeader({ env });
    const [rival] = await scene.startReplicas(1);
    const ended = once(application, 'exit').then(() => monoMs());
    await leader.leave();
    const leading = await rival!.untilLogged('LEADING', 5_000);
    expect(application.signalCode).toBe('SIGKILL');
    expect(await ended).toBeLessThan(leading.atMs + 1);
    expect(leader.logged('SIGNAL_NO_PROCESS')).toEqual([]);
    expect(leader.log.at(-1)).toMatchObject({ code: 'RELEASED' });
  },
);
