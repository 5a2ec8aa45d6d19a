import { compareResourceVersions, freshRenewTime, type Instant } from '../election/index.ts';
import type { CandidateOutcome, LeaseCandidate } from '../ports/lease-candidates.ts';
import type { RemovalOutcome, RequestFailure } from '../ports/request-failure.ts';

/**
 * This replica's candidate: what is known of it, what happened and when, to what is known next and what to do. Pure. As
 * client-go's: created or renewed at once, then every five minutes, and whenever the API server asks by a pingTime. Unlike
 * client-go's it is created anew when somebody deletes it, and deleted when this replica must not be chosen.
 */
export type CandidateEvent =
  | { readonly kind: 'tick' }
  /** From when on it is to stand; infinite: not any more. */
  | { readonly kind: 'stand'; readonly atMonoMs: number }
  /** The watch showed it. */
  | { readonly kind: 'seen'; readonly candidate: LeaseCandidate }
  /** The watch says that it is gone, or did not show it. */
  | { readonly kind: 'missed' }
  /** Answer to the request under way. */
  | { readonly kind: 'replied'; readonly outcome: CandidateOutcome | RemovalOutcome }
  /** The process ends. */
  | { readonly kind: 'stop' };

export type CandidateRequest =
  | { readonly kind: 'read' }
  | { readonly kind: 'create'; readonly renewTime: string }
  | { readonly kind: 'renew'; readonly base: LeaseCandidate; readonly renewTime: string }
  | { readonly kind: 'remove'; readonly base: LeaseCandidate };

export type CandidateReport =
  /** It is stored: for the first time, or again after trouble. */
  | { readonly kind: 'standing' }
  | { readonly kind: 'withdrawn' }
  /** A question of the API server was answered. */
  | { readonly kind: 'answered' }
  /** Somebody else deleted it; it is created anew. */
  | { readonly kind: 'deleted' }
  /** Several requests failed and no write was done in between, or one was refused. Told once. */
  | { readonly kind: 'failing'; readonly code: string; readonly message: string };

export type CandidateEffect = CandidateRequest | { readonly kind: 'report'; readonly report: CandidateReport };

export interface CandidateState {
  readonly standsAtMonoMs: number;
  /** Whether it was to stand at the last step. */
  readonly wanted: boolean;
  readonly phase: 'running' | 'stopping' | 'ended';
  /** Null: it is not known whether it is there, or what it is like now. */
  readonly known: LeaseCandidate | 'absent' | null;
  /** Whether one of this process could be there. */
  readonly mayExist: boolean;
  readonly pending: CandidateRequest | null;
  /** No request before this. */
  readonly retryAtMonoMs: number;
  readonly renewAtMonoMs: number;
  /** None is created before this. */
  readonly createAtMonoMs: number;
  readonly createdAtMonoMs: number;
  /** By others, in a row: none of the candidates stood for long in between. */
  readonly deletions: number;
  /** Of requests since the last write that was done. */
  readonly failures: number;
  /** Whether it was told so. */
  readonly failing: boolean;
  /** Whether it was told that it stands. */
  readonly standing: boolean;
}

/** As client-go's. The API server asks a candidate that is older than 15 minutes, and forgets one that is older than 30. */
const RENEW_INTERVAL_MS = 300_000;
const BACKOFF_MS_MIN = 250;
/** The API server waits 5 s for an answer. */
const BACKOFF_MS_MAX = 4_000;
const REFUSED_PAUSE_MS = 30_000;
const FAILURES_QUIET = 2;
const RECREATION_BACKOFF_MS_MAX = 30_000;
/** One that stands for this long is no longer part of a quarrel. */
const LASTING_MS = 60_000;
const ALWAYS = Number.NEGATIVE_INFINITY;

/** A candidate of which nothing is stored yet, nor is to be. */
export const INITIAL_CANDIDATE: CandidateState = {
  standsAtMonoMs: Number.POSITIVE_INFINITY,
  wanted: false,
  phase: 'running',
  known: null,
  mayExist: false,
  pending: null,
  retryAtMonoMs: ALWAYS,
  renewAtMonoMs: ALWAYS,
  createAtMonoMs: ALWAYS,
  createdAtMonoMs: ALWAYS,
  deletions: 0,
  failures: 0,
  failing: false,
  standing: false,
};

/** When to call `stepCandidate` with a tick; infinite while only an event can change anything. */
export function candidateDueMonoMs(state: CandidateState, now: Instant): number {
  const { phase, pending, mayExist, known, standsAtMonoMs, retryAtMonoMs, renewAtMonoMs, createAtMonoMs } = state;
  if (phase === 'ended' || pending !== null) return Number.POSITIVE_INFINITY;
  if (!wants(state, now)) {
    const wantedAtMonoMs = phase === 'running' ? standsAtMonoMs : Number.POSITIVE_INFINITY;
    return mayExist ? Math.min(retryAtMonoMs, wantedAtMonoMs) : wantedAtMonoMs;
  }
  if (!isPresent(known)) return mayExist ? retryAtMonoMs : Math.max(retryAtMonoMs, createAtMonoMs);
  return Math.max(retryAtMonoMs, isAsked(known) ? ALWAYS : renewAtMonoMs);
}

