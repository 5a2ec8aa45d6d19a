import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Timers } from '../ports/clock.ts';

/** What is read of the process, and the collection itself. */
export interface ProcessMemory {
  rssBytes(): number;
  /** CPU time used since the start. */
  cpuMs(): number;
  /** Collects all garbage and gives memory back to the system; takes some 20 ms. */
  collect(): void;
  /** Collects what has just become garbage; takes well under a millisecond. */
  collectYoung(): void;
}

const LOOK_INTERVAL_MS = 10_000;
/** Busier than that, a pause would be felt, and the garbage collector runs anyway. */
const QUIET_CPU_SHARE_MAX = 0.02;
/** A collection throws away compiled code, too: a load that only paused for a moment would begin slowly again. */
const QUIET_LOOKS_MIN = 3;
/** Less is not worth a pause. */
const GROWTH_BYTES_MIN = 8 * 1024 * 1024;

/**
 * Gives memory back once after each busy time. V8 collects when something is allocated, so that a process with nothing to do
 * keeps what its last load needed, twice of what it uses, for good. Returns the way to end it.
 */
export function spareMemory(memory: ProcessMemory, timers: Timers): () => void {
  const leanBytes = memory.rssBytes();
  let cpuMs = memory.cpuMs();
  let quietLooks = 0;
  const look = () => {
    const quiet = memory.cpuMs() - cpuMs < LOOK_INTERVAL_MS * QUIET_CPU_SHARE_MAX;
    quietLooks = quiet ? quietLooks + 1 : 0;
    if (quietLooks === QUIET_LOOKS_MIN && memory.rssBytes() > leanBytes + GROWTH_BYTES_MIN) memory.collect();
    cpuMs = memory.cpuMs();
    timer = timers.after(LOOK_INTERVAL_MS, look);
  };
  let timer = timers.after(LOOK_INTERVAL_MS, look);
  return () => timer.cancel();
}

/** So much may pass before what it left is collected. */
const PASSED_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Bounds what passing bytes leave behind. A buffer of 64 KiB is a small object to V8, which would let hundreds of megabytes of
 * them pass before it collects. Returns what is to be told of each passage.
 */
export function boundPassingBytes(memory: Pick<ProcessMemory, 'collectYoung'>): (bytes: number) => void {
  let passed = 0;
  return (bytes) => {
    passed += bytes;
    if (passed < PASSED_BYTES_MAX) return;
    passed = 0;
    memory.collectYoung();
  };
}

type Collect = (options: {
  readonly type: 'major' | 'minor';
  readonly execution: 'sync';
  readonly flavor?: 'last-resort';
}) => void;

let gc: Collect | null = null;

/** V8's own function, which Node does not offer without a flag at the start. */
function collector(): Collect {
  if (gc === null) {
    setFlagsFromString('--expose-gc');
    gc = runInNewContext('gc') as Collect;
  }
  return gc;
}

export const processMemory: ProcessMemory = {
  rssBytes: () => process.memoryUsage.rss(),
  cpuMs: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },
  collect: () => collector()({ type: 'major', flavor: 'last-resort', execution: 'sync' }),
  collectYoung: () => collector()({ type: 'minor', execution: 'sync' }),
};
