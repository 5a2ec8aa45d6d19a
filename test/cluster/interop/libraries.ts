import type { ToolName } from '../tools/build.ts';

/** A library that others elect with. */
export type Library = 'client-go' | 'python' | 'java';

interface Ways {
  /** What campaigns with it. */
  readonly tool: ToolName;
  /**
   * What a leader that leaves does to the Lease: empties it; keeps its name in it and shortens it to a second (it means to take
   * its name out, but leaves an absent name out of a merge patch, which then keeps it); or nothing.
   */
  readonly leaves: 'empty' | 'short' | 'as-it-is';
  /** Whether a new holder adds 1 to leaseTransitions. */
  readonly countsTransitions: boolean;
  /** How a leader that was paused for too long finds out, when it goes on. Until then it takes itself for the leader. */
  readonly stepsBack: string;
}

/** What the libraries do each in their own way; how they take over is the same. */
export const LIBRARIES: Readonly<Record<Library, Ways>> = {
  'client-go': {
    tool: 'elector',
    leaves: 'empty',
    countsTransitions: true,
    stepsBack: 'sees the other holder and still tries to renew for a whole renew deadline before it stops',
  },
  python: {
    tool: 'elector-python',
    leaves: 'as-it-is',
    countsTransitions: false,
    stepsBack: 'sees the other holder and still tries to renew for a whole renew deadline before it stops',
  },
  java: {
    tool: 'elector-java',
    leaves: 'short',
    countsTransitions: true,
    stepsBack: 'stops when its next attempt to renew shows the other holder',
  },
};
