import { HAZARDS } from './hazards.ts';
import { loadVariant } from './variant.ts';

/** Prints, for each hazard, the first seed whose history breaks an invariant, and which. */
const SEEDS_MAX = Number(process.argv[2] ?? 20_000);
const only = process.argv[3];
let missed = 0;
for (const hazard of HAZARDS.filter(({ code }) => only === undefined || code === only)) {
  const { runHistory } = await loadVariant(hazard);
  let found: string | null = null;
  for (let seed = 1; seed <= SEEDS_MAX && found === null; seed += 1) {
    const [violation] = (await runHistory({ seed })).violations;
    if (violation !== undefined) found = `seed ${seed}, invariant ${violation.invariant}: ${violation.what}`;
  }
  if (found === null) missed += 1;
  console.log(`${hazard.code}\t${found ?? `not found within ${SEEDS_MAX} seeds`}`);
}
process.exitCode = missed > 0 ? 1 : 0;
