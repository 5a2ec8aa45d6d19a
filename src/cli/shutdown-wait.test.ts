import { createServer } from 'node:net';
import { beforeEach, describe, expect, test } from 'vitest';
import { ProcessTime, settled, VirtualTime } from '../../test/scenarios/support/virtual-time.ts';
import type { ShutdownConfig } from '../config/load.ts';
import { systemTimers } from '../ports/clock.ts';
import { putsOffTheEnd, type WaitEnd, waitBeforeTheEnd } from './shutdown-wait.ts';

const PORT: ShutdownConfig = { kind: 'port', port: { host: '127.0.0.1', port: 3_000 }, waitMsMax: 15_000 };

let time: VirtualTime;
let process: ProcessTime;
let ended: { by: WaitEnd; atMs: number } | null;
let interrupt: () => void;
let closed: boolean;

beforeEach(() => {
  time = new VirtualTime();
  process = new ProcessTime(time);
  [ended, closed] = [null, false];
});

function wait(config: ShutdownConfig): void {
  const { promise: interrupted, resolve } = Promise.withResolvers<void>();
  interrupt = resolve;
  const options = { timers: process, interrupted, isClosed: async () => closed };
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

  test('a delay takes its time', async () => {
    wait({ kind: 'delay', delayMs: 5_000 });
    await time.pass(4_999);
    expect(ended).toBeNull();
    await time.pass(1);
    expect(ended).toEqual({ by: 'delay', atMs: 5_000 });
  });

  test('a port is waited for until it closes', async () => {
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

test('a real port is closed when nothing listens on it', async () => {
  const server = createServer((socket) => socket.on('error', () => {}));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  let over = false;
  const end = waitBeforeTheEnd(
    { kind: 'port', port: { host: '127.0.0.1', port }, waitMsMax: 60_000 },
    { timers: systemTimers, interrupted: new Promise(() => {}) },
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
