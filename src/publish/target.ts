import type { PublisherName } from '../ports/publish-metrics.ts';
import type { PublishFailure, Watching } from '../ports/publisher.ts';

/** One pass over what is published: asked anew before each write, since a process may be stopped between any two steps. */
export interface Turn {
  /** Token of this replica's term at this moment; null when it does not lead. */
  token(): string | null;
  /** Another pass has begun, for leadership has changed: this one writes no more. */
  overtaken(): boolean;
  readonly timeoutMs: number;
  readonly wallMs: number;
}

export interface Finding {
  /** Null: in order now. */
  readonly failure: PublishFailure | null;
  /** Something had to be changed for that. */
  readonly wrote: boolean;
}

/** What became of a pass. A publisher that is left out was not come to, since leadership changed meanwhile. */
export type Findings = ReadonlyMap<PublisherName, Finding>;

/** Objects that say who leads, and how they are brought to say it rightly. Driven by a `Publisher`. */
export interface Target {
  readonly publishers: readonly PublisherName[];
  /** Another replica's pod was seen to lead. */
  sawLeader(pod: string): void;
  /**
   * Reads what is there and changes what is not as it should be, by leadership at that moment. Passes may overlap, and a write may
   * take effect long after it was sent: one that says `leader` is for the version that was read before leadership was asked
   * for, and a new leader first changes all that another may still be writing to.
   */
  pass(turn: Turn): Promise<Findings>;
  /** Tells of changes that a pass has to put right, until it is closed. */
  watch(turn: () => Turn, handlers: { disturbed(): void; trouble(failure: PublishFailure | null): void }): Watching;
}
