import type { MemberLease, MemberOutcome } from '../ports/members.ts';
import type { RemovalOutcome } from '../ports/request-failure.ts';
import type { ObservedMember } from './observer.ts';

/**
 * Which Leases of dead members are collected, by whom and when. Pure.
 *
 * Collecting late harms nobody, collecting the living does. So a Lease is touched only after it stood still for two durations
 * of listening at least; each replica waits for a part of the period that chance gives it, so that mostly one of hundreds acts
 * and the others see it done. Then it is read live, and deleted only as the very version that was read, and only if that is the
 * heartbeat that was timed: one that is renewed in between fails the precondition, and is kept.
 */
export interface CollectionConfig {
  /** The own Lease, which is never collected. */
  readonly ownName: string;
  /** How long a dead Lease is left: between one third of it and all of it. */
  readonly periodMs: number;
  /** How long nothing is tried after this replica was forbidden to delete. */
  readonly forbiddenPauseMs: number;
}

export type CollectionRequest =
  | { readonly kind: 'read'; readonly name: string }
  | { readonly kind: 'remove'; readonly lease: Pick<MemberLease, 'name' | 'uid' | 'resourceVersion'> };

export type CollectionReport =
  | { readonly kind: 'collected'; readonly lease: MemberLease }
  /** Only Kubernetes collects what dead members leave, when their pods are deleted. */
  | { readonly kind: 'forbidden' };

interface Dead {
  readonly lease: MemberLease;
  readonly dueListenedMs: number;
}

/** All times are of the observer's listening, see {@link ObservedMember}. */
export interface CollectionState {
  readonly config: CollectionConfig;
  /** By name. */
  readonly dead: ReadonlyMap<string, Dead>;
  readonly pending: { readonly request: CollectionRequest; readonly dead: Dead } | null;
  readonly pausedUntilListenedMs: number;
}

/** The state that follows, and what to do: a request, answered by `onCollectionReply`; a report. */
export interface CollectionStep {
  readonly state: CollectionState;
  readonly request: CollectionRequest | null;
  readonly report: CollectionReport | null;
}

export interface CollectionMoment {
  readonly listenedMs: number;
  /** Uniform in [0, 1). */
  readonly random: number;
}

export function initialCollection(config: CollectionConfig): CollectionState {
  return { config, dead: new Map(), pending: null, pausedUntilListenedMs: 0 };
}

/** A member was lost: its Lease is waited for. */
export function mark(state: CollectionState, { lease }: ObservedMember, now: CollectionMoment): CollectionState {
  if (lease.name === state.config.ownName) return state;
  return { ...state, dead: new Map(state.dead).set(lease.name, { lease, dueListenedMs: dueAt(state, now) }) };
}

/** A member is back, or its Lease is gone. */
export function unmark(state: CollectionState, name: string): CollectionState {
  if (!state.dead.has(name)) return state;
  const dead = new Map(state.dead);
  dead.delete(name);
  return { ...state, dead };
}

/** Begins with the Lease that is due first, unless one is under way. To be asked after each sign of the watch. */
export function collect(state: CollectionState, { listenedMs }: Pick<CollectionMoment, 'listenedMs'>): CollectionStep {
  if (state.pending !== null || listenedMs < state.pausedUntilListenedMs) return still(state);
  let first: Dead | null = null;
  for (const dead of state.dead.values()) {
    if (dead.dueListenedMs <= listenedMs && (first === null || dead.dueListenedMs < first.dueListenedMs)) first = dead;
  }
  return first === null ? still(state) : asking(state, { kind: 'read', name: first.lease.name }, first);
}

/** What became of the request under way. */
export function onCollectionReply(
  state: CollectionState,
  outcome: MemberOutcome | RemovalOutcome,
  now: CollectionMoment,
): CollectionStep {
  const { pending, config } = state;
  if (pending === null) return still(state);
  const { lease } = pending.dead;
  const done = { ...state, pending: null };
  switch (outcome.kind) {
    case 'ok': {
      const live = outcome.lease;
      const stood = live.uid === lease.uid && live.holder === lease.holder && live.renewTime === lease.renewTime;
      // Renewed or made anew: the watch tells of it, and whether it is alive is timed from there.
      if (!stood || !state.dead.has(lease.name)) return still(unmark(done, lease.name));
      const { name, uid, resourceVersion } = live;
      return asking(done, { kind: 'remove', lease: { name, uid, resourceVersion } }, pending.dead);
    }
    case 'absent':
      return still(unmark(done, lease.name));
    case 'removed':
      return { state: unmark(done, lease.name), request: null, report: { kind: 'collected', lease } };
    case 'conflict':
      // Written since it was read. Whether that was a heartbeat, the watch tells; if not, it is looked at again.
      return still(postponed(done, pending.dead, now));
    case 'failed': {
      const later = postponed(done, pending.dead, now);
      if (outcome.code !== 'forbidden') return still(later);
      const paused = { ...later, pausedUntilListenedMs: now.listenedMs + config.forbiddenPauseMs };
      return { state: paused, request: null, report: { kind: 'forbidden' } };
    }
  }
}

function postponed(state: CollectionState, { lease }: Dead, now: CollectionMoment): CollectionState {
  if (!state.dead.has(lease.name)) return state;
  return { ...state, dead: new Map(state.dead).set(lease.name, { lease, dueListenedMs: dueAt(state, now) }) };
}

function dueAt({ config }: CollectionState, { listenedMs, random }: CollectionMoment): number {
  return listenedMs + (config.periodMs * (1 + 2 * random)) / 3;
}

function asking(state: CollectionState, request: CollectionRequest, dead: Dead): CollectionStep {
  return { state: { ...state, pending: { request, dead } }, request, report: null };
}

function still(state: CollectionState): CollectionStep {
  return { state, request: null, report: null };
}
