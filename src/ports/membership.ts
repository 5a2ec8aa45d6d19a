/** The replicas of an election, as consumers may know them. */
export interface Member {
  /** Of the process, new at each start. */
  readonly identity: string;
  /** What it campaigns as; null where it does not say. */
  readonly candidate: string | null;
  /** Names of the elections in which it would lead, as of its last heartbeat; null where it does not say. */
  readonly campaigns: readonly string[] | null;
  readonly pod: string | null;
  readonly address: string | null;
  readonly role: 'leader' | 'standby';
  /** When it started, by its own clock. */
  readonly since: string | null;
  readonly version: string | null;
  /** Milliseconds since a heartbeat of it was last seen, by this observer's clock. */
  readonly lastHeartbeatAgoMs: number;
  /** Whether a heartbeat was ever seen to come: one that was only found may be long dead until its duration is over. */
  readonly confirmed: boolean;
  readonly alive: boolean;
}

export interface MembersAnswer {
  /** In the order of their pods' names. */
  readonly members: readonly Member[];
  /** Whether this replica is told of changes at this moment; if not, nobody is found dead meanwhile. */
  readonly watching: boolean;
  /** Whether there are more members than are kept. */
  readonly truncated: boolean;
}

export interface MembershipChange {
  /**
   * `joined`: a new process; `lost`: its heartbeats have ended; `returned`: it was taken for dead and is not; `left`: its Lease is
   * gone; `changed`: its role, or what it says of itself.
   */
  readonly kind: 'joined' | 'lost' | 'returned' | 'left' | 'changed';
  readonly member: Member;
}

/** Evaluated at each question. */
export interface Membership {
  answer(): MembersAnswer;
  /** Tells of each change from now on, in order. Returns how to end that. */
  subscribe(listener: (change: MembershipChange) => void): () => void;
}
