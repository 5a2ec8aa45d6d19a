import type { Fault } from '../fault.ts';
import { takeoverWithinMs } from './bounds.ts';

/** Ends the leader's process, and starts its pod's next one at once or after another has taken over. */
function end(
  name: string,
  signal: 'kill' | 'terminate',
  when: 'at once' | 'after the takeover',
  strikesPerTrial: number,
): Fault {
  return {
    name,
    reach: 'scene',
    recoversFrom: 'begin',
    recoversWithinMs: takeoverWithinMs(),
    strikesPerTrial,
    prepare: async (stage) => ({
      strike: async () => {
        const leader = stage.leader();
        leader[signal]();
        if (when === 'after the takeover') await stage.untilAnotherLeads(leader);
        await stage.restart(leader);
      },
    }),
  };
}

export const restarts: readonly Fault[] = [
  end('SIGKILL of the leader, restarted after the takeover', 'kill', 'after the takeover', 1),
  end('SIGKILL of the leader in a loop, restarted at once', 'kill', 'at once', 4),
  end('SIGTERM of the leader in a loop, restarted at once', 'terminate', 'at once', 4),
];
