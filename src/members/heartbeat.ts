import { compareResourceVersions, freshRenewTime, type Instant } from '../election/index.ts';
import type { Heartbeat, MemberOutcome, StoredMemberLease } from '../ports/members.ts';
import type { RemovalOutcome, RequestFailure } from '../ports/request-failure.ts';

/**
 * The heartbeat of one member: what is known of its own Lease, what happened and when, to what is known next and what to do.
 * Pure. It goes as kubelet's does: a first write at once, then one PUT from the cached object every interval × [1, 1.04),
 * counted from the end of the one before; what fails is tried again after 200, 400, 800 … 7000 ms, and
 * never later than after an interval.
 */
export interface HeartbeatConfig {
  readonly identity: string;
  readonly durationMs: number;
  readonly intervalMs: number;
}

export type HeartbeatEvent =
  | { readonly kind: 'tick' }
  /** Answer to the request under way. */
  | { readonly kind: 'replied'; readonly outcome: MemberOutcome | RemovalOutcome }
  /** The process ends: the Lease is deleted. */
  | { readonly kind: 'stop' };

export type HeartbeatRequest =
  | { readonly kind: 'read' }
  | { readonly kind: 'create'; readonly heartbeat: Heartbeat }
  | { readonly kind: 'update'; readonly base: StoredMemberLease; readonly heartbeat: Heartbeat }
  | { readonly kind: 'remove'; readonly base: StoredMemberLease };

export type HeartbeatReport =
  /** The first write since the start, or since the end of trouble. `tookOver`: from whom, empty when from nobody. */
  | { readonly kind: 'kept'; readonly tookOver: string }
  /** No heartbeat was written for as long as one is valid: others take this member for dead. */
  | { readonly kind: 'overdue'; readonly code: string; readonly message: string }
  /** Another process of this host name has taken the Lease: this one is silent while that one lives. */
  | { readonly kind: 'superseded'; readonly by: string };

export type HeartbeatEffect = HeartbeatRequest | { readonly kind: 'report'; readonly report: HeartbeatReport };

/** The moment of a step. `random` is uniform in [0, 1), for jitter only. */
export interface Moment extends Instant {
  readonly random: number;
}

/** What is known of the own Lease from the answers to requests. */
export type OwnSighting =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'present'; readonly lease: StoredMemberLease };

export interface HeartbeatState {
  readonly config: HeartbeatConfig;
  readonly phase: 'beating' | 'superseded' | 'stopping' | 'ended';
  readonly sighting: OwnSighting;
  readonly pending: HeartbeatRequest | null;
  /** When the next request is due; nothing is while one is under way. */
  readonly dueMonoMs: number;
  /** In a row. */
  readonly failures: number;
  /** Whether this process has written the Lease: whoever else is found in it came later. */
  readonly established: boolean;
  /** Of the last write that was acknowledged; null before the first. */
  readonly writtenVersion: string | null;
  /** Whether a Lease of this process could be there. */
  readonly mayExist: boolean;
  /** The time that was last sent: a write whose outcome is unknown may have stored it. */
  readonly sentRenewTime: string | null;
  /** By whom this process was superseded, until it has taken the Lease back; and that one's renewal at the last look. */
  readonly successor: { readonly holder: string; readonly renewTime: string | null } | null;
  /** Until when others take this member for alive. */
  readonly validUntilMonoMs: number;
  readonly overdue: boolean;
}

const BACKOFF_MS_MIN = 200;
const BACKOFF_MS_MAX = 7_000;
/** A successor's duration is its own to choose. */
const SUCCESSOR_LOOK_MS_MAX = 3_600_000;
const JITTER = 0.04;
const UNKNOWN: OwnSighting = { kind: 'unknown' };

/** A member that has done nothing yet; its first write is due at once. */
export function initialHeartbeat(config: HeartbeatConfig, now: Instant): HeartbeatState {
  return {
    config,
    phase: 'beating',
    sighting: UNKNOWN,
    pending: null,
    dueMonoMs: now.monoMs,
    failures: 0,
    established: false,
    writtenVersion: null,
    mayExist: false,
    sentRenewTime: null,
    successor: null,
    validUntilMonoMs: now.monoMs + config.durationMs,
    overdue: false,
  };
}

