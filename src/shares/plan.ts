/**
 * Who leads what, so that nobody leads two elections more than another. Pure: every replica comes to the same plan from the same
 * view, and does its own part of it only.
 */
export interface ShareView {
  readonly elections: readonly SharedLease[];
  /** Identities of the replicas that live and would lead. What others hold is nobody's to share. */
  readonly members: readonly string[];
  /** Those of them that may be about to go, or gone: they are no heirs. @defaultValue none */
  readonly leaving?: ReadonlySet<string>;
  /** Whether a member is known not to take an election. @defaultValue none does */
  readonly refuses?: (election: string, member: string) => boolean;
}

export interface SharedLease {
  readonly name: string;
  /** Null: nobody. */
  readonly holder: string | null;
  /** While nobody holds it: who held it last, where that is known. */
  readonly former: string | null;
}

/** One election to hand over. */
export interface Move {
  readonly election: string;
  readonly from: string;
  readonly to: string;
}

export interface SharePlan {
  /** The fewest hand-overs after which all shares are even. */
  readonly moves: readonly Move[];
  /** Who is to claim each election once it is free: now, or after its holder has gone. Missing where it is anybody's. */
  readonly heirs: ReadonlyMap<string, string>;
}

export function planShares(view: ShareView): SharePlan {
  // Whoever gives one up, or dies, mostly loses them all, and takes none: the others' shares are those after that. They are the
  // same from before the first is free until the last is claimed.
  const formers = view.elections.flatMap(({ holder, former }) => (holder === null ? (former ?? []) : []));
  const leaving = new Set([...(view.leaving ?? []), ...formers]);
  const staying = view.members.filter((member) => !leaving.has(member));
  const heirs = new Map(share({ ...view, members: staying }).claims);
  for (const leaver of new Set([...formers, ...view.elections.flatMap(({ holder }) => holder ?? [])])) {
    const isLeft = ({ holder, former }: SharedLease) => (holder ?? former) === leaver;
    const elections = view.elections.map((election) => (isLeft(election) ? { ...election, holder: null } : election));
    const members = staying.filter((member) => member !== leaver);
    const after = new Map(share({ ...view, elections, members }).claims);
    for (const { name } of view.elections.filter(isLeft)) {
      const heir = after.get(name);
      if (heir === undefined) heirs.delete(name);
      else heirs.set(name, heir);
    }
  }
  return { moves: share(view).moves, heirs };
}

interface Share {
  readonly member: string;
  /** Names of the elections that it leads. */
  readonly held: string[];
  /** How many it shall lead. */
  quota: number;
  /** How many it is still to be given. */
  missing: number;
}

function share({ elections, members, refuses = () => false }: ShareView) {
  const byName = elections.toSorted((a, b) => order(a.name, b.name));
  const free: string[] = [];
  const heldBy = new Map([...new Set(members)].sort(order).map((member): [string, string[]] => [member, []]));
  for (const { name, holder } of byName) {
    if (holder === null) free.push(name);
    else heldBy.get(holder)?.push(name);
  }
  const shares = [...heldBy].map(([member, held]): Share => ({ member, held, quota: 0, missing: 0 }));
  const total = free.length + shares.reduce((sum, { held }) => sum + held.length, 0);
  // Whoever leads more keeps more, so that the least is moved; and nobody's quota is above that of one who leads more, so that
  // each move is from one who leads at least two more: none is ever taken back.
  const byLoad = shares.toSorted((a, b) => b.held.length - a.held.length);
  for (const [rank, each] of byLoad.entries()) {
    each.quota = Math.floor(total / byLoad.length) + (rank < total % byLoad.length ? 1 : 0);
    each.missing = Math.max(0, each.quota - each.held.length);
  }

  const receive = (election: string): string | null => {
    let best: Share | null = null;
    for (const each of shares) {
      if (each.missing > (best?.missing ?? 0) && !refuses(election, each.member)) best = each;
    }
    if (best === null) return null;
    best.missing -= 1;
    return best.member;
  };

  const claims: [election: string, member: string][] = [];
  for (const election of free) {
    const member = receive(election);
    if (member !== null) claims.push([election, member]);
  }
  const moves: Move[] = [];
  for (const { member, held, quota } of byLoad) {
    let surplus = held.length - quota;
    for (const election of held.toReversed()) {
      if (surplus <= 0) break;
      const to = receive(election);
      if (to === null) continue;
      moves.push({ election, from: member, to });
      surplus -= 1;
    }
  }
  return { moves, claims };
}

/** By code units: the same everywhere. */
function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
