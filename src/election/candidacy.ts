import type { ElectionState } from './state.ts';

/** What a replica was told of its part in the election. */
export interface Candidacy {
  /** Whole number from 0 to {@link PRIORITY_MAX}: a higher one goes first where several could claim the Lease. */
  readonly priority: number;
  /** Ask a holder of lower priority to give way. */
  readonly preempt: boolean;
  /** Follow the election without ever taking part. */
  readonly neverLead: boolean;
  /** Lead without a healthy application where nobody else does. */
  readonly leadUnhealthy: boolean;
}

export const PRIORITY_MAX = 10;
/** Of whoever leads without a healthy application: every healthy one may ask it to give way. */
export const PRIORITY_UNHEALTHY = -1;

export const DEFAULT_CANDIDACY: Candidacy = {
  priority: PRIORITY_MAX,
  preempt: false,
  neverLead: false,
  leadUnhealthy: false,
};

type Standing = Pick<ElectionState, 'config' | 'eligible'>;

/** The priority at this moment. */
export function effectivePriority({ config, eligible }: Standing): number {
  return eligible ? config.candidacy.priority : PRIORITY_UNHEALTHY;
}

/** What a holder says of its priority in the Lease; null, which stands for the highest, as long as nobody asked for any. */
export function priorityToPublish(state: Standing): number | null {
  const priority = effectivePriority(state);
  return priority === PRIORITY_MAX ? null : priority;
}

/** Why this replica does not campaign, or null when it does. */
export type CandidacyBar = 'stopping' | 'never-lead' | 'paused' | 'unhealthy';

export function candidacyBar(state: Standing & Pick<ElectionState, 'desire'>): CandidacyBar | null {
  const { neverLead, leadUnhealthy } = state.config.candidacy;
  if (state.desire === 'stop' || state.desire === 'retire') return 'stopping';
  if (neverLead) return 'never-lead';
  if (state.desire === 'pause') return 'paused';
  return state.eligible || leadUnhealthy ? null : 'unhealthy';
}

/** Whether it wants to lead, and may. */
export function campaigns(state: Standing & Pick<ElectionState, 'desire'>): boolean {
  return candidacyBar(state) === null;
}