/** When to call `stepHeartbeat` with a tick; infinite while a request is under way, and at the end. */
export function heartbeatDueMonoMs({ phase, pending, dueMonoMs }: HeartbeatState): number {
  return phase === 'ended' || pending !== null ? Number.POSITIVE_INFINITY : dueMonoMs;
}

/**
 * The caller's duties: perform the effects in order, answer every request by one `replied`, and call with `tick` when
 * {@link heartbeatDueMonoMs} says so.
 */
export function stepHeartbeat(
  state: HeartbeatState,
  event: HeartbeatEvent,
  now: Moment,
): readonly [HeartbeatState, readonly HeartbeatEffect[]] {
  const draft: Draft = { ...state, effects: [] };
  switch (event.kind) {
    case 'tick':
      break;
    case 'stop':
      onStop(draft, now);
      break;
    case 'replied':
      onReply(draft, event.outcome, now);
      break;
  }
  act(draft, now);
  const { effects, ...next } = draft;
  return [next, effects];
}

type Draft = { -readonly [Key in keyof HeartbeatState]: HeartbeatState[Key] } & { readonly effects: HeartbeatEffect[] };

function onStop(draft: Draft, now: Moment): void {
  if (draft.phase === 'stopping' || draft.phase === 'ended') return;
  // A Lease that another process took is not ours to delete.
  draft.phase = draft.phase === 'beating' && draft.mayExist ? 'stopping' : 'ended';
  draft.failures = 0;
  draft.dueMonoMs = now.monoMs;
}

function onReply(draft: Draft, outcome: MemberOutcome | RemovalOutcome, now: Moment): void {
  const { pending } = draft;
  draft.pending = null;
  if (pending === null || draft.phase === 'ended') return;
  switch (outcome.kind) {
    case 'ok':
      draft.sighting = { kind: 'present', lease: outcome.lease };
      if (pending.kind === 'read') return onRead(draft, outcome.lease, now);
      draft.writtenVersion = outcome.lease.resourceVersion;
      return onWritten(draft, pending, now);
    case 'absent':
      draft.sighting = { kind: 'absent' };
      draft.mayExist = false;
      draft.dueMonoMs = now.monoMs;
      if (draft.phase === 'superseded') takeBack(draft);
      return;
    case 'conflict':
      draft.sighting = UNKNOWN;
      // Somebody wrote it in between: once at once. More of them without a write of ours in between are a quarrel.
      if (draft.failures === 0) draft.dueMonoMs = now.monoMs;
      else onQuarrel(draft, now);
      draft.failures += 1;
      return;
    case 'removed':
      draft.sighting = { kind: 'absent' };
      draft.phase = 'ended';
      return;
    case 'failed':
      return onFailure(draft, pending, outcome, now);
  }
}

function onRead(draft: Draft, lease: StoredMemberLease, now: Moment): void {
  draft.dueMonoMs = now.monoMs;
  const ours = lease.holder === draft.config.identity;
  switch (draft.phase) {
    case 'stopping':
      if (!ours) draft.phase = 'ended';
      return;
    case 'superseded':
      return ours || lease.holder === '' ? takeBack(draft) : watchSuccessor(draft, lease, now);
    default:
      if (ours || lease.holder === '' || isPredecessors(lease, draft)) return;
      draft.phase = 'superseded';
      if (draft.successor?.holder !== lease.holder) {
        draft.effects.push({ kind: 'report', report: { kind: 'superseded', by: lease.holder } });
      }
      return watchSuccessor(draft, lease, now);
  }
}

/**
 * A host name has one process, and before its first write this is the younger one. What is older than a write of its own is from
 * the past: the read was stale, or etcd was restored.
 */
function isPredecessors({ resourceVersion }: StoredMemberLease, { established, writtenVersion }: Draft): boolean {
  if (!established) return true;
  return writtenVersion !== null && compareResourceVersions(resourceVersion, writtenVersion) < 0;
}

