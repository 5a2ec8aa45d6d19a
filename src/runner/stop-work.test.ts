import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ProcessTime, VirtualTime } from '../../test/scenarios/support/virtual-time.ts';
import { SILENT_LOG, TIMINGS } from '../../test/scenarios/support/world.ts';
import { Leadership, type StopContext } from '../leadership/leadership.ts';
import { delay } from '../ports/delay.ts';
import { stopWork } from './stop-work.ts';

let time: VirtualTime;
let process: ProcessTime;
let leadership: Leadership;
let order: string[];
const log = { ...SILENT_LOG, warn: vi.fn(), error: vi.fn() };

beforeEach(() => {
  time = new VirtualTime();
  process = new ProcessTime(time);
  const lease = { namespace: 'shop', name: 'cart' };
  leadership = new Leadership({ identity: 'a_uid-a_1', lease, timings: TIMINGS, clock: process });
  order = [];
  vi.resetAllMocks();
});

/** A hook that takes its time. */
const hook = (name: string, ms: number) => async () => {
  order.push(`${name} begins`);
  await delay(ms, process);
  order.push(`${name} ends`);
};

/** Stops work with 5 s to do so; `done` tells when that was over. */
function stopping(): { readonly doneMs: number | null } {
  const seen: { doneMs: number | null } = { doneMs: null };
  const context: StopContext = { graceful: false, reason: 'expired', untilMonoMs: process.now().monoMs + 5_000 };
  void stopWork(leadership, context, { clock: process, timers: process, log }).then(() => {
    seen.doneMs = time.nowMs;
  });
  return seen;
}

describe('stopping work', () => {
  test('goes stage by stage, traffic first, and within a stage together', async () => {
    leadership.onStop('publish', hook('label', 10));
    leadership.onStop('notify', hook('webhook', 10));
    leadership.onStop('gateway', hook('http', 20));
    leadership.onStop('gateway', hook('tcp', 30));
    const seen = stopping();
    await time.pass(1_000);
    expect(order).toEqual([
      'http begins',
      'tcp begins',
      'http ends',
      'tcp ends',
      'webhook begins',
      'webhook ends',
      'label begins',
      'label ends',
    ]);
    expect(seen.doneMs).toBe(50);
  });

  test('begins at once: the first stage is called before anything else happens', () => {
    leadership.onStop('gateway', hook('http', 20));
    stopping();
    expect(order).toEqual(['http begins']);
  });

  test('is done at once when there is nothing to stop', async () => {
    const seen = stopping();
    await time.pass(0);
    expect(seen.doneMs).toBe(0);
  });

  test('tells hooks until when, and why', async () => {
    const told = vi.fn();
    leadership.onStop('gateway', told);
    stopping();
    await time.pass(0);
    expect(told).toHaveBeenCalledWith({
      graceful: false,
      reason: 'expired',
      untilMonoMs: process.now().monoMs + 5_000,
    });
  });

  test('does not wait for a hook beyond its time, and says so once', async () => {
    leadership.onStop('gateway', () => new Promise<void>(() => {}));
    leadership.onStop('notify', hook('webhook', 0));
    const seen = stopping();
    await time.pass(10_000);
    expect(seen.doneMs).toBe(5_000);
    expect(order).toContain('webhook begins');
    expect(log.warn).toHaveBeenCalledWith({ code: 'STOP_HOOK_SLOW', stage: 'gateway' }, expect.any(String));
  });

  test('goes on after a hook that fails, by a promise or at once, and says so', async () => {
    leadership.onStop('gateway', () => Promise.reject(new Error('socket on fire')));
    leadership.onStop('gateway', () => {
      throw new Error('never began');
    });
    leadership.onStop('publish', hook('label', 0));
    const seen = stopping();
    await time.pass(1_000);
    expect(seen.doneMs).toBe(0);
    expect(order).toEqual(['label begins', 'label ends']);
    expect(log.error.mock.calls.map(([fields]) => fields)).toEqual([
      { code: 'STOP_HOOK_FAILED', stage: 'gateway', error: 'Error: socket on fire' },
      { code: 'STOP_HOOK_FAILED', stage: 'gateway', error: 'Error: never began' },
    ]);
  });

  test('leaves no timer behind when the hooks end in time', async () => {
    const timers = vi.spyOn(process, 'after');
    leadership.onStop('gateway', () => {});
    stopping();
    await time.pass(0);
    expect(timers).toHaveBeenCalledTimes(1);
    const cancelled = vi.fn();
    time.after(4_999, cancelled);
    await time.pass(60_000);
    expect(cancelled).toHaveBeenCalledTimes(1);
    expect(log.warn).not.toHaveBeenCalled();
  });
});
