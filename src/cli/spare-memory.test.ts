import { beforeEach, expect, test } from 'vitest';
import { ProcessTime, VirtualTime } from '../../test/scenarios/support/virtual-time.ts';
import { boundPassingBytes, processMemory, spareMemory } from './spare-memory.ts';

const MIB = 1024 * 1024;
let time: VirtualTime;
let state: { rss: number; cpuMs: number; collected: number; leastMiB: number };
let end: () => void;

beforeEach(() => {
  time = new VirtualTime();
  state = { rss: 70 * MIB, cpuMs: 500, collected: 0, leastMiB: 70 };
  const memory = {
    rssBytes: () => state.rss,
    cpuMs: () => state.cpuMs,
    collectYoung: () => {},
    collect: () => {
      state.collected += 1;
      state.rss = state.leastMiB * MIB;
    },
  };
  end = spareMemory(memory, new ProcessTime(time));
});

function load(rssMiB: number): void {
  state.rss = rssMiB * MIB;
  state.cpuMs += 5_000;
}

test('memory is given back once it has been quiet for half a minute after a load', async () => {
  load(150);
  await time.pass(39_000);
  expect(state.collected).toBe(0);
  await time.pass(2_000);
  expect(state.collected).toBe(1);
});

test('a load that only pauses is not disturbed', async () => {
  for (let round = 0; round < 10; round += 1) {
    load(150);
    await time.pass(30_000);
  }
  expect(state.collected).toBe(0);
});

test('what can’t be given back is tried for again only after the next load', async () => {
  state.leastMiB = 100;
  load(150);
  await time.pass(300_000);
  expect(state.collected).toBe(1);
  load(120);
  await time.pass(300_000);
  expect(state.collected).toBe(2);
});

test('a process that has hardly grown is left alone', async () => {
  state.rss = 77 * MIB;
  await time.pass(100_000);
  expect(state.collected).toBe(0);
});

test('it ends', async () => {
  end();
  state.rss = 150 * MIB;
  await time.pass(100_000);
  expect(state.collected).toBe(0);
});

test('a collection can be had of this Node', () => {
  const registry = { freed: false };
  let big: object | null = { filler: new Array(1e6).fill(1) };
  const weak = new WeakRef(big);
  big = null;
  return new Promise<void>((resolve) => {
    setTimeout(() => {
      processMemory.collect();
      registry.freed = weak.deref() === undefined;
      resolve();
    }, 0);
  }).then(() => expect(registry.freed).toBe(true));
});

test('what passing bytes leave is collected each time that 4 MiB have passed', () => {
  let collected = 0;
  const passed = boundPassingBytes({
    collectYoung: () => {
      collected += 1;
    },
  });
  for (let index = 0; index < 40; index += 1) passed(MIB);
  expect(collected).toBe(10);
  processMemory.collectYoung();
});
