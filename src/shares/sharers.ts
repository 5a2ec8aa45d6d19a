import type { Member } from '../ports/membership.ts';

/** A replica that lives and would lead something. */
export interface Sharer {
  readonly pod: string | null;
  readonly heardMonoMs: number;
  /** Names of the elections in which it would lead. */
  readonly campaigns: ReadonlySet<string>;
}

/** Who shares the elections, by identity in the order of these; as seen by one of them. */
export interface Sharers {
  readonly all: ReadonlyMap<string, Sharer>;
  /**
   * Whether it is known how many elections each leads. It is not where one would lead an election that is none of the observer's,
   * or does not say.
   */
  readonly complete: boolean;
}

/** The observer: what it would lead is known better than from its last heartbeat. */
export interface Observer {
  readonly identity: string;
  readonly campaigns: readonly string[];
  /** Names of its elections. */
  readonly elections: readonly string[];
}

export function sharersOf(members: readonly Member[], own: Observer, nowMonoMs: number): Sharers {
  const known = new Set(own.elections);
  const found: (readonly [string, Sharer])[] = [];
  let complete = true;
  for (const { candidate, alive, pod, campaigns: said, lastHeartbeatAgoMs } of members) {
    if (candidate === null || !alive) continue;
    const campaigns = candidate === own.identity ? own.campaigns : said;
    if (campaigns === null || campaigns.some((name) => !known.has(name))) complete = false;
    if (campaigns === null || campaigns.length === 0) continue;
    const heardMonoMs = nowMonoMs - lastHeartbeatAgoMs;
    found.push([candidate, { pod, heardMonoMs, campaigns: new Set(campaigns) }]);
  }
  return { all: new Map(found.sort(([a], [b]) => (a < b ? -1 : 1))), complete };
}
