import { effectivePriority } from './candidacy.ts';
import { asksToGiveWay, STAND_ASIDE_MS } from './coordinated.ts';
import { type Draft, report } from './draft.ts';
import type { HandOverReason, StopReason } from './messages.ts';
import type { LeaseRecord } from './record.ts';
import type { PendingWrite, Tenure } from './state.ts';
import { clockJumped, clockJumpToleranceMs, type ElectionTimings, type Instant, validityOf } from './timing.ts';

/** Client-go's pollers look every retryPeriod × [1, 2.2): after a step-down all of them get one try before this replica. */
const HOLD_OFF_RETRY_PERIODS = 2.5;

const HAND_OVERS: ReadonlySet<StopReason> = new Set<HandOverReason>([
  'step-down',
  'pause',
  'shutdown',
  'unhealthy',
  'preempted',
  'preferred-holder',
]);

/** The claim was acknowledged in time: this replica leads, counted from before the claim was sent. */
export function begin(draft: Draft, request: PendingWrite, record: LeaseRecord): void {
  const { config } = draft;
  draft.tenure = {
    leaseUid: record.uid,
    fencingToken: record.resourceVersion,
    acquireTime: record.acquireTime ?? request.renewTime,
    transitions: record.transitions,
    validity: validityOf(request.sentAt, config.timings),
    record,
    unconfirmed: [],
    renewAtMonoMs: request.sentAt.monoMs + config.timings.renewIntervalMs,
    mustRead: false,
    readsSinceAck: 0,
    handOver: null,
  };
  draft.challengesInVain = 0;
  draft.effects.push({ kind: 'started', fencingToken: record.resourceVersion });
}

/** The deadline rule: whatever the event is, a tenure that is over or can't be trusted ends first. */
export function expireTenure(draft: Draft, now: Instant): void {
  if (draft.tenure === null) return;
  const { timings } = draft.config;
  const { basis, validUntilMonoMs } = draft.tenure.validity;
  const over = now.monoMs >= validUntilMonoMs;
  if (!over && !clockJumped(basis, now, clockJumpToleranceMs(timings))) return;
  lose(draft, over ? 'expired' : 'clock-jumped');
  // Whoever asks, or looks at a stopped process that goes on, shall see that the term is over before another begins.
  draft.holdOffUntilMonoMs = Math.max(draft.holdOffUntilMonoMs, now.monoMs + timings.retryPeriodMs);
}

/** Ends the tenure, which there is, at once; what work still runs is cut. */
export function lose(draft: Draft, reason: StopReason): void {
  const alreadyStopping = draft.stoppingWork !== null;
  draft.answersUntilMonoMs = draft.tenure!.validity.validUntilMonoMs;
  draft.tenure = null;
  draft.retryAtMonoMs = Number.NEGATIVE_INFINITY;
  draft.stoppingWork = draft.stoppingWork ?? reason;
  if (alreadyStopping) report(draft, { kind: 'lost-while-stopping', reason });
  else draft.effects.push({ kind: 'stop-work', graceful: false, reason });
}

/**
 * Leadership is given up: it holds on, and is renewed, until the work has stopped. `to` is to lead next; of several that are
 * named in one hand-over the first.
 */
export function beginHandOver(draft: Draft, reason: HandOverReason, to: string | null = null): void {
  if (draft.tenure === null) return;
  draft.successor ??= to;
  if (draft.tenure.handOver !== null) return;
  draft.tenure = { ...draft.tenure, handOver: reason };
  draft.stoppingWork = reason;
  draft.effects.push({ kind: 'stop-work', graceful: true, reason });
}

/** All work has stopped. After a hand-over the Lease is freed; after a loss this replica may campaign again. */
export function onWorkStopped(draft: Draft, now: Instant): void {
  const reason = draft.stoppingWork;
  if (reason === null) return;
  draft.stoppingWork = null;
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = draft.config.timings;
  if (!HAND_OVERS.has(reason)) return;
  draft.tenure = null;
  draft.releaseByMonoMs = now.monoMs + leaseDurationMs - renewDeadlineMs;
  draft.retryAtMonoMs = Number.NEGATIVE_INFINITY;
  if (reason === 'step-down') draft.standAsideUntilMonoMs = now.monoMs + STAND_ASIDE_MS;
  if (reason !== 'shutdown') draft.holdOffUntilMonoMs = now.monoMs + HOLD_OFF_RETRY_PERIODS * retryPeriodMs;
}

/** A leader stops at once when the store shows anything but its own doing. */
export function checkTenure(
  draft: Draft,
  tenure: Tenure,
  record: LeaseRecord,
  source: 'watch' | 'list' | 'read',
): void {
  if (record.uid !== tenure.leaseUid) return lose(draft, 'lease-replaced');
  if (record.holder !== draft.config.identity) return lose(draft, 'taken-over');
  // The watch may show a renewal before its own answer comes.
  const underWay = draft.pending?.purpose === 'renew' && draft.pending.renewTime === record.renewTime;
  const confirmed = tenure.unconfirmed.find((write) => write.renewTime === record.renewTime);
  const renewed = confirmed !== undefined || underWay;
  const known = renewed ? renewalOf(tenure, draft.config.timings) : tenure.record;
  const written = renewed || record.renewTime === tenure.record.renewTime;
  if (!written || !sameTerm(known, record)) return lose(draft, 'lease-edited');
  draft.tenure = {
    ...tenure,
    record,
    // Only a read decides; the watch's word just saves the next renewal a conflict.
    ...(confirmed !== undefined && source === 'read'
      ? {
          validity: validityOf(confirmed.sentAt, draft.config.timings),
          renewAtMonoMs: confirmed.sentAt.monoMs + draft.config.timings.renewIntervalMs,
          readsSinceAck: 0,
          unconfirmed: tenure.unconfirmed.filter((write) => write.sentAt.monoMs > confirmed.sentAt.monoMs),
        }
      : {}),
  };
  if (asksToGiveWay(record)) beginHandOver(draft, 'preferred-holder');
  const { challenger } = record;
  if (challenger !== null && challenger.priority > effectivePriority(draft)) {
    beginHandOver(draft, 'preempted', challenger.identity);
  }
}

type Term = Pick<LeaseRecord, 'acquireTime' | 'transitions' | 'leaseDurationMs'>;

/** What a renewal writes beside its renewTime. */
function renewalOf({ acquireTime, transitions }: Tenure, { leaseDurationMs }: ElectionTimings): Term {
  return { acquireTime, transitions, leaseDurationMs };
}

/** Whether `record` still says what this tenure wrote; somebody else's edit of it could let others in early. */
function sameTerm(known: Term, record: LeaseRecord): boolean {
  return (
    record.acquireTime === known.acquireTime &&
    record.transitions === known.transitions &&
    record.leaseDurationMs === known.leaseDurationMs
  );
}
