import type { Replica } from '../cluster/replica/replica.ts';

/**
 * One line of a history, as of Jepsen: questions to `/leader` are invoked and end as `ok` (answered), `fail` (nobody listened)
 * or `info` (nobody knows); an invocation without an end was still open. All times are milliseconds of CLOCK_MONOTONIC, which
 * every process on the machine shares, read by the asker.
 */
export type Entry =
  | { readonly t: number; readonly type: 'invoke'; readonly process: string; readonly op: number }
  | ({ readonly t: number; readonly type: 'ok'; readonly process: string; readonly op: number } & Said)
  | {
      readonly t: number;
      readonly type: 'fail' | 'info';
      readonly process: string;
      readonly op: number;
      readonly error: string;
    }
  /** First trace of a term (an answer, an event or a line of the log), and its fencing token. */
  | { readonly t: number; readonly type: 'granted'; readonly process: string; readonly token: string }
  /** Its log: it leads no more. */
  | { readonly t: number; readonly type: 'stopped'; readonly process: string; readonly reason: string }
  /** Any other line of its log. Of no weight in the verdict. */
  | { readonly t: number; readonly type: 'log'; readonly process: string; readonly code: string; readonly text: string }
  | { readonly t: number; readonly type: 'started' | 'ended'; readonly process: string; readonly pod: string }
  | { readonly t: number; readonly type: 'fault'; readonly phase: Phase; readonly trial: number }
  /** etcd is about to be restored from a backup: its versions, and so the tokens, go back. */
  | { readonly t: number; readonly type: 'restore' }
  | { readonly t: number; readonly type: 'note'; readonly text: string };

/** What an answer says. */
export interface Said {
  readonly isLeader: boolean;
  readonly validForMs: number;
  readonly fencingToken: string | null;
}

/** A trial `begins` with its fault, which `ends`; it is `over` when somebody leads again, or when that is waited for no longer. */
export type Phase = 'begins' | 'ends' | 'over';

/** Everything that replicas were asked and said, with what was done to them, in order of time. */
export function historyOf(replicas: readonly Replica[], marks: readonly Entry[]): Entry[] {
  return [...replicas.flatMap(entriesOf), ...marks].sort((a, b) => a.t - b.t);
}

function entriesOf(replica: Replica): Entry[] {
  const { name: process, podName: pod, startedAtMs, endedAtMs, askingSinceMs } = replica;
  const entries: Entry[] = [{ t: startedAtMs, type: 'started', process, pod }];
  if (endedAtMs !== null) entries.push({ t: endedAtMs, type: 'ended', process, pod });
  let op = 0;
  for (const { sentMs, receivedMs, isLeader, validForMs, fencingToken } of replica.answers) {
    entries.push({ t: sentMs, type: 'invoke', process, op });
    entries.push({ t: receivedMs, type: 'ok', process, op: op++, isLeader, validForMs, fencingToken });
  }
  for (const { sentMs, failedMs, error } of replica.unanswered) {
    entries.push({ t: sentMs, type: 'invoke', process, op });
    entries.push({ t: failedMs, type: error === 'ECONNREFUSED' ? 'fail' : 'info', process, op: op++, error });
  }
  if (askingSinceMs !== null) entries.push({ t: askingSinceMs, type: 'invoke', process, op });
  for (const { atMs, token } of replica.claimant().grants) entries.push({ t: atMs, type: 'granted', process, token });
  for (const { atMs, code = '', reason, msg } of replica.log) {
    if (code === 'NOT_LEADING') entries.push({ t: atMs, type: 'stopped', process, reason: String(reason) });
    else entries.push({ t: atMs, type: 'log', process, code, text: msg });
  }
  return entries;
}
