import { beforeEach, describe, expect, test } from 'vitest';
import { ProcessTime, settled, VirtualTime } from '../../test/scenarios/support/virtual-time.ts';
import type { Logger } from '../ports/log.ts';
import { type CheckResult, failed, HEALTHY } from './check.ts';
import { type HealthChange, HealthMonitor } from './monitor.ts';

const START_MONO_MS = 1_000_000;

let time: VirtualTime;
let process: ProcessTime;
let monitor: HealthMonitor;
/** What the application does when it is asked; `hang` does nothing. */
let application: CheckResult | 'hang';
let onCheck: (signal: AbortSignal) => void;
let answerOpenCheck: (result: CheckResult) => void;
let checksAtMs: number[];
let aborted: number;
let changes: (HealthChange & { atMs: number })[];
let logged: object[];

const refused = failed('refused', 'ECONNREFUSED');

beforeEach(() => {
  time = new VirtualTime();
  process = new ProcessTime(time);
  application = HEALTHY;
  onCheck = () => {};
  [checksAtMs, aborted, changes, logged] = [[], 0, [], []];
  const at = (level: string) => (fields: object) => logged.push({ level, ...fields });
  const log = { info: at('info'), warn: at('warn') };
  monitor = new HealthMonitor({
    check: async (signal) => {
      checksAtMs.push(time.nowMs);
      onCheck(signal);
      if (application !== 'hang') return application;
      return new Promise((resolve) => {
        answerOpenCheck = resolve;
        signal.addEventListener('abort', () => {
          aborted += 1;
          resolve(failed('unreachable', 'aborted'));
        });
      });
    },
    ...{ intervalMs: 1_000, timeoutMs: 500, failures: 3, successes: 1 },
    clock: process,
    timers: process,
    log: log as unknown as Logger,
    onChange: (change) => changes.push({ ...change, atMs: process.now().monoMs - START_MONO_MS }),
  });
});

test('checks at its start, and then once in each interval', async () => {
  monitor.start();
  await time.pass(3_500);
  expect(checksAtMs).toEqual([0, 1_000, 2_000, 3_000]);
  expect(changes).toEqual([{ healthy: true, why: 'healthy', ended: false, atMs: 0 }]);
});

test('what is left of a check when its verdict is there ends with the next check, and with the monitor', async () => {
  const open = new Set<AbortSignal>();
  application = HEALTHY;
  onCheck = (signal) => {
    open.add(signal);
    signal.addEventListener('abort', () => open.delete(signal));
  };
  monitor.start();
  await time.pass(3_500);
  expect([checksAtMs.length, open.size]).toEqual([4, 1]);
  monitor.stop();
  expect(open.size).toBe(0);
});

test('an application that dies is told of within as many intervals as checks decide', async () => {
  monitor.start();
  await time.pass(1_001);
  application = refused;
  await time.pass(3_000);
  expect(changes.slice(1)).toEqual([{ healthy: false, why: 'refused', ended: true, atMs: 4_000 }]);
  expect(logged.slice(1)).toEqual([
    { level: 'warn', code: 'APP_UNHEALTHY', why: 'refused', detail: 'ECONNREFUSED', successesNeeded: 2 },
  ]);
});

test('one that hangs fails each check at the timeout, and no check outlives its own', async () => {
  monitor.start();
  await time.pass(1);
  application = 'hang';
  await time.pass(3_600);
  expect(checksAtMs).toEqual([0, 1_000, 2_000, 3_000]);
  expect(changes.slice(1)).toEqual([{ healthy: false, why: 'timeout', ended: false, atMs: 3_500 }]);
  expect(aborted).toBe(3);
});

test('one that hangs and then is gone is told of twice: unfit, and ended', async () => {
  monitor.start();
  await time.pass(1);
  application = 'hang';
  await time.pass(3_600);
  application = refused;
  await time.pass(10_000);
  expect(changes.slice(1)).toMatchObject([
    { healthy: false, why: 'timeout', ended: false, atMs: 3_500 },
    { healthy: false, why: 'refused', ended: true, atMs: 6_000 },
  ]);
  expect(logged).toHaveLength(2);
});

test('one that never answered is spoken of once, and without a warning: it may only be starting', async () => {
  application = refused;
  monitor.start();
  await time.pass(60_000);
  expect(logged).toMatchObject([{ level: 'info', code: 'APP_UNHEALTHY', why: 'refused' }]);
});

test('flapping faster than the checks that decide changes nothing', async () => {
  monitor.start();
  for (let round = 0; round < 20; round++) {
    await time.pass(2_000);
    application = application === HEALTHY ? refused : HEALTHY;
  }
  expect(changes).toHaveLength(1);
});

test('flapping more slowly moves leadership ever more rarely', async () => {
  monitor.start();
  for (let round = 0; round < 100; round++) {
    await time.pass(10_000);
    application = application === HEALTHY ? refused : HEALTHY;
  }
  // Ten seconds bad and ten good, for 1000 s: good for 8 checks in a row is reached, for 16 never.
  expect(changes.filter(({ healthy }) => healthy).length).toBeLessThanOrEqual(5);
  expect(changes.at(-1)!.atMs).toBeLessThan(200_000);
});

describe('while this process is stopped', () => {
  test('nothing is made up for afterwards', async () => {
    monitor.start();
    await time.pass(500);
    process.freeze();
    await time.pass(60_000);
    process.thaw();
    await settled();
    expect(checksAtMs).toEqual([0, 60_500]);
    await time.pass(1_000);
    expect(checksAtMs).toEqual([0, 60_500, 61_500]);
  });

  test('an answer that came meanwhile counts, though the timer is looked at first', async () => {
    monitor.start();
    await time.pass(500);
    application = 'hang';
    await time.pass(501);
    process.freeze();
    await time.pass(60_000);
    process.arrive(() => answerOpenCheck(HEALTHY));
    process.thaw();
    await settled();
    application = refused;
    await time.pass(1_500);
    // Had it been a timeout, these two would have been the second and third failure.
    expect(checksAtMs).toHaveLength(4);
    expect(changes).toHaveLength(1);
  });
});

test('stopped, it checks no more and tells nothing', async () => {
  monitor.start();
  await time.pass(1_100);
  application = refused;
  monitor.stop();
  await time.pass(60_000);
  expect(checksAtMs).toHaveLength(2);
  expect(changes).toHaveLength(1);
});
