import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { sweep } from './sweep.ts';
import { SYSTEMS, systemOf } from './systems.ts';

export const TABLE_PATH = fileURLToPath(new URL('../../docs/simulation-hazards.md', import.meta.url));
export const TABLE_COMMAND = 'node test/sim/find-hazards.ts --write';
/** A hazard that takes longer to find is not found. */
export const SEEDS_MAX = 20_000;

/** The first history, counted from seed 1, in which a hazard shows. */
export interface Finding {
  readonly code: string;
  readonly what: string;
  readonly seed: number;
  readonly invariant: number;
}

/** Null when no history up to {@link SEEDS_MAX} breaks an invariant. */
export async function findHazard(system: string, code: string): Promise<Finding | null> {
  const { what } = systemOf(system).hazards.find((hazard) => hazard.code === code)!;
  const { broken } = await sweep({ system, from: 1, count: SEEDS_MAX, hazard: code, firstOnly: true });
  const [first] = broken;
  return first === undefined ? null : { code, what, seed: first.seed, invariant: first.violations[0]!.invariant };
}

export function formatTable(findings: readonly Finding[]): string {
  const tables = SYSTEMS.map(({ name, hazards }) => {
    const codes = hazards.map(({ code }) => code);
    const rows = findings
      .filter(({ code }) => codes.includes(code))
      .map(({ code, what, seed, invariant }) => `| ${code} | ${what} | ${seed} | ${invariant} |`);
    return `## ${name[0]!.toUpperCase()}${name.slice(1)}

| | mistake | first seed | invariant broken |
|---|---|---|---|
${rows.join('\n')}
`;
  });
  return `# Mistakes that the simulation finds

Each of these is put back into a copy of the sources, and histories are run from seed 1 on until one breaks an invariant; the
sources as they are break none in the same history. H1 to H13 are mistakes of client-go and its users, R1 and on were found or
feared here, as those of heartbeats (M) were. What the invariants say stands in [test/sim](../test/sim/README.md). Written by \`${TABLE_COMMAND}\`.

${tables.join('\n')}`;
}

export async function readTable(): Promise<Finding[]> {
  const text = await readFile(TABLE_PATH, 'utf8');
  return [...text.matchAll(/^\| ([A-Z]\d+) \| (.*) \| (\d+) \| (\d+) \|$/gm)].map(
    ([, code = '', what = '', seed, invariant]) => ({ code, what, seed: Number(seed), invariant: Number(invariant) }),
  );
}
