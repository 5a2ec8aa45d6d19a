import { readdir, readFile } from 'node:fs/promises';

export interface MemoryMiB {
  /** Resident, pages of the binary included. */
  readonly rss: number;
  /** Private anonymous memory: what the process would take from a node, whatever else runs there. */
  readonly anonymous: number;
  /** Resident, with each shared page divided by the number of its users. */
  readonly pss: number;
}

/** Memory of a running process (Linux). */
export async function memoryOf(pid: number): Promise<MemoryMiB> {
  const [status, rollup] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8'),
    readFile(`/proc/${pid}/smaps_rollup`, 'utf8'),
  ]);
  return {
    rss: kilobytes(status, 'VmRSS') / 1024,
    anonymous: kilobytes(status, 'RssAnon') / 1024,
    pss: kilobytes(rollup, 'Pss') / 1024,
  };
}

function kilobytes(text: string, field: string): number {
  const value = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`no field ${field}`);
  return Number(value);
}

/**
 * CPU time so far of a process's living threads, user and system. From the scheduler's own count: utime and stime of
 * /proc/PID/stat come in steps of 10 ms, as much as a standby uses in a minute.
 */
export async function cpuMsOf(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const counts = await Promise.all(
    threads.map(async (thread) => {
      const schedstat = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '0');
      return Number(schedstat.split(' ', 1)[0]) / 1e6;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
