import { createServer } from 'node:net';
import { beforeEach, describe, expect, test } from 'vitest';
import { ProcessTime, settled, VirtualTime } from '../../test/scenarios/support/virtual-time.ts';
import type { ShutdownConfig } from '../config/load.ts';
import { Leadership } from '../leadership/leadership.ts';
import { systemTimers } from '../ports/clock.ts';
import { putsOffTheEnd, type WaitEnd, waitBeforeTheEnd } from './shutdown-wait.ts';

const timings = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, renewIntervalMs: 2_000, retryPeriodMs: 2_000 };
const PORT: ShutdownConfig = { kind: 'port', port: { host: '127.0.0.1', port: 3_000 }, waitMsMax: 15_000 };

let time: VirtualTime;
let process: ProcessTime;
let leadership: Leadership;
let paused: number;
let ended: { by: WaitEnd; atMs: number } | null;
let interrupt: () => void;
let closed: boolean;

beforeEach(() => {
  time = new VirtualTime();
  process = new ProcessTime(time);
  leadership = new Leadership({ identity: 'a', lease: { namespace: 'web', name: 'app' }, timings, clock: process });
  [paused, ended, closed] = [0, null, false];
});

function lead(): void {
  const basis = process.now();
  leadership.publish({
    tenure: { fencingToken: '1', validity: { basis, validUntilMonoMs: basis.monoMs + 60_000 }, accepting: true },
    ...{ leaseUid: null, holder: null, term: null },
  });
}

function wait(config: ShutdownConfig): void {
  const { promise: interrupted, resolve } = Promise.withResolvers<void>();
  interrupt = resolve;
  const control = {
    pause: async () => {
      paused += 1;
      return { result: 'not-leading' as const, tookMs: 0 };
    },
  };
  const options = { leadership, control, timers: process, interrupted, isClosed: async () => closed };
  void waitBeforeTheEnd(config, options).then((by) => {
    ended = { by, atMs: time.nowMs };
  });
}

describe('after a signal', () => {
  test('the end is put off by a delay or a wait that takes any time', () => {
    expect(putsOffTheEnd({ kind: 'delay', delayMs: 0 })).toBe(false);
    expect(putsOffTheEnd({ kind: 'delay', delayMs: 1 })).toBe(true);
    expect(putsOffTheEnd(PORT)).toBe(true);
    expect(putsOffTheEnd({ ...PORT, waitMsMax: 0 })).toBe(false);
  });

  test('a delay takes its time, and a leader leads on', async () => {
    lead();
    wait({ kind: 'delay', delayMs: 5_000 });
    await time.pass(4_999);
    expect([ended, paused]).toEqual([null, 0]);
    await time.pass(1);
    expect(ended).toEqual({ by: 'delay', atMs: 5_000 });
  });

  test('a port is waited for until it closes', async () => {
    lead();
    wait(PORT);
    await time.pass(3_000);
    expect(ended).toBeNull();
    closed = true;
    await time.pass(200);
    expect(ended!.by).toBe('port-closed');
    expect(ended!.atMs).toBeLessThanOrEqual(3_100);
  });

  test('and no longer than allowed', async () => {
    wait(PORT);
    await time.pass(20_000);
    expect(ended).toEqual({ by: 'limit', atMs: 15_000 });
  });

  test('another signal ends either wait', async () => {
    for (const config of [PORT, { kind: 'delay', delayMs: 5_000 } as const]) {
      ended = null;
      wait(config);
      await time.pass(100);
      interrupt();
      await settled();
      expect(ended).toMatchObject({ by: 'signal' });
    }
  });
});

describe('meanwhile', () => {
  test('a standby does not begin to lead', async () => {
    wait(PORT);
    expect(paused).toBe(1);
  });

  test('a leader that ceases to lead does not begin again', async () => {
    lead();
    wait(PORT);
    expect(paused).toBe(0);
    leadership.publish({ tenure: null, leaseUid: null, holder: null, term: null }, 'expired');
    expect(paused).toBe(1);
    await time.pass(1_000);
    expect(ended).toBeNull();
  });
});

test('a real port is closed when nothing listens on it', async () => {
  const server = createServer((socket) => socket.on('error', () => {}));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const control = { pause: async () => ({ result: 'not-leading' as const, tookMs: 0 }) };
  let over = false;
  const end = waitBeforeTheEnd(
    { kind: 'port', port: { host: '127.0.0.1', port }, waitMsMax: 60_000 },
    { leadership, control, timers: systemTimers, interrupted: new Promise(() => {}) },
  ).then((by) => {
    over = true;
    return by;
  });
  // It was looked at, and found open.
  await new Promise((resolve) => server.once('connection', resolve));
  expect(over).toBe(false);
  server.close();
  expect(await end).toBe('port-closed');
});
