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
  const timeoutMs = requestTimeoutMs(leftMs);
  draft.effects.push(
    base === null
      ? { kind: 'create', requestId, timeoutMs, content }
      : { kind: 'update', requestId, timeoutMs, base, content },
  );
}

function nextRequestId(draft: Draft): number {
  const id = draft.nextRequestId;
  draft.nextRequestId = id + 1;
  return id;
}