/** Whether nothing of this process is stored that it does not want there. */
export function isSettled(state: CandidateState, now: Instant): boolean {
  return wants(state, now) || (!state.mayExist && state.pending === null);
}

/**
 * The caller's duties: perform the effects in order, answer every request by one `replied`, and call with `tick` when
 * {@link candidateDueMonoMs} says so.
 */
export function stepCandidate(
  state: CandidateState,
  event: CandidateEvent,
  now: Instant,
): readonly [CandidateState, readonly CandidateEffect[]] {
  const draft: Draft = { ...state, effects: [] };
  switch (event.kind) {
    case 'tick':
      break;
    case 'stand':
      draft.standsAtMonoMs = event.atMonoMs;
      break;
    case 'seen':
      learn(draft, event.candidate);
      break;
    case 'missed':
      if (isPresent(draft.known)) draft.known = null;
      break;
    case 'replied':
      onReply(draft, event.outcome, now);
      break;
    case 'stop':
      if (draft.phase === 'running') draft.phase = 'stopping';
      break;
  }
  if (draft.wanted !== wants(draft, now) || event.kind === 'stop') changeMind(draft, now);
  act(draft, now);
  const { effects, ...next } = draft;
  return [next, effects];
}

type Draft = { -readonly [Key in keyof CandidateState]: CandidateState[Key] } & { readonly effects: CandidateEffect[] };

function tell(draft: Draft, report: CandidateReport): void {
  draft.effects.push({ kind: 'report', report });
}

function isPresent(known: CandidateState['known']): known is LeaseCandidate {
  return known !== null && known !== 'absent';
}

/** A withdrawal waits for nothing that was said to the writes before it, nor do they for what was said to a withdrawal. */
function changeMind(draft: Draft, now: Instant): void {
  draft.wanted = wants(draft, now);
  draft.retryAtMonoMs = ALWAYS;
  if (draft.wanted && draft.standing) return confirm(draft, now);
  mended(draft);
}

function wants({ phase, standsAtMonoMs }: CandidateState, now: Instant): boolean {
  return phase === 'running' && standsAtMonoMs <= now.monoMs;
}

/** Both are written with six digits, so that their texts compare as their times do. */
function isAsked({ pingTime, renewTime }: LeaseCandidate): boolean {
  return pingTime !== null && (renewTime === null || pingTime > renewTime);
}

/** Of an older version, unless it asks what was not answered yet: then an etcd that was restored counts from the past. */
function isOutdated({ resourceVersion, pingTime }: LeaseCandidate, known: LeaseCandidate): boolean {
  if (compareResourceVersions(resourceVersion, known.resourceVersion) >= 0) return false;
  return pingTime === null || (known.renewTime !== null && pingTime <= known.renewTime);
}

/** A watch may lag behind an answer, and the other way round. */
function learn(draft: Draft, candidate: LeaseCandidate): void {
  const { known } = draft;
  if (isPresent(known) && isOutdated(candidate, known)) return;
  // What is shown after it was deleted is from before.
  if (known === 'absent' && !draft.mayExist) return;
  draft.known = candidate;
  draft.mayExist = true;
}

function onReply(draft: Draft, outcome: CandidateOutcome | RemovalOutcome, now: Instant): void {
  const request = draft.pending!;
  draft.pending = null;
  switch (outcome.kind) {
    case 'ok':
      draft.retryAtMonoMs = ALWAYS;
      learn(draft, outcome.candidate);
      return request.kind === 'read' ? onRead(draft, now) : onWritten(draft, request, now);
    case 'absent':
      draft.retryAtMonoMs = ALWAYS;
      return onAbsent(draft, now);
    case 'removed':
      return onRemoved(draft);
    case 'conflict':
      return onConflict(draft, request, now);
    case 'failed':
      return onFailure(draft, request, outcome, now);
  }
}

/** Where a write follows, which waits for nothing, only that can mend anything: if each of them fails, the waits go on growing. */
function onRead(draft: Draft, now: Instant): void {
  if (wants(draft, now) && nextWrite(draft, now) === null) confirm(draft, now);
}

function onWritten(draft: Draft, request: CandidateRequest, now: Instant): void {
  draft.renewAtMonoMs = now.monoMs + RENEW_INTERVAL_MS;
  if (request.kind === 'renew' && isAsked(request.base)) tell(draft, { kind: 'answered' });
  confirm(draft, now);
}

