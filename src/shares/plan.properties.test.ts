import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Move, planShares, type SharedLease, type ShareView } from './plan.ts';

const MEMBERS = ['a', 'b', 'c', 'd', 'e'];

/** Elections that members, strangers or nobody hold. */
const leases = fc
  .array(fc.constantFrom(...MEMBERS, 'stranger', null), { minLength: 1, maxLength: 24 })
  .map((holders) => holders.map((holder, i): SharedLease => ({ name: `s${i}`, holder, former: null })));
const members = fc.subarray(MEMBERS, { minLength: 1 });
const view = fc.record<ShareView>({ elections: leases, members });
/** Who would not lead what. */
const refusal = fc
  .array(fc.tuple(fc.nat(23), fc.constantFrom(...MEMBERS)), { maxLength: 60 })
  .map((pairs) => new Set(pairs.map(([i, member]) => `s${i} ${member}`)))
  .map((refused) => (election: string, member: string) => refused.has(`${election} ${member}`));

function loads({ elections, members }: ShareView): Map<string, number> {
  return new Map(members.map((member) => [member, elections.filter(({ holder }) => holder === member).length]));
}

function spreadOf(view: ShareView): number {
  const counts = [...loads(view).values()];
  return Math.max(...counts) - Math.min(...counts);
}

function apply(elections: readonly SharedLease[], moves: readonly Move[]): SharedLease[] {
  const to = new Map(moves.map((move) => [move.election, move.to]));
  return elections.map((lease) => ({ ...lease, holder: to.get(lease.name) ?? lease.holder }));
}

/** Each free one claimed by its heir. */
function claimed(view: ShareView): SharedLease[] {
  const { heirs } = planShares(view);
  return view.elections.map((lease) =>
    lease.holder === null ? { ...lease, holder: heirs.get(lease.name) ?? null } : lease,
  );
}

/** The least number of hand-overs, by trying every way in which the shares can be even. */
function fewestMoves(view: ShareView): number {
  const held = [...loads(view).values()];
  const total =
    held.reduce((sum, count) => sum + count) + view.elections.filter(({ holder }) => holder === null).length;
  const quota = Math.floor(total / held.length);
  let fewest = Number.POSITIVE_INFINITY;
  for (let larger = 0; larger < 2 ** held.length; larger += 1) {
    const isLarger = held.map((_, i) => Math.floor(larger / 2 ** i) % 2);
    if (isLarger.reduce((sum, one) => sum + one) !== total % held.length) continue;
    fewest = Math.min(
      fewest,
      held.reduce((sum, count, i) => sum + Math.max(0, count - quota - isLarger[i]!), 0),
    );
  }
  return fewest;
}

test('once all moves are made and all that is free is claimed, nobody leads two more than another', () => {
  fc.assert(
    fc.property(view, (seen) => {
      const elections = apply(claimed(seen), planShares(seen).moves);
      expect(spreadOf({ ...seen, elections })).toBeLessThanOrEqual(1);
      expect(elections.every(({ holder }) => holder !== null)).toBe(true);
      expect(planShares({ ...seen, elections }).moves).toEqual([]);
    }),
  );
});

test('in the end nobody leads what another would lead, too, who leads two fewer; and nothing goes to whom it must not', () => {
  fc.assert(
    fc.property(view, refusal, fc.array(fc.nat(), { minLength: 400, maxLength: 400 }), (seen, refuses, turns) => {
      const { heirs } = planShares({ ...seen, refuses });
      let elections = seen.elections.map((lease) =>
        lease.holder === null ? { ...lease, holder: heirs.get(lease.name) ?? null } : lease,
      );
      for (const turn of turns) {
        const me = seen.members[turn % seen.members.length]!;
        const move = planShares({ ...seen, elections, refuses }).moves.find(({ from }) => from === me);
        if (move === undefined) continue;
        expect(refuses(move.election, move.to)).toBe(false);
        elections = apply(elections, [move]);
      }
      const counts = loads({ ...seen, elections });
      for (const { name, holder } of elections) {
        for (const member of seen.members) {
          if (!counts.has(holder ?? '') || refuses(name, member)) continue;
          expect(counts.get(holder!)! - counts.get(member)!).toBeLessThanOrEqual(1);
        }
      }
    }),
    { numRuns: 50 },
  );
});

