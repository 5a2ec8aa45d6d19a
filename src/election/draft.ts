import type { ElectionEffect, Report } from './messages.ts';
import type { LeaseContent, LeaseRecord } from './record.ts';
import type { ElectionState, RequestPurpose } from './state.ts';
import { type Instant, requestTimeoutMs } from './timing.ts';

/** One step's working copy: its fields are replaced, never changed inside. */
export type Draft = { -readonly [Field in keyof ElectionState]: ElectionState[Field] } & { effects: ElectionEffect[] };

export function report(draft: Draft, what: Report): void {
  draft.effects.push({ kind: 'report', report: what });
}

export function read(draft: Draft, leftMs: number, now: Instant): void {
  const requestId = pend(draft, 'read', null, null, now);
  draft.effects.push({ kind: 'read', requestId, timeoutMs: requestTimeoutMs(leftMs) });
}

export function write(
  draft: Draft,
  purpose: 'acquire' | 'renew' | 'release',
  base: LeaseRecord | null,
  content: LeaseContent,
  leftMs: number,
  now: Instant,
): void {
  const requestId = pend(draft, purpose, base?.resourceVersion ?? null, content.renewTime, now);
  const timeoutMs = requestTimeoutMs(leftMs);
  draft.effects.push(
    base === null
      ? { kind: 'create', requestId, timeoutMs, content }
      : { kind: 'update', requestId, timeoutMs, base, content },
  );
}

function pend(
  draft: Draft,
  purpose: RequestPurpose,
  baseVersion: string | null,
  renewTime: string | null,
  now: Instant,
): number {
  const id = draft.nextRequestId;
  draft.pending = { id, purpose, sentAt: now, baseVersion, renewTime };
  draft.nextRequestId = id + 1;
  return id;
}
