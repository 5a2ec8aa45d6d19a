import { act } from './act.ts';
import { unclaimedAtMonoMs } from './campaign.ts';
import type { Draft } from './draft.ts';
import { assertInvariants } from './invariants.ts';
import type { ElectionEffect, ElectionEvent } from './messages.ts';
import { observe, onAbsent, onDeleted, onWatching } from './observe.ts';
import { onReply } from './replies.ts';
import { predecessorTrustedUntilMonoMs } from './sighting.ts';
import type { ElectionState } from './state.ts';
import { beginHandOver, expireTenure, onWorkStopped } from './tenure.ts';
import type { Instant } from './timing.ts';

/**
 * The election: what is known, what happened and when, to what is known next and what to do. Pure: the same arguments give
 * the same result, and nothing is changed in place.
 *
 * The caller's duties: take `now` from both clocks at the moment of the call, and never let it run backwards; publish the
 * new state's view before it performs the effects; perform the effects in order, and answer every request by one `replied`
 * event; call again with `tick` when {@link nextWake} says so.
 *
 * @throws InvariantError when the state could not have come about; the caller must stop leading.
 */
export function step(
  state: ElectionState,
  event: ElectionEvent,
  now: Instant,
): readonly [ElectionState, readonly ElectionEffect[]] {
  const draft: Draft = { ...state, effects: [] };
  expireTenure(draft, now);
  handle(draft, event, now);
  abandonRequest(draft, now);
  // The clock may have jumped, farther than it is off from the renewal before, while one that is only now answered was under way.
  expireTenure(draft, now);
  // Of a dead predecessor's as of our own: what claims its Lease must not free it while they are trusted.
  draft.answersUntilMonoMs = Math.max(draft.answersUntilMonoMs, predecessorTrustedUntilMonoMs(draft));
  act(draft, event, now);
  // Without a watch nobody tells that the Lease was taken.
  draft.unclaimed = unclaimedAtMonoMs(draft) <= now.monoMs && (draft.watching || draft.unclaimed);
  const { effects, ...next } = draft;
  assertInvariants(next);
  return [next, effects];
}

/** How long a stop waits for the answer to a request that is in its way. */
const STOP_PATIENCE_MS = 2_000;

/**
 * The request under way, and no later one, is waited for this long at most. Work that drains keeps its leader renewing, so
 * this is said at the stop and once more when work has stopped.
 */
function limitPatience(draft: Draft, now: Instant): void {
  if (draft.pending === null) return;
  draft.abandonAtMonoMs = Math.min(draft.abandonAtMonoMs, now.monoMs + STOP_PATIENCE_MS);
}

/** A request that hangs must not use up the time in which the Lease can be freed: what it did is for a read to say. */
function abandonRequest(draft: Draft, now: Instant): void {
  if (draft.pending === null || now.monoMs < draft.abandonAtMonoMs) return;
  onReply(draft, draft.pending.id, { kind: 'unknown', code: 'abandoned' }, now);
}

/** An application that fails is not waited for: others try first. */
function onEligible(draft: Draft, value: boolean, now: Instant): void {
  if (draft.eligible === value) return;
  draft.eligible = value;
  if (value) draft.eligibleSinceMonoMs = now.monoMs;
  else beginHandOver(draft, 'unhealthy');
}

function handle(draft: Draft, event: ElectionEvent, now: Instant): void {
  switch (event.kind) {
    case 'tick':
      return;
    case 'observed':
      return observe(draft, event.record, event.source, now);
    case 'deleted':
      return onDeleted(draft, event.record, now);
    case 'absent':
      return onAbsent(draft, event.resourceVersion, now);
    case 'watching':
      return onWatching(draft, event.up, now);
    case 'replied':
      return onReply(draft, event.requestId, event.outcome, now);
    case 'work-stopped':
      if (draft.desire === 'stop') limitPatience(draft, now);
      return onWorkStopped(draft, now);
    case 'step-down':
      return beginHandOver(draft, 'step-down', event.to);
    case 'eligible':
      return onEligible(draft, event.value, now);
    case 'stand-back':
      draft.standsBack = event.value;
      return;
    case 'pause':
      if (draft.desire === 'campaign') draft.desire = 'pause';
      return beginHandOver(draft, 'pause');
    case 'resume':
      if (draft.desire === 'pause') draft.desire = 'campaign';
      return;
    case 'retire':
      if (draft.desire !== 'stop') draft.desire = 'retire';
      return;
    case 'stop':
      draft.desire = 'stop';
      // Nobody waits for what a last read would say, nor for an answer that is not wanted any more.
      if (draft.tenure === null && (draft.pending?.purpose === 'read' || draft.pending?.purpose === 'challenge')) {
        draft.pending = null;
      }
      limitPatience(draft, now);
      return beginHandOver(draft, 'shutdown');
  }
}
