/**
 * Who a replica is: `<podName>_<podUid>_<random per start>`. Pod names and uids are DNS-1123 and hold no underscore, so the
 * parts can be told apart.
 */
export interface Identity {
  readonly podName: string;
  readonly podUid: string;
}

/** The parts of an identity of ours, or null when it was written by an elector with another format. */
export function parseIdentity(identity: string): Identity | null {
  const first = identity.indexOf('_');
  const second = identity.indexOf('_', first + 1);
  const complete = first > 0 && second > first + 1 && second < identity.length - 1;
  if (!complete || identity.includes('_', second + 1)) return null;
  return { podName: identity.slice(0, first), podUid: identity.slice(first + 1, second) };
}

/** The identity of this start of this pod's process. `start` must never repeat between two starts. */
export function formatIdentity(podName: string, podUid: string, start: string): string {
  return `${podName}_${podUid}_${start}`;
}

/**
 * The pod a holder runs in, for people: our own format's first part; for other electors' what precedes the first
 * underscore (client-go's habit is `<host name>_<uuid>`).
 */
export function podOfIdentity(identity: string): string {
  return identity.replace(/_.*/s, '');
}

/**
 * Whether `holder` is an earlier process of the pod that `own` runs in. The kubelet never runs two sidecars of one pod, so
 * such a predecessor is dead and its Lease may be taken without waiting.
 */
export function isPredecessor(holder: string, own: string): boolean {
  if (holder === own || holder === '') return false;
  const theirs = parseIdentity(holder);
  return theirs !== null && theirs.podUid === parseIdentity(own)?.podUid;
}
