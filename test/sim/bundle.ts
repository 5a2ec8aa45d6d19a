import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import type { Hazard } from './hazards.ts';
import type { RunSeed } from './system.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What a bundle exports, as the entry that it was made of does. */
export interface Bundle {
  readonly runSeed: RunSeed;
}

/**
 * Bundles a system's simulation, from its entry, with a hazard's edits applied if there is one, and hands its URL to `use`: the
 * file is there until that is over.
 *
 * @throws Error when a piece of text to replace is not there exactly once: the hazard no longer fits the sources.
 */
export async function withBundle<Result>(
  entry: string,
  hazard: Hazard | null,
  use: (url: string) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'leasegate-sim-'));
  const outfile = join(directory, 'history.mjs');
  try {
    await build({
      entryPoints: [join(ROOT, entry)],
      bundle: true,
      format: 'esm',
      platform: 'node',
      outfile,
      logLevel: 'silent',
      plugins: hazard === null ? [] : [putBack(hazard)],
    });
    return await use(pathToFileURL(outfile).href);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function putBack(hazard: Hazard): Plugin {
  const used = new Set<string>();
  return {
    name: 'hazard',
    setup: ({ onLoad, onEnd }) => {
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const file = relative(ROOT, path);
        used.add(file);
        return { contents: edit(await readFile(path, 'utf8'), file, hazard), loader: 'ts' };
      });
      onEnd(() => {
        const missed = hazard.edits.find(({ file }) => !used.has(file));
        if (missed !== undefined) throw new Error(`${hazard.code}: the simulation does not use ${missed.file}`);
      });
    },
  };
}

function edit(source: string, file: string, { code, edits }: Hazard): string {
  return edits
    .filter((change) => change.file === file)
    .reduce((text, { from, to }) => {
      if (text.split(from).length !== 2) throw new Error(`${code}: not exactly once in ${file}: ${from}`);
      return text.replace(from, () => to);
    }, source);
}
