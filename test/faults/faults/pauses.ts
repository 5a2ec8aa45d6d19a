import type { Replica } from '../../cluster/replica/replica.ts';
import type { Fault, Stage } from '../fault.ts';
import { AFTER_THE_TAKEOVER_MS, pastTheLeaseMs, takeoverWithinMs } from './bounds.ts';

/** SIGSTOP, as a debugger, a frozen cgroup or a starved machine does it; the monotonic clock goes on. */
function pause(
  name: string,
  recoversFrom: Fault['recoversFrom'],
  whom: (stage: Stage) => Replica[],
  lasting: (stage: Stage, paused: Replica[]) => Promise<unknown>,
): Fault {
  return {
    name,
    reach: 'scene',
    recoversFrom,
    recoversWithinMs: takeoverWithinMs(),
    prepare: async (stage) => ({
      strike: async () => {
        const paused = whom(stage);
        for (const replica of paused) replica.pause();
        await lasting(stage, paused);
        for (const replica of paused) replica.resume();
      },
    }),
  };
}

export const pauses: readonly Fault[] = [
  pause(
    'SIGSTOP of the leader past its lease, then SIGCONT',
    'begin',
    (stage) => [stage.leader()],
    async (stage, [leader]) => {
      await stage.untilAnotherLeads(leader!);
      await stage.lasting(AFTER_THE_TAKEOVER_MS);
    },
  ),
  pause(
    'SIGSTOP of a standby past the lease, then SIGCONT',
    'begin',
    (stage) => [stage.standbys()[0]!],
    (stage) => stage.lasting(pastTheLeaseMs()),
  ),
  pause(
    'SIGSTOP of all replicas past the lease, then SIGCONT',
    'end',
    (stage) => stage.running(),
    (stage) => stage.lasting(pastTheLeaseMs()),
  ),
];
