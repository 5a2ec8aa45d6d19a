/**
 * Who leads what, so that nobody leads an election while somebody who would lead it, too, leads two fewer. Pure: every replica comes
 * to the same plan from the same view, and does its own part of it only.
 */
export interface ShareView {
  readonly elections: readonly SharedLease[];
  /** Identities of the replicas that live and would lead. What others hold is nobody's to share. */
  readonly members: readonly string[];
  /** Those of them that may be about to go, or gone: they are no heirs. @defaultValue none */
  readonly leaving?: ReadonlySet<string>;
  /** Whether a member is known not to take an election: neither as heir, nor when it is handed over. @defaultValue none does */
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
  /**
   * Hand-overs after which all shares are as even as single ones can make them, and the fewest where all would lead all. Each is from
   * one who leads at least two more at this moment: none is ever taken back.
   */
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
  const heirs = new Map(claimsOf({ ...view, members: staying }));
  for (const leaver of new Set([...formers, ...view.elections.flatMap(({ holder }) => holder ?? [])])) {
    const isLeft = ({ holder, former }: SharedLease) => (holder ?? former) === leaver;
    const elections = view.elections.map((election) => (isLeft(election) ? { ...election, holder: null } : election));
    const members = staying.filter((member) => member !== leaver);
    const after = claimsOf({ ...view, elections, members });
    for (const { name } of view.elections.filter(isLeft)) {
      const heir = after.get(name);
      if (heir === undefined) heirs.delete(name);
      else heirs.set(name, heir);
    }
  }
  return { moves: movesOf(view), heirs };
}

/** What is free goes to whoever leads fewest. */
function claimsOf(view: ShareView): Map<string, string> {
  const loads = loadsOf(view);
  const claims = new Map<string, string>();
  for (const { name, holder } of view.elections.toSorted((a, b) => order(a.name, b.name))) {
    const heir = holder === null ? leastLoaded(loads, name, view) : null;
    if (heir === null) continue;
    claims.set(name, heir);
    loads.set(heir, loads.get(heir)! + 1);
  }
  return claims;
}

/** Again and again the one from whoever leads most to whoever leads fewest. */
function movesOf(view: ShareView): Move[] {
  // Who gives is counted with what it leads now, who receives with all that it is to get: so each move is right by itself, whatever
  // else of the plan is done before it.
  const held = loadsOf(view);
  const given = new Map(held);
  for (const heir of claimsOf(view).values()) given.set(heir, given.get(heir)! + 1);
  const movable = view.elections
    .flatMap(({ name, holder }) => (holder !== null && held.has(holder) ? [{ election: name, from: holder }] : []))
    .sort((a, b) => order(b.election, a.election));
  const moves: Move[] = [];
  while (true) {
    let best: Move | null = null;
    let surplus = 1;
    for (const { election, from } of movable) {
      if (held.get(from)! <= surplus) continue;
      const to = leastLoaded(given, election, view);
      if (to === null || held.get(from)! - given.get(to)! <= surplus) continue;
      best = { election, from, to };
      surplus = held.get(from)! - given.get(to)!;
    }
    if (best === null) return moves;
    const { election, from, to } = best;
    moves.push(best);
    held.set(from, held.get(from)! - 1);
    given.set(from, given.get(from)! - 1);
    given.set(to, given.get(to)! + 1);
    movable.splice(
      movable.findIndex((one) => one.election === election),
      1,
    );
  }
}

/** How many each member leads, in order of their names. */
function loadsOf({ elections, members }: ShareView): Map<string, number> {
  const loads = new Map(members.toSorted(order).map((member) => [member, 0]));
  for (const { holder } of elections) {
    if (holder !== null && loads.has(holder)) loads.set(holder, loads.get(holder)! + 1);
  }
  return loads;
}

function leastLoaded(
  loads: ReadonlyMap<string, number>,
  election: string,
  { refuses = () => false }: ShareView,
): string | null {
  let best: string | null = null;
  let fewest = Number.POSITIVE_INFINITY;
  for (const [member, load] of loads) {
    if (load >= fewest || refuses(election, member)) continue;
    best = member;
    fewest = load;
  }
  return best;
}

/** By code units: the same everywhere. */
function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