test('there is no way with fewer moves', () => {
  fc.assert(
    fc.property(view, (seen) => {
      expect(planShares(seen).moves).toHaveLength(fewestMoves(seen));
    }),
  );
});

test('whoever sees the same comes to the same plan, in whatever order', () => {
  const shuffled = view.chain((seen) =>
    fc.tuple(
      fc.constant(seen),
      fc.shuffledSubarray([...seen.elections], { minLength: seen.elections.length }),
      fc.shuffledSubarray([...seen.members], { minLength: seen.members.length }),
    ),
  );
  fc.assert(
    fc.property(shuffled, ([seen, elections, others]) => {
      const [one, two] = [planShares(seen), planShares({ elections, members: others })];
      expect(two.moves).toEqual(one.moves);
      expect(new Map([...two.heirs].sort())).toEqual(new Map([...one.heirs].sort()));
    }),
  );
});

test('whoever dies, what it led is spread so that nobody leads two more than another, and nobody else is asked to move', () => {
  const even = view.map((seen) => ({ ...seen, elections: apply(claimed(seen), planShares(seen).moves) }));
  fc.assert(
    fc.property(even, fc.nat(), (seen, which) => {
      const dead = seen.members[which % seen.members.length]!;
      const rest = seen.members.filter((member) => member !== dead);
      const { heirs } = planShares(seen);
      const elections = seen.elections.map((lease) =>
        lease.holder === dead ? { ...lease, holder: heirs.get(lease.name) ?? null } : lease,
      );
      if (rest.length === 0) {
        for (const { name, holder } of seen.elections) if (holder === dead) expect(heirs.has(name)).toBe(false);
        return;
      }
      expect(spreadOf({ elections, members: rest })).toBeLessThanOrEqual(1);
      expect(planShares({ elections, members: rest }).moves).toEqual([]);
    }),
  );
});

test('whoever sees which members, nothing goes to and fro: each move makes the shares more even', () => {
  const views = fc.array(members, { minLength: MEMBERS.length, maxLength: MEMBERS.length });
  fc.assert(
    fc.property(
      leases,
      views,
      refusal,
      fc.array(fc.nat(), { minLength: 1, maxLength: 200 }),
      (start, seen, refuses, turns) => {
        let elections = start;
        let unevenness = sumOfSquares(elections);
        for (const turn of turns) {
          const who = turn % MEMBERS.length;
          const me = MEMBERS[who]!;
          const own = planShares({ elections, members: [...new Set([me, ...seen[who]!])], refuses });
          const move = own.moves.find(({ from }) => from === me);
          if (move === undefined) continue;
          elections = apply(elections, [move]);
          const now = sumOfSquares(elections);
          expect(now).toBeLessThan(unevenness);
          unevenness = now;
        }
      },
    ),
  );
});

test('each doing its own part of what all see, one at a time and in any order, ends with even shares', () => {
  fc.assert(
    fc.property(view, fc.array(fc.nat(), { minLength: 400, maxLength: 400 }), (seen, turns) => {
      let elections = claimed(seen);
      const fewest = fewestMoves({ ...seen, elections });
      let moved = 0;
      for (const turn of turns) {
        const me = seen.members[turn % seen.members.length]!;
        const move = planShares({ ...seen, elections }).moves.find(({ from }) => from === me);
        if (move === undefined) continue;
        elections = apply(elections, [move]);
        moved += 1;
      }
      expect(spreadOf({ ...seen, elections })).toBeLessThanOrEqual(1);
      expect(moved).toBe(fewest);
    }),
    { numRuns: 50 },
  );
});

function sumOfSquares(elections: readonly SharedLease[]): number {
  return [...loads({ elections, members: MEMBERS }).values()].reduce((sum, count) => sum + count ** 2, 0);
}
