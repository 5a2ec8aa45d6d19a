import { COORDINATED_HAZARDS } from './coordinated/hazards.ts';
import { runSeed as runCoordinatedSeed } from './coordinated/history.ts';
import { HAZARDS } from './hazards.ts';
import { runSeed } from './history.ts';
import { MEMBER_HAZARDS } from './members/hazards.ts';
import { runSeed as runMembersSeed } from './members/history.ts';
import type { System } from './system.ts';

/** All that is simulated. */
export const SYSTEMS: readonly System[] = [
  { name: 'election', share: 1, runSeed, entry: 'test/sim/history.ts', hazards: HAZARDS },
  {
    name: 'members',
    share: 0.25,
    runSeed: runMembersSeed,
    entry: 'test/sim/members/history.ts',
    hazards: MEMBER_HAZARDS,
  },
  {
    name: 'coordinated',
    share: 0.1,
    runSeed: runCoordinatedSeed,
    entry: 'test/sim/coordinated/history.ts',
    hazards: COORDINATED_HAZARDS,
  },
];

/** @throws RangeError for a name that none has */
export function systemOf(name: string): System {
  const found = SYSTEMS.find((system) => system.name === name);
  if (found !== undefined) return found;
  throw new RangeError(`no system is called ${name}: ${SYSTEMS.map((system) => system.name).join(', ')}`);
}

/** How a history is looked at by hand. */
export function replayOf(system: string, seed: number): string {
  return `npm run sim -- ${system === SYSTEMS[0]!.name ? '' : `--system ${system} `}--seed ${seed} --trace`;
}
