import { effectivePriority } from './candidacy.ts';
import type { ElectionEffect, Report } from './messages.ts';
import type { LeaseContent, LeaseRecord } from './record.ts';
import type { ElectionState, PendingWrite } from './state.ts';
import { type Instant, requestTimeoutMs } from './timing.ts';

/** One step's working copy: its fields are replaced, never changed inside. */
export type Draft = { -readonly [Field in keyof ElectionState]: ElectionState[Field] } & { effects: ElectionEffect[] };

export function report(draft: Draft, what: Report): void {
  draft.effects.push({ kind: 'report', report: what });
}

export function read(draft: Draft, leftMs: number): void {
  const requestId = nextRequestId(draft);
  draft.pending = { id: requestId, purpose: 'read' };
  draft.effects.push({ kind: 'read', requestId, timeoutMs: requestTimeoutMs(leftMs) });
}

/** More than a leader sends between two acknowledgements; what is forgotten is waited for like another's record. */
const SENT_RENEW_TIMES_MAX = 32;

export function write(
  draft: Draft,
  purpose: PendingWrite['purpose'],
  base: LeaseRecord | null,
  content: LeaseContent,
  leftMs: number,
  now: Instant,
): void {
  const requestId = nextRequestId(draft);
  const baseVersion = base?.resourceVersion ?? null;
  draft.pending = { id: requestId, purpose, sentAt: now, baseVersion, renewTime: content.renewTime };
  draft.sentRenewTimes = [...draft.sentRenewTimes.slice(1 - SENT_RENEW_TIMES_MAX), content.renewTime];
  const timeoutMs = requestTimeoutMs(leftMs);
  draft.effects.push(
    base === null
      ? { kind: 'create', requestId, timeoutMs, content }
      : { kind: 'update', requestId, timeoutMs, base, content },
  );
}

/** Asks the holder of `base` to give way to this replica. */
export function challenge(draft: Draft, base: LeaseRecord, leftMs: number): void {
  const requestId = nextRequestId(draft);
  draft.pending = { id: requestId, purpose: 'challenge', baseVersion: base.resourceVersion };
  const challenger = { identity: draft.config.identity, priority: effectivePriority(draft) };
  draft.effects.push({ kind: 'challenge', requestId, timeoutMs: requestTimeoutMs(leftMs), base, challenger });
}

function nextRequestId(draft: Draft): number {
  const id = draft.nextRequestId;
  draft.nextRequestId = id + 1;
  return id;
}
