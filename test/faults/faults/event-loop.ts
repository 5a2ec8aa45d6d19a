import { BRISK } from '../../cluster/replica/replica.ts';
import type { Fault } from '../fault.ts';
import { ms, takeoverWithinMs } from './bounds.ts';
import { firstAnswerAfterSilence, onSigusr2, runInside } from './support/inside.ts';

const DEADLINE_MS = ms(BRISK.renewDeadline);

/** The leader's event loop does not turn for a while, as in a long collection of garbage: nothing is sent, read or timed. */
export const eventLoop: readonly Fault[] = [
  blocked(1_000, 'shorter than the deadline'),
  blocked(4_000, 'longer than the deadline'),
  blocked(8_000, 'longer than the lease'),
];

function blocked(forMs: number, comparison: string): Fault {
  return {
    name: `event loop of the leader blocked for ${forMs / 1_000} s, ${comparison}`,
    reach: 'scene',
    recoversFrom: 'begin',
    recoversWithinMs: takeoverWithinMs(),
    prepare: async (stage) => {
      const code = `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${forMs});`;
      return {
        start: () => ({ env: { NODE_OPTIONS: onSigusr2(code) } }),
        strike: async () => {
          const leader = stage.leader();
          const sinceMs = runInside(leader);
          await stage.lasting(forMs);
          // The question came a moment after the block had begun.
          const answer = await firstAnswerAfterSilence(leader, forMs * 0.8, sinceMs);
          stage.note(`${leader.name} was silent for ${Math.round(answer.receivedMs - answer.sentMs)} ms`);
          if (forMs > DEADLINE_MS && answer.isLeader) throw new Error(`${leader.name} leads after its deadline`);
        },
      };
    },
  };
}