/** Two processes of one name don't quarrel: the older one is silent, and looks once per duration whether it still is the older. */
function watchSuccessor(draft: Draft, { holder, renewTime, durationMs }: StoredMemberLease, now: Moment): void {
  const { successor } = draft;
  if (successor?.holder === holder && successor.renewTime === renewTime) return takeBack(draft);
  draft.failures = 0;
  draft.successor = { holder, renewTime };
  const lookMs = Math.min(durationMs ?? draft.config.durationMs, SUCCESSOR_LOOK_MS_MAX);
  draft.dueMonoMs = now.monoMs + jittered(lookMs, now);
}

/** The successor is gone; should it renew in this very moment after all, this one gives way again. */
function takeBack(draft: Draft): void {
  draft.phase = 'beating';
}

function onWritten(draft: Draft, written: HeartbeatRequest, now: Moment): void {
  const { config } = draft;
  const before = written.kind === 'update' ? written.base.holder : '';
  if (!draft.established || draft.overdue || draft.successor !== null) {
    const tookOver = before === config.identity ? '' : before;
    draft.effects.push({ kind: 'report', report: { kind: 'kept', tookOver } });
  }
  draft.established = true;
  draft.successor = null;
  draft.overdue = false;
  draft.failures = 0;
  draft.validUntilMonoMs = now.monoMs + config.durationMs;
  draft.dueMonoMs = now.monoMs + (draft.phase === 'stopping' ? 0 : jittered(config.intervalMs, now));
}

function onFailure(draft: Draft, failed: HeartbeatRequest, failure: RequestFailure, now: Moment): void {
  // Kubernetes deletes it with the pod where this replica may not.
  if (failed.kind === 'remove' && failure.code === 'forbidden') {
    draft.phase = 'ended';
    return;
  }
  backOff(draft, failure.retryAfterMs ?? 0, now);
  draft.failures += 1;
  tellOverdue(draft, failure, now);
}

function onQuarrel(draft: Draft, now: Moment): void {
  backOff(draft, 0, now);
  tellOverdue(draft, { code: 'conflict', message: 'what is stored is another version, each time' }, now);
}

function tellOverdue(draft: Draft, { code, message }: Pick<RequestFailure, 'code' | 'message'>, now: Moment): void {
  if (draft.phase !== 'beating' || draft.overdue || now.monoMs < draft.validUntilMonoMs) return;
  draft.overdue = true;
  draft.effects.push({ kind: 'report', report: { kind: 'overdue', code, message } });
}

function backOff(draft: Draft, retryAfterMs: number, now: Moment): void {
  // Three intervals fit into a duration: nobody is taken for dead for the waiting alone.
  const backoffMsMax = Math.min(BACKOFF_MS_MAX, draft.config.intervalMs);
  const backoffMs = Math.min(backoffMsMax, BACKOFF_MS_MIN * 2 ** Math.min(draft.failures, 10));
  draft.dueMonoMs = now.monoMs + Math.max(jittered(backoffMs, now), Math.min(retryAfterMs, draft.config.intervalMs));
}

function jittered(delayMs: number, { random }: Moment): number {
  return delayMs * (1 + JITTER * random);
}

/** Sends what is due, one request at a time. */
function act(draft: Draft, now: Moment): void {
  if (draft.phase === 'ended' || draft.pending !== null || now.monoMs < draft.dueMonoMs) return;
  const request = nextRequest(draft, now);
  if (request === null) {
    draft.phase = 'ended';
    return;
  }
  if (request.kind === 'create' || request.kind === 'update') {
    draft.mayExist = true;
    draft.sentRenewTime = request.heartbeat.renewTime;
  }
  draft.pending = request;
  draft.effects.push(request);
}

/** Null: nothing is left to be done. */
function nextRequest({ phase, sighting, config, sentRenewTime }: Draft, now: Moment): HeartbeatRequest | null {
  if (phase === 'superseded' || sighting.kind === 'unknown') return { kind: 'read' };
  const base = sighting.kind === 'present' ? sighting.lease : null;
  if (phase === 'stopping') {
    if (base === null) return null;
    // What is known may be from before a write whose outcome is not.
    return base.holder === config.identity ? { kind: 'remove', base } : { kind: 'read' };
  }
  const heartbeat = {
    holder: config.identity,
    durationMs: config.durationMs,
    renewTime: freshRenewTime(now, [base?.renewTime ?? null, sentRenewTime]),
  };
  return base === null ? { kind: 'create', heartbeat } : { kind: 'update', base, heartbeat };
}
