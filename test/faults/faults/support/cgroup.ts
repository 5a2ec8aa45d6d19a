import { existsSync } from 'node:fs';
import { access, constants, mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stage } from '../../fault.ts';

const ROOT = '/sys/fs/cgroup';
const NAME = 'leasegate-faults';

/** Where version 1 mounts each controller by itself; version 2 has one tree for all. */
const isVersion1 = existsSync(join(ROOT, 'memory/cgroup.procs'));

const FILES = isVersion1
  ? { memoryMax: 'memory.limit_in_bytes', memoryUsed: 'memory.usage_in_bytes', memoryEvents: 'memory.oom_control' }
  : { memoryMax: 'memory.max', memoryUsed: 'memory.current', memoryEvents: 'memory.events' };
const NO_LIMIT = isVersion1 ? '-1' : 'max';

export type Controller = 'cpu' | 'memory';

let opened = 0;

/** What keeps this process from limiting others; null when nothing does. */
export async function missingCgroups(controller: Controller): Promise<string | null> {
  const parent = parentOf(controller);
  const lacks = `control groups with the controller ${controller}, writable at ${parent} (as root, outside a container)`;
  try {
    await access(join(parent, 'cgroup.procs'), constants.W_OK);
    if (isVersion1) return null;
    const offered = await readFile(join(parent, 'cgroup.controllers'), 'utf8');
    return offered.split(/\s/).includes(controller) ? null : lacks;
  } catch {
    return lacks;
  }
}

/** For the fault that needs the kernel to let a process wait for memory instead of killing it. */
export async function missingOomWait(): Promise<string | null> {
  return isVersion1 ? missingCgroups('memory') : 'control groups of version 1: version 2 has no memory.oom_control';
}

/** A control group of its own for some processes of a scene, to take CPU time or memory from them. */
export class Cgroup {
  readonly #path: string;
  readonly #parent: string;

  /** Makes one, removed with the scene; processes that are in it then go back to where all are. */
  static async open(controller: Controller, stage: Stage): Promise<Cgroup> {
    const parent = parentOf(controller);
    if (!isVersion1) await writeFile(join(parent, 'cgroup.subtree_control'), `+${controller}`);
    const cgroup = new Cgroup(parent, join(parent, `${NAME}-${process.pid}-${++opened}`));
    await mkdir(cgroup.#path);
    stage.defer(() => cgroup.remove());
    return cgroup;
  }

  private constructor(parent: string, path: string) {
    this.#parent = parent;
    this.#path = path;
  }

  /** What a command is prefixed with to run in here from its beginning: memory is charged to where it was first used. */
  get commandPrefix(): string[] {
    return ['sh', '-c', 'echo $$ > "$0" && exec "$@"', join(this.#path, 'cgroup.procs')];
  }

  async add(pid: number): Promise<void> {
    await this.#write('cgroup.procs', String(pid));
  }

  /** From now on no more than this share of one core. */
  async throttle(share: { readonly runMs: number; readonly everyMs: number }): Promise<void> {
    const [quotaUs, periodUs] = [share.runMs * 1_000, share.everyMs * 1_000];
    if (!isVersion1) return this.#write('cpu.max', `${quotaUs} ${periodUs}`);
    await this.#write('cpu.cfs_period_us', String(periodUs));
    await this.#write('cpu.cfs_quota_us', String(quotaUs));
  }

  async unthrottle(): Promise<void> {
    if (isVersion1) await this.#write('cpu.cfs_quota_us', '-1');
    else await this.#write('cpu.max', 'max');
  }

  /** How many periods so far were used up before they ended. */
  throttledPeriods(): Promise<number> {
    return this.#value('cpu.stat', 'nr_throttled');
  }

  async memoryUsedBytes(): Promise<number> {
    return Number(await this.#read(FILES.memoryUsed));
  }

  /** Beyond it the kernel kills; null lifts it. */
  async limitMemory(bytes: number | null): Promise<void> {
    await this.#write(FILES.memoryMax, bytes === null ? NO_LIMIT : String(bytes));
  }

  /** Whether who wants more memory than the limit is let wait for it, instead of being killed. Version 1 only. */
  async letWaitForMemory(wait: boolean): Promise<void> {
    await this.#write('memory.oom_control', wait ? '1' : '0');
  }

  /** Whether somebody waits so. Version 1 only. */
  async somebodyWaitsForMemory(): Promise<boolean> {
    return (await this.#value('memory.oom_control', 'under_oom')) === 1;
  }

  /** How many processes the kernel has killed in here for want of memory. */
  oomKills(): Promise<number> {
    return this.#value(FILES.memoryEvents, 'oom_kill');
  }

  /** Done with the scene in any case. */
  async remove(): Promise<void> {
    for (let attempt = 1; existsSync(this.#path); attempt++) {
      const pids = (await this.#read('cgroup.procs')).split('\n').filter((pid) => pid !== '');
      // One that has just ended can't be moved any more.
      for (const pid of pids) await writeFile(join(this.#parent, 'cgroup.procs'), pid).catch(() => {});
      try {
        return await rmdir(this.#path);
      } catch (error) {
        if (attempt === 50) throw error;
        await sleep(100);
      }
    }
  }

  async #value(file: string, key: string): Promise<number> {
    const line = (await this.#read(file)).split('\n').find((each) => each.startsWith(`${key} `));
    if (line === undefined) throw new Error(`${join(this.#path, file)} does not tell ${key}`);
    return Number(line.slice(key.length));
  }

  #read(file: string): Promise<string> {
    return readFile(join(this.#path, file), 'utf8');
  }

  #write(file: string, value: string): Promise<void> {
    return writeFile(join(this.#path, file), value);
  }
}

function parentOf(controller: Controller): string {
  return isVersion1 ? join(ROOT, controller) : ROOT;
}
