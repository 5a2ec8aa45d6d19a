import { campaigns } from './candidacy.ts';
import { type Draft, report } from './draft.ts';
import type { ReleaseResult, RequestOutcome } from './messages.ts';
import { observe, onAbsent } from './observe.ts';
import type { LeaseRecord } from './record.ts';
import { doubt, isNews, isOutdated, sight } from './sighting.ts';
import type { PendingChallenge, PendingWrite, Tenure } from './state.ts';
import { begin } from './tenure.ts';
import { clockJumped, clockJumpToleranceMs, type Instant, validityOf } from './timing.ts';

/** Takes the answer to the one request under way; any other is late and says nothing. */
export function onReply(draft: Draft, requestId: number, outcome: RequestOutcome, now: Instant): void {
  const request = draft.pending;
  if (request === null || request.id !== requestId) return;
  draft.pending = null;
  draft.abandonAtMonoMs = Number.POSITIVE_INFINITY;
  if (outcome.kind === 'ok' || outcome.kind === 'absent') report(draft, { kind: 'reachable' });
  switch (request.purpose) {
    case 'read':
      return onRead(draft, outcome, now);
    case 'acquire':
      return onClaimed(draft, request, outcome, now);
    case 'renew':
      return onRenewed(draft, request, outcome, now);
    case 'challenge':
      return onChallenged(draft, request, outcome, now);
    case 'release':
      return onReleased(draft, request, outcome, now);
  }
}

function onRead(draft: Draft, outcome: RequestOutcome, now: Instant): void {
  if (outcome.kind === 'absent') return onAbsent(draft, null, now);
  if (outcome.kind !== 'ok') return failed(draft, outcome, now);
  const { record } = outcome;
  if (draft.tenure !== null && isOutdated(draft.sighting, record)) {
    return failed(draft, { kind: 'refused', code: 'stale-read', retryAfterMs: null }, now);
  }
  // A stale read may show the very version that was just found outdated: it is tried again, but not in a tight loop.
  if (record.resourceVersion === draft.outdatedVersion) retryLater(draft, null, now);
  draft.outdatedVersion = null;
  if (draft.tenure === null && draft.watching && isNews(draft.sighting, record))
    report(draft, { kind: 'watch-lagging' });
  observe(draft, record, 'read', now);
  if (draft.tenure !== null) draft.tenure = { ...draft.tenure, mustRead: false };
}

function onClaimed(draft: Draft, request: PendingWrite, outcome: RequestOutcome, now: Instant): void {
  switch (outcome.kind) {
    case 'ok': {
      if (!learn(draft, outcome.record, now)) return;
      const stillValid = now.monoMs < request.sentAt.monoMs + draft.config.timings.renewDeadlineMs;
      const jumped = clockJumped(request.sentAt, now, clockJumpToleranceMs(draft.config.timings));
      if (campaigns(draft) && stillValid && !jumped) begin(draft, request, outcome.record);
      return;
    }
    case 'conflict':
      report(draft, { kind: 'race-lost' });
      return awaitNews(draft, request, now);
    case 'absent':
      retryLater(draft, null, now);
      return onAbsent(draft, null, now);
    default:
      failed(draft, outcome, now);
      draft.claimUnconfirmed = outcome.kind === 'unknown';
  }
}

function onRenewed(draft: Draft, request: PendingWrite, outcome: RequestOutcome, now: Instant): void {
  const { tenure } = draft;
  if (outcome.kind === 'ok') {
    // A renewal acknowledged after its tenure ended revives nothing: it only shows whose the Lease is.
    const newest = learn(draft, outcome.record, now);
    if (tenure === null) return;
    draft.tenure = {
      ...tenure,
      record: newest ? outcome.record : tenure.record,
      validity: validityOf(request.sentAt, draft.config.timings),
      unconfirmed: [],
      mustRead: false,
      readsSinceAck: 0,
    };
    report(draft, { kind: 'renewed' });
    return;
  }
  if (tenure === null) {
    // A release that waits for its turn has little time, and asks by itself.
    if (outcome.kind === 'refused' && draft.releaseByMonoMs === null) return failed(draft, outcome, now);
    return awaitNews(draft, request, now);
  }
  report(draft, { kind: 'renewal-failed', code: outcomeCode(outcome) });
  if (outcome.kind === 'refused') {
    draft.tenure = { ...tenure, renewAtMonoMs: now.monoMs + leaderRetryMs(draft, tenure, outcome.retryAfterMs, now) };
    return;
  }
  draft.tenure = {
    ...tenure,
    // After a conflict, too: a proxy may send a PUT again whose answer it lost, and the second one meets the first.
    unconfirmed: [...tenure.unconfirmed, { renewTime: request.renewTime, sentAt: request.sentAt }],
    mustRead: true,
    renewAtMonoMs: now.monoMs + (tenure.readsSinceAck === 0 ? 0 : leaderRetryMs(draft, tenure, null, now)),
  };
}

