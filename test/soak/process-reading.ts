import { readdir, readFile } from 'node:fs/promises';

/** What Linux says of a living process. */
export interface ProcessReading {
  /** Resident anonymous memory: heap, stacks, and what else no file backs. */
  readonly anonymousKiB: number;
  readonly residentKiB: number;
  readonly descriptors: number;
  readonly threads: number;
}

/** Null when there is no such process any more. */
export async function readProcess(pid: number): Promise<ProcessReading | null> {
  try {
    const [status, descriptors] = await Promise.all([
      readFile(`/proc/${pid}/status`, 'utf8'),
      readdir(`/proc/${pid}/fd`),
    ]);
    return {
      anonymousKiB: field(status, 'RssAnon'),
      residentKiB: field(status, 'VmRSS'),
      descriptors: descriptors.length,
      threads: field(status, 'Threads'),
    };
  } catch {
    return null;
  }
}

/** Memory that is this process's alone and has been written to. The kernel walks all its pages: to be asked for rarely. */
export async function privateDirtyKiB(pid: number): Promise<number | null> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => null);
  return rollup === null ? null : field(rollup, 'Private_Dirty');
}

function field(text: string, name: string): number {
  const value = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`no field ${name}`);
  return Number(value);
}
