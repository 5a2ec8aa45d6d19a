import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { Hazard } from './hazards.ts';
import type { RunSeed } from './system.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The simulation of the sources with one hazard put back. */
export interface Variant {
  readonly runSeed: RunSeed;
}

/**
 * Bundles a system's simulation, from its entry, with a hazard's edits applied.
 *
 * @throws Error when a piece of text to replace is not there exactly once: the hazard no longer fits the sources.
 */
export async function loadVariant(hazard: Hazard, entry: string): Promise<Variant> {
  const directory = await mkdtemp(join(tmpdir(), 'leasegate-sim-'));
  const outfile = join(directory, 'history.mjs');
  const edited = new Set<string>();
  try {
    await build({
      entryPoints: [join(ROOT, entry)],
      bundle: true,
      format: 'esm',
      platform: 'node',
      outfile,
      logLevel: 'silent',
      plugins: [
        {
          name: 'hazard',
          setup: ({ onLoad }) => {
            onLoad({ filter: /\.ts$/ }, async ({ path }) => {
              const file = relative(ROOT, path);
              const source = await readFile(path, 'utf8');
              edited.add(file);
              return { contents: edit(source, file, hazard), loader: 'ts' };
            });
          },
        },
      ],
    });
    const missed = hazard.edits.find(({ file }) => !edited.has(file));
    if (missed !== undefined) throw new Error(`${hazard.code}: the simulation does not use ${missed.file}`);
    return (await import(pathToFileURL(outfile).href)) as Variant;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function edit(source: string, file: string, { code, edits }: Hazard): string {
  return edits
    .filter((change) => change.file === file)
    .reduce((text, { from, to }) => {
      if (text.split(from).length !== 2) throw new Error(`${code}: not exactly once in ${file}: ${from}`);
      return text.replace(from, () => to);
    }, source);
}
