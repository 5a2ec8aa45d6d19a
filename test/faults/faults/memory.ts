import { monoMs } from '../../cluster/replica/clock.ts';
import type { Replica } from '../../cluster/replica/replica.ts';
import type { StartOptions } from '../../cluster/replica/scene.ts';
import { until } from '../../cluster/replica/until.ts';
import type { Fault, Stage } from '../fault.ts';
import { takeoverWithinMs } from './bounds.ts';
import { Cgroup, missingCgroups, missingOomWait } from './support/cgroup.ts';
import { firstAnswerAfterSilence, onSigusr2, runInside } from './support/inside.ts';

const MIB = 1024 * 1024;
/** What a replica may still take when its limit is set. */
const LEFT_BYTES = 16 * MIB;
const STARVED_FOR_MS = 8_000;
const HEAP_MIB = 48;

/** Takes 160 MiB little by little, and gives it back. */
const TAKE_MEMORY = `
  const taken = [];
  const timer = setInterval(() => {
    if (taken.length < 40) taken.push(Buffer.alloc(4 << 20, 1));
    else clearInterval(timer), taken.splice(0);
  }, 10);
`;
/** Takes heap until there is no more. */
const EXHAUST_HEAP = `
  const taken = [];
  setInterval(() => taken.push(Array.from({ length: 20_000 }, () => ({}))), 5);
`;

/** As kubelet sees it: OOMKilled, and started again in the same pod. */
const killedForMemory: Fault = {
  name: 'leader killed by the kernel at its memory limit, then restarted',
  reach: 'scene',
  recoversFrom: 'begin',
  recoversWithinMs: takeoverWithinMs(),
  missing: () => missingCgroups('memory'),
  prepare: async (stage) => {
    const cgroups = await cgroupEach(stage);
    return {
      start: takingMemoryIn(cgroups),
      strike: async () => {
        const leader = stage.leader();
        const cgroup = cgroups[stage.running().indexOf(leader)]!;
        const killsBefore = await cgroup.oomKills();
        try {
          await cgroup.limitMemory((await cgroup.memoryUsedBytes()) + LEFT_BYTES);
          runInside(leader);
          await untilEnded(leader);
        } finally {
          await cgroup.limitMemory(null);
        }
        if ((await cgroup.oomKills()) === killsBefore) throw new Error(`${leader.name} ended, but not by the kernel`);
        stage.note(`${leader.name} was killed`);
        await stage.restart(leader);
      },
    };
  },
};

/** As with a limit that the kernel defends by reclaiming: whoever wants memory waits, wherever it happens to be. */
const starvedOfMemory: Fault = {
  name: `leader starved of memory for ${STARVED_FOR_MS / 1_000} s, longer than the lease`,
  reach: 'scene',
  recoversFrom: 'begin',
  recoversWithinMs: takeoverWithinMs(),
  missing: missingOomWait,
  prepare: async (stage) => {
    const cgroups = await cgroupEach(stage);
    return {
      start: takingMemoryIn(cgroups),
      strike: async () => {
        const leader = stage.leader();
        const cgroup = cgroups[stage.running().indexOf(leader)]!;
        await cgroup.letWaitForMemory(true);
        let sinceMs: number;
        try {
          await cgroup.limitMemory((await cgroup.memoryUsedBytes()) + LEFT_BYTES);
          sinceMs = runInside(leader);
          await until(`${leader.name} waits for memory`, 5_000, () => cgroup.somebodyWaitsForMemory());
          await stage.lasting(STARVED_FOR_MS);
        } finally {
          await cgroup.limitMemory(null);
          await cgroup.letWaitForMemory(false);
        }
        const answer = await firstAnswerAfterSilence(leader, STARVED_FOR_MS * 0.8, sinceMs);
        if (answer.isLeader) throw new Error(`${leader.name} leads after its deadline`);
      },
    };
  },
};

/** Ever longer collections of garbage, then V8 aborts the process. Needs no control groups. */
const heapExhausted: Fault = {
  name: 'heap of the leader exhausted, then restarted',
  reach: 'scene',
  recoversFrom: 'begin',
  recoversWithinMs: takeoverWithinMs(),
  prepare: async (stage) => ({
    start: () => ({
      commandPrefix: ['prlimit', '--core=0'],
      env: { NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB} ${onSigusr2(EXHAUST_HEAP)}` },
    }),
    strike: async () => {
      const leader = stage.leader();
      const beganMs = runInside(leader);
      await untilEnded(leader);
      await leader.closed();
      if (!leader.stderr.includes('heap out of memory')) throw new Error(`${leader.name} ended: ${leader.stderr}`);
      stage.note(`${leader.name} was out of memory after ${Math.round(monoMs() - beganMs)} ms`);
      await stage.restart(leader);
    },
  }),
};

export const memory: readonly Fault[] = [killedForMemory, starvedOfMemory, heapExhausted];

function cgroupEach(stage: Stage): Promise<Cgroup[]> {
  return Promise.all([0, 1, 2].map(() => Cgroup.open('memory', stage)));
}

function takingMemoryIn(cgroups: readonly Cgroup[]): (index: number) => StartOptions {
  return (index) => ({
    commandPrefix: cgroups[index]!.commandPrefix,
    env: { NODE_OPTIONS: onSigusr2(TAKE_MEMORY) },
  });
}

async function untilEnded(replica: Replica): Promise<void> {
  await until(`${replica.name} ends`, 15_000, () => !replica.running);
}
