import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { availableParallelism } from 'node:os';
import type { Replica } from '../../cluster/replica/replica.ts';
import { endWithThisProcess } from '../../cluster/support/child-guard.ts';
import type { Fault } from '../fault.ts';
import { takeoverWithinMs } from './bounds.ts';
import { localUrlOf } from './support/addresses.ts';
import { Cgroup, missingCgroups } from './support/cgroup.ts';

const HOGS_PER_CORE = 4;
const HOGS_FOR_MS = 5_000;
const THROTTLED_FOR_MS = 7_000;
const ASKERS = 50;
/** Of Linux on every architecture that Node runs on: the unit of times in /proc. */
const TICKS_PER_SECOND = 100;

/** Everybody competes for the machine's cores: replicas, API server and etcd. */
const hogs: Fault = {
  name: `CPU pressure: ${HOGS_PER_CORE} busy processes per core for ${HOGS_FOR_MS / 1_000} s`,
  reach: 'machine',
  recoversFrom: 'end',
  recoversWithinMs: takeoverWithinMs(),
  prepare: async (stage) => ({
    strike: async () => {
      const processes = Array.from({ length: HOGS_PER_CORE * availableParallelism() }, startHog);
      try {
        await stage.lasting(HOGS_FOR_MS);
        const usedMs = (await Promise.all(processes.map(cpuMsOf))).reduce((sum, each) => sum + each, 0);
        const offeredMs = HOGS_FOR_MS * availableParallelism();
        if (usedMs < offeredMs / 2) throw new Error(`the hogs used only ${usedMs} of ${offeredMs} ms of CPU time`);
        stage.note(`the hogs used ${usedMs} of ${offeredMs} ms of CPU time`);
      } finally {
        for (const hog of processes) hog.kill('SIGKILL');
      }
    },
  }),
};

export const cpu: readonly Fault[] = [
  hogs,
  throttled({ runMs: 5, everyMs: 100 }, '5 % of a core, asked by 50 clients at once'),
  throttled({ runMs: 1, everyMs: 1_000 }, '1 ms of CPU time per second'),
];

/** The leader's container has a limit of CPU time, and uses it up again and again for longer than a lease lasts. */
function throttled(share: { readonly runMs: number; readonly everyMs: number }, description: string): Fault {
  return {
    name: `leader throttled to ${description}, for ${THROTTLED_FOR_MS / 1_000} s`,
    reach: 'scene',
    recoversFrom: 'end',
    recoversWithinMs: takeoverWithinMs(),
    missing: () => missingCgroups('cpu'),
    prepare: async (stage) => ({
      strike: async () => {
        const leader = stage.leader();
        const cgroup = await Cgroup.open('cpu', stage);
        await cgroup.add(leader.pid);
        const stopAsking = askOften(leader);
        try {
          await cgroup.throttle(share);
          await stage.lasting(THROTTLED_FOR_MS);
          const [periods, used] = [THROTTLED_FOR_MS / share.everyMs, await cgroup.throttledPeriods()];
          if (used < periods / 2) throw new Error(`${leader.name} used up its share in ${used} of ${periods} periods`);
          stage.note(`${leader.name} used up its share in ${used} of ${periods} periods`);
        } finally {
          await cgroup.unthrottle();
          stopAsking();
          await cgroup.remove();
        }
      },
    }),
  };
}

function startHog(): ChildProcess {
  // It ends by itself, too.
  const hog = spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore', timeout: 2 * HOGS_FOR_MS });
  endWithThisProcess(hog);
  return hog;
}

async function cpuMsOf({ pid }: ChildProcess): Promise<number> {
  // The name, in brackets, is of sh; utime and stime are the 14th and 15th field.
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(' ');
  return ((Number(fields[13]) + Number(fields[14])) * 1_000) / TICKS_PER_SECOND;
}

/** Clients that ask a replica again as soon as they have been answered. Returns the way to end them. */
function askOften(replica: Replica): () => void {
  const agent = new Agent({ keepAlive: true });
  let asking = true;
  const ask = () => {
    if (!asking) return;
    get(`${localUrlOf(replica)}/leader`, { agent }, (response) => response.resume().on('close', ask)).on(
      'error',
      () => {},
    );
  };
  for (let i = 0; i < ASKERS; i++) ask();
  return () => {
    asking = false;
    agent.destroy();
  };
}
