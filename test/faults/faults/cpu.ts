import { type ChildProcess, spawn } from 'node:child_process';
import { Agent, get } from 'node:http';
import { cpus } from 'node:os';
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

/** Everybody competes for the machine's cores: replicas, API server and etcd. */
const hogs: Fault = {
  name: `CPU pressure: ${HOGS_PER_CORE} busy processes per core for ${HOGS_FOR_MS / 1_000} s`,
  reach: 'machine',
  recoversFrom: 'end',
  recoversWithinMs: takeoverWithinMs(),
  prepare: async (stage) => ({
    strike: async () => {
      const idleBeforeMs = idleMs();
      const processes = Array.from({ length: HOGS_PER_CORE * cpus().length }, startHog);
      try {
        await stage.lasting(HOGS_FOR_MS);
        const idle = (idleMs() - idleBeforeMs) / (HOGS_FOR_MS * cpus().length);
        if (idle > 0.1) throw new Error(`the cores were idle for ${percent(idle)} of the time`);
        stage.note(`the cores were idle for ${percent(idle)} of the time`);
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
          // On a busy machine those who ask are short of CPU time, too, and the leader needs less of its share.
          if (used < periods / 5) throw new Error(`${leader.name} used up its share in ${used} of ${periods} periods`);
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

/** CPU time that nobody wanted, of all cores, since the machine was started. */
function idleMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.idle, 0);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
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
