/** What people and applications may ask of an election. Implemented by the runner, offered by the local API. */
export interface ElectionControl {
  /**
   * Gives up leading: work is stopped, then the Lease is released, and this replica lets others try first. Unless
   * `immediate`, the release waits until no answer that was already given may still be trusted (at most renewDeadline).
   */
  stepDown(options: StepDownOptions): Promise<StepDownOutcome>;
  /** Steps down if leading, and stops campaigning until {@link resume}. */
  pause(options: { readonly immediate: boolean }): Promise<StepDownOutcome>;
  /** Campaigns again. */
  resume(): void;
  readonly paused: boolean;
  /**
   * Whether a Lease that could be claimed is left to the others for two retry periods more: they are expected to claim it. It is
   * never leaderless for longer than that where nobody does.
   */
  standBack(value: boolean): void;
  /** Whether this replica would take the Lease if it were free. */
  candidacy(): CandidacyAnswer;
}

export interface StepDownOptions {
  readonly immediate: boolean;
  /** Identity of the replica that is to lead next: the others leave the Lease to it for a retry period. */
  readonly to?: string | undefined;
}

export interface CandidacyAnswer {
  readonly candidate: boolean;
  /** Null for a candidate. */
  readonly why: 'stopping' | 'never-lead' | 'paused' | 'unhealthy' | null;
  /** 0 to 10, or -1 without a healthy application. */
  readonly priority: number;
}

/** Whether it takes part as others do: whoever campaigns without a healthy application leads only where nobody else would. */
export function wouldLead({ candidate, priority }: CandidacyAnswer): boolean {
  return candidate && priority >= 0;
}

export interface StepDownOutcome {
  /** `released`: the Lease is free. `not-leading`: there was nothing to give up. `unreleased`: work has stopped, but the
   * Lease could not be freed and will expire by itself. */
  readonly result: 'released' | 'not-leading' | 'unreleased';
  readonly tookMs: number;
}

/** What the probes ask of the election loop. */
export interface LoopHealth {
  /** Liveness: problems that only a restart mends (a wedged loop, a leader that did not see its record go stale). */
  wedged(): string | null;
  /** Readiness: null once the Lease has been seen, else what is missing. */
  unready(): string | null;
}
