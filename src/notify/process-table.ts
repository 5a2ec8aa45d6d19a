import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** One process for as long as it lives: a pid comes again, with another start. */
export interface ProcessId {
  readonly pid: number;
  /** In clock ticks since the boot, as text. */
  readonly startTime: string;
}

/** The kernel keeps no more of a program's name. */
const COMM_BYTES_MAX = 15;

/** Finds processes; outside of tests in the kernel's table. */
export interface ProcessTable {
  /** @throws an error where the table can't be read: no file descriptor is left, say */
  named(name: string): ProcessId[];
  /** Whether it has not ended; true as long as that can't be found out. */
  lives(process: ProcessId): boolean;
}

/**
 * Living processes whose program is named exactly so: the kernel's name for it (of a script its file's), or the file name in the
 * first argument. Sees those of other containers only where they share the pod's process namespace.
 */
function processesNamed(name: string): ProcessId[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      const found = readProcess(Number(entry));
      return found !== null && isNamed(found, name) ? { pid: found.pid, startTime: found.startTime } : [];
    });
}

/** Whether it has not ended. One that has but was not reaped yet does no more work. */
function lives({ pid, startTime }: ProcessId): boolean {
  try {
    return readProcess(pid)?.startTime === startTime;
  } catch {
    return true;
  }
}

export const kernelProcessTable: ProcessTable = { named: processesNamed, lives };

interface FoundProcess extends ProcessId {
  readonly comm: string;
  readonly args: readonly string[];
}

function isNamed({ comm, args: [first = '', second = ''] }: FoundProcess, name: string): boolean {
  if (comm === name || basename(first) === name) return true;
  // A script with a long name: the kernel has cut it, the interpreter was given it in full.
  return name.length > COMM_BYTES_MAX && comm === name.slice(0, COMM_BYTES_MAX) && basename(second) === name;
}

/** What reading says of a process that has ended, or that is not ours to see. */
const GONE = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM']);

/** Null for one that has ended. proc(5): the name in `stat` is in parentheses and may hold any character, also those. */
function readProcess(pid: number): FoundProcess | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = stat.lastIndexOf(')');
    const [state, ...fields] = stat.slice(end + 2).split(' ');
    if (state === 'Z' || state === 'X') return null;
    const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return { pid, startTime: fields[18]!, comm: stat.slice(stat.indexOf('(') + 1, end), args };
  } catch (error) {
    if (GONE.has((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}