/** How often the wait between two challenges doubles, from one lease duration on. */
const CHALLENGE_DOUBLINGS_MAX = 6;

/** Whether the holder gives way is for the next sightings to show; one that did not, or could not be followed, is left alone. */
function onChallenged(draft: Draft, request: PendingChallenge, outcome: RequestOutcome, now: Instant): void {
  if (outcome.kind === 'conflict' || outcome.kind === 'absent') return awaitNews(draft, request, now);
  if (outcome.kind === 'ok') learn(draft, outcome.record, now);
  else failed(draft, outcome, now);
  const doublings = Math.min(draft.challengesInVain, CHALLENGE_DOUBLINGS_MAX);
  draft.challengeAfterMonoMs = now.monoMs + draft.config.timings.leaseDurationMs * 2 ** doublings;
  draft.challengesInVain += 1;
}

function onReleased(draft: Draft, request: PendingWrite, outcome: RequestOutcome, now: Instant): void {
  if (outcome.kind === 'ok') {
    learn(draft, outcome.record, now);
    return endRelease(draft, 'freed', now);
  }
  if (outcome.kind === 'absent') {
    onAbsent(draft, null, now);
    return endRelease(draft, 'freed', now);
  }
  // Whose it is now only a read can tell: a release never replaces a version that was not seen to be ours.
  draft.sighting = doubt(draft.sighting);
  if (outcome.kind === 'conflict') draft.outdatedVersion = request.baseVersion;
  else failed(draft, outcome, now);
}

/** The release is over. */
export function endRelease(draft: Draft, result: ReleaseResult, now: Instant): void {
  draft.releaseByMonoMs = null;
  draft.successor = null;
  if (result === 'kept') {
    draft.sighting = doubt(draft.sighting);
    draft.claimUnconfirmed = false;
    retryLater(draft, null, now);
    draft.readAtMonoMs = draft.retryAtMonoMs;
  }
  draft.effects.push({ kind: 'released', result });
}

/** A read or a claim failed for reasons that are not another replica. */
function failed(draft: Draft, outcome: RequestOutcome, now: Instant): void {
  const code = outcomeCode(outcome);
  if (draft.tenure !== null) {
    report(draft, { kind: 'renewal-failed', code });
    const retryAfterMs = outcome.kind === 'refused' ? outcome.retryAfterMs : null;
    const delayMs = leaderRetryMs(draft, draft.tenure, retryAfterMs, now);
    draft.tenure = { ...draft.tenure, renewAtMonoMs: now.monoMs + delayMs };
    return;
  }
  report(draft, { kind: 'attempt-failed', code });
  retryLater(draft, outcome.kind === 'refused' ? outcome.retryAfterMs : null, now);
  // Its fate is unknown, so what was seen before it may be outdated: look again before the next claim.
  if (outcome.kind === 'unknown') draft.readAtMonoMs = draft.retryAtMonoMs;
}

function retryLater(draft: Draft, retryAfterMs: number | null, now: Instant): void {
  draft.retryAtMonoMs = now.monoMs + Math.max(retryAfterMs ?? 0, draft.config.timings.retryPeriodMs);
  if (!draft.watching) draft.readAtMonoMs = draft.retryAtMonoMs;
}

/** The least time between two tries of a leader whose deadline is near. */
const LAST_RETRIES_MS = 250;

/** A leader tries again after the retry period, and heeds Retry-After, as far as half of what is left allows. */
function leaderRetryMs(draft: Draft, tenure: Tenure, retryAfterMs: number | null, now: Instant): number {
  const leftMs = tenure.validity.validUntilMonoMs - now.monoMs;
  const wantedMs = Math.max(retryAfterMs ?? 0, draft.config.timings.retryPeriodMs);
  return Math.min(wantedMs, Math.max(leftMs / 2, LAST_RETRIES_MS));
}

/** An answer shows the Lease as it was stored then; the watch may have shown what came after it. False in that case. */
function learn(draft: Draft, record: LeaseRecord, now: Instant): boolean {
  if (isOutdated(draft.sighting, record)) return false;
  draft.sighting = sight(draft.sighting, record, draft.config, now, true);
  return true;
}

/** Somebody else wrote: the watch will say what, unless it has already; without one, a read. */
function awaitNews(draft: Draft, request: Pick<PendingWrite, 'baseVersion'>, now: Instant): void {
  const shown = draft.sighting.kind === 'present' ? draft.sighting.record.resourceVersion : null;
  if (shown !== request.baseVersion) return;
  if (request.baseVersion === null) draft.sighting = doubt(draft.sighting);
  else draft.outdatedVersion = request.baseVersion;
  draft.readAtMonoMs = draft.watching ? now.monoMs + draft.config.timings.retryPeriodMs : now.monoMs;
}

function outcomeCode(outcome: RequestOutcome): string {
  return outcome.kind === 'refused' || outcome.kind === 'unknown' ? outcome.code : outcome.kind;
}
