import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ProcessTime, settled, VirtualTime } from '../../test/scenarios/support/virtual-time.ts';
import { delay, endableDelay } from './delay.ts';

let time: VirtualTime;
let process: ProcessTime;

beforeEach(() => {
  time = new VirtualTime();
  process = new ProcessTime(time);
});

describe('a delay', () => {
  test('can be ended before its time', async () => {
    const wait = endableDelay(1_000, process);
    const over = vi.fn();
    void wait.over.then(over);
    await time.pass(999);
    expect(over).not.toHaveBeenCalled();
    wait.end();
    await settled();
    expect(over).toHaveBeenCalledTimes(1);
  });

  test('is over by itself', async () => {
    const over = vi.fn();
    void delay(1_000, process).then(over);
    await time.pass(1_000);
    expect(over).toHaveBeenCalledTimes(1);
  });
});