/** It stands, and nothing is wrong with it. */
function confirm(draft: Draft, now: Instant): void {
  const { standing, failing } = draft;
  mended(draft);
  draft.standing = true;
  if (standing && !failing) return;
  if (!standing) draft.createdAtMonoMs = now.monoMs;
  tell(draft, { kind: 'standing' });
}

function onAbsent(draft: Draft, now: Instant): void {
  if (!wants(draft, now)) return onRemoved(draft);
  draft.known = 'absent';
  draft.mayExist = false;
  if (!draft.standing) return;
  draft.standing = false;
  // Where it had stood for long, at once; who deletes it again and again is not to be kept busy.
  if (now.monoMs - draft.createdAtMonoMs >= LASTING_MS) draft.deletions = 0;
  else draft.createAtMonoMs = now.monoMs + Math.min(RECREATION_BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** draft.deletions);
  draft.deletions = Math.min(draft.deletions + 1, 10);
  tell(draft, { kind: 'deleted' });
}

function onRemoved(draft: Draft): void {
  draft.known = 'absent';
  draft.mayExist = false;
  draft.retryAtMonoMs = ALWAYS;
  mended(draft);
  if (draft.standing) tell(draft, { kind: 'withdrawn' });
  draft.standing = false;
}

/** Somebody wrote in between: if the watch has not shown what, a read will. */
function onConflict(draft: Draft, request: CandidateRequest, now: Instant): void {
  const base = 'base' in request ? request.base : null;
  const { known } = draft;
  const shown = isPresent(known) && known.resourceVersion !== base?.resourceVersion;
  if (!shown) draft.known = null;
  // Once at once; more of them without a write in between are a quarrel.
  if (draft.failures > 0) backOff(draft, 0, now);
  count(draft, { code: 'conflict', message: 'what is stored is another version, each time' }, false);
}

function onFailure(draft: Draft, request: CandidateRequest, failure: RequestFailure, now: Instant): void {
  const refused = failure.code === 'forbidden' || failure.code === 'invalid';
  // A write that failed may have been done.
  if (request.kind !== 'read') draft.known = request.kind === 'create' || !refused ? null : draft.known;
  if (request.kind === 'create' && refused) draft.mayExist = false;
  // One that can't be deleted answers no question, so that it is not chosen; after 30 minutes the API server deletes it.
  if (refused && draft.phase === 'stopping' && request.kind !== 'renew') draft.mayExist = false;
  // Of before the change of mind: it says nothing of what is to be done now.
  const outlived = request.kind !== 'read' && wants(draft, now) === (request.kind === 'remove');
  if (outlived) return backOff(draft, 0, now);
  if (refused) draft.retryAtMonoMs = now.monoMs + REFUSED_PAUSE_MS;
  else backOff(draft, failure.retryAfterMs ?? 0, now);
  count(draft, failure, refused);
}

function count(draft: Draft, { code, message }: Pick<RequestFailure, 'code' | 'message'>, refused: boolean): void {
  draft.failures += 1;
  if (draft.failing || !(refused || draft.failures > FAILURES_QUIET)) return;
  draft.failing = true;
  tell(draft, { kind: 'failing', code, message });
}

function mended(draft: Draft): void {
  draft.failures = 0;
  draft.failing = false;
}

function backOff(draft: Draft, retryAfterMs: number, now: Instant): void {
  const backoffMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(draft.failures, 10));
  draft.retryAtMonoMs = now.monoMs + Math.max(backoffMs, retryAfterMs);
}

/** Sends what is due, one request at a time. */
function act(draft: Draft, now: Instant): void {
  if (draft.pending !== null || draft.phase === 'ended') return;
  if (draft.phase === 'stopping' && !draft.mayExist) {
    draft.phase = 'ended';
    return;
  }
  if (now.monoMs < draft.retryAtMonoMs) return;
  const request = wants(draft, now) ? nextWrite(draft, now) : nextWithdrawal(draft);
  if (request === null) return;
  if (request.kind === 'create') draft.mayExist = true;
  draft.pending = request;
  draft.effects.push(request);
}

function nextWrite({ known, mayExist, renewAtMonoMs, createAtMonoMs }: Draft, now: Instant): CandidateRequest | null {
  if (!isPresent(known)) {
    if (known === null && mayExist) return { kind: 'read' };
    if (now.monoMs < createAtMonoMs) return null;
    return { kind: 'create', renewTime: freshRenewTime(now, []) };
  }
  if (!isAsked(known) && now.monoMs < renewAtMonoMs) return null;
  const time = freshRenewTime(now, [known.renewTime]);
  const { pingTime } = known;
  // The API server compares its clock's time with this one's: an answer that seems to be older than the question is none.
  return { kind: 'renew', base: known, renewTime: pingTime !== null && pingTime > time ? pingTime : time };
}

function nextWithdrawal({ known, mayExist }: Draft): CandidateRequest | null {
  if (!mayExist) return null;
  return isPresent(known) ? { kind: 'remove', base: known } : { kind: 'read' };
}
