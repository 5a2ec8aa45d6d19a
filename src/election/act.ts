import { challengeAtMonoMs, claimAtMonoMs, isNamed, unclaimedAtMonoMs } from './campaign.ts';
import { campaigns } from './candidacy.ts';
import { claimContent, releaseContent, renewalContent } from './content.ts';
import { isToBeFreed } from './coordinated.ts';
import { challenge, type Draft, read, report, write } from './draft.ts';
import type { ElectionEvent } from './messages.ts';
import { endRelease } from './replies.ts';
import { claimableAtMonoMs, isOurs, isUncontested } from './sighting.ts';
import type { ElectionState, Tenure } from './state.ts';
import type { Instant } from './timing.ts';

/** Decides what to do next, if anything; one request at a time. */
export function act(draft: Draft, event: ElectionEvent, now: Instant): void {
  if (draft.pending !== null || draft.finished) return;
  if (draft.tenure !== null) return keep(draft, draft.tenure, now);
  if (draft.stoppingWork !== null) return;
  if (draft.releaseByMonoMs === null && freeAtMonoMs(draft) <= now.monoMs) {
    const { leaseDurationMs, renewDeadlineMs } = draft.config.timings;
    draft.releaseByMonoMs = now.monoMs + leaseDurationMs - renewDeadlineMs;
  }
  if (draft.releaseByMonoMs !== null) {
    release(draft, draft.releaseByMonoMs, now);
    if (draft.releaseByMonoMs !== null) return;
  }
  if (draft.desire === 'stop') {
    draft.finished = true;
    draft.effects.push({ kind: 'finished' });
    return;
  }
  // Claims and reads are made on ticks only, so that their jitter is the caller's to add.
  if (event.kind === 'tick') campaign(draft, now);
}

/** The Lease was, or may have been, acquired (by a write whose answer came late, say) although nobody wants to lead. */
function holdsUnneeded(state: Omit<ElectionState, 'finished'>): boolean {
  const { sighting, claimUnconfirmed } = state;
  return claimUnconfirmed || (sighting.kind === 'present' && isOurs(sighting.record, state));
}

/**
 * When to begin to free a Lease that nobody needs here; infinite when there is none. Whoever stops this process has ended the
 * application before, and nobody trusts its answers any more.
 */
function freeAtMonoMs(state: Omit<ElectionState, 'finished'>): number {
  if (isToBeFreed(state)) return Math.max(claimableAtMonoMs(state.sighting, state), state.answersUntilMonoMs);
  if (campaigns(state) || !holdsUnneeded(state)) return Number.POSITIVE_INFINITY;
  return state.desire === 'stop' ? Number.NEGATIVE_INFINITY : state.answersUntilMonoMs;
}

function keep(draft: Draft, tenure: Tenure, now: Instant): void {
  if (now.monoMs < tenure.renewAtMonoMs) return;
  const leftMs = tenure.validity.validUntilMonoMs - now.monoMs;
  const { renewIntervalMs } = draft.config.timings;
  if (tenure.mustRead) {
    report(draft, { kind: 'slow-path' });
    draft.tenure = { ...tenure, readsSinceAck: tenure.readsSinceAck + 1 };
    return read(draft, leftMs);
  }
  const content = renewalContent(draft, tenure, now);
  draft.tenure = { ...tenure, renewAtMonoMs: now.monoMs + renewIntervalMs };
  write(draft, 'renew', tenure.record, content, leftMs, now);
}

function release(draft: Draft, byMonoMs: number, now: Instant): void {
  if (now.monoMs >= byMonoMs) return endRelease(draft, 'kept', now);
  if (now.monoMs < draft.retryAtMonoMs) return;
  const { sighting } = draft;
  if (sighting.kind === 'unknown' || draft.claimUnconfirmed) return read(draft, byMonoMs - now.monoMs);
  if (sighting.kind === 'absent') return endRelease(draft, 'freed', now);
  const { holder } = sighting.record;
  // What was begun for another record must not free this one while whoever it displaced may still be at work.
  const isFreedAnyway = isToBeFreed(draft) && claimableAtMonoMs(sighting, draft) <= now.monoMs;
  if (!isOurs(sighting.record, draft) && !isFreedAnyway) {
    return endRelease(draft, holder === '' ? 'freed' : 'taken', now);
  }
  const content = releaseContent(sighting.record, draft.successor, now);
  write(draft, 'release', sighting.record, content, byMonoMs - now.monoMs, now);
}

function campaign(draft: Draft, now: Instant): void {
  if (now.monoMs < draft.retryAtMonoMs) return;
  const { renewDeadlineMs, retryPeriodMs } = draft.config.timings;
  if (now.monoMs >= draft.readAtMonoMs) {
    // A look at a missing Lease that hangs must leave time for another, before the wait would begin anew.
    return read(draft, draft.sighting.kind === 'absent' ? 2 * retryPeriodMs : renewDeadlineMs);
  }
  const base = draft.sighting.kind === 'present' ? draft.sighting.record : null;
  if (now.monoMs >= claimAtMonoMs(draft)) {
    write(draft, 'acquire', base, claimContent(draft, base, now), renewDeadlineMs, now);
  } else if (base !== null && now.monoMs >= challengeAtMonoMs(draft)) challenge(draft, base, renewDeadlineMs);
}

/**
 * When to call {@link step} with a `tick` next, or null when only an event can change anything. `jitterMsMax` is the spread
 * that keeps replicas from moving in step; the caller adds a random part of it.
 */
export function nextWake(state: ElectionState): { readonly atMonoMs: number; readonly jitterMsMax: number } | null {
  const { tenure, config, abandonAtMonoMs } = state;
  if (tenure !== null) {
    const renewAtMonoMs = state.pending === null ? tenure.renewAtMonoMs : abandonAtMonoMs;
    return { atMonoMs: Math.min(renewAtMonoMs, tenure.validity.validUntilMonoMs), jitterMsMax: 0 };
  }
  if (state.pending !== null) {
    return abandonAtMonoMs === Number.POSITIVE_INFINITY ? null : { atMonoMs: abandonAtMonoMs, jitterMsMax: 0 };
  }
  if (state.stoppingWork !== null || state.finished) return null;
  if (state.releaseByMonoMs !== null) {
    return { atMonoMs: Math.min(state.releaseByMonoMs, state.retryAtMonoMs), jitterMsMax: 0 };
  }
  const atMonoMs = Math.max(
    Math.min(
      claimAtMonoMs(state),
      challengeAtMonoMs(state),
      state.readAtMonoMs,
      freeAtMonoMs(state),
      state.watching && !state.unclaimed ? unclaimedAtMonoMs(state) : Number.POSITIVE_INFINITY,
    ),
    state.retryAtMonoMs,
  );
  if (atMonoMs === Number.POSITIVE_INFINITY) return null;
  return { atMonoMs, jitterMsMax: jitterMsMax(state, atMonoMs, config.timings.retryPeriodMs) };
}

function jitterMsMax(state: ElectionState, atMonoMs: number, retryPeriodMs: number): number {
  if (atMonoMs === state.retryAtMonoMs) return 1.2 * retryPeriodMs;
  if (atMonoMs === state.readAtMonoMs) return 0.2 * retryPeriodMs;
  const { sighting } = state;
  if (sighting.kind !== 'present') return 50;
  if (sighting.record.holder === '') return isNamed(state) ? 0 : 20;
  return isUncontested(sighting.record, state) ? 0 : 50;
}
