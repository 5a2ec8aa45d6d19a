import type { AuditEntry } from '../../cluster/support/audit-log.ts';
import { wallMsOf } from './clocks.ts';
import type { Replica } from './replica.ts';

/** One change of leaders; times are monotonic. */
export interface HandOver {
  readonly predecessor: Replica;
  readonly successor: Replica;
  readonly signalAtMs: number;
  readonly leadingAtMs: number;
  /** To add for the wall clock, in which the audit log is written. */
  readonly wallOffsetMs: number;
}

/** Where the time of a graceful hand-over goes, in milliseconds: the keys are the steps, in order. */
export type HandOverPhases = Readonly<
  Record<
    | 'SIGTERM → release arrives at the API server'
    | 'release is served'
    | 'release served → claim arrives (watch event, jitter, request)'
    | 'claim is served'
    | 'claim served → event stream says isLeader',
    number
  >
>;

/** Reads the steps off the API server's audit log, or null where it does not show them. */
export function handOverPhases(handOver: HandOver, audit: readonly AuditEntry[]): HandOverPhases | null {
  const { predecessor, successor, wallOffsetMs } = handOver;
  const signalWallMs = handOver.signalAtMs + wallOffsetMs;
  const leadingWallMs = handOver.leadingAtMs + wallOffsetMs;
  const writes = audit
    .filter(({ verb, objectRef, responseStatus }) => {
      return verb === 'update' && objectRef?.resource === 'leases' && responseStatus?.code === 200;
    })
    .map(({ user, requestReceivedTimestamp, stageTimestamp }) => ({
      user: user.username,
      arrivedMs: wallMsOf(requestReceivedTimestamp),
      servedMs: wallMsOf(stageTimestamp),
    }))
    .filter(({ arrivedMs }) => signalWallMs - 1 <= arrivedMs && arrivedMs <= leadingWallMs + 1);
  const claim = writes.find(({ user }) => user === successor.user);
  // The last one: a renewal may have been under way when the signal came.
  const release = writes.findLast(({ user, arrivedMs }) => {
    return user === predecessor.user && claim !== undefined && arrivedMs < claim.arrivedMs;
  });
  if (claim === undefined || release === undefined) return null;
  return {
    'SIGTERM → release arrives at the API server': release.arrivedMs - signalWallMs,
    'release is served': release.servedMs - release.arrivedMs,
    'release served → claim arrives (watch event, jitter, request)': claim.arrivedMs - release.servedMs,
    'claim is served': claim.servedMs - claim.arrivedMs,
    'claim served → event stream says isLeader': leadingWallMs - claim.servedMs,
  };
}
