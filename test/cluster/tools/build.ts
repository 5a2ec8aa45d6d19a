import { access, constants, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  allTools,
  defaultTools,
  isToolName,
  type ToolName,
  toolKey,
  toolNamed,
  toolPath,
  toolsDir,
} from './catalog.ts';
import { withMachineLock } from './machine-lock.ts';
import { make, needs, removeOutdated } from './recipes.ts';

export { type ToolName, toolsDir } from './catalog.ts';

/** A tool that is not there, or that is out of date. The message names the command that helps. */
export class MissingTool extends Error {
  override readonly name = 'MissingTool';
}

/**
 * Where a tool is.
 *
 * @throws MissingTool when it has not been built, or has been built from other pins or sources than the present ones
 */
export async function findTool(name: ToolName): Promise<string> {
  const path = await toolPath(name);
  if (comesReadyMade(name)) {
    if (await isExecutable(path)) return path;
    throw new MissingTool(
      `${name} is not in ${path}, where KUBEBUILDER_ASSETS points: install envtest's binaries there, or unset it`,
    );
  }
  if (await isUpToDate(name, path)) return path;
  throw new MissingTool(
    `${name} is not built: run \`node test/cluster/tools/build.ts ${name}\` (looked in ${path}); it needs ${needs[toolNamed(name).recipe]}`,
  );
}

/**
 * Builds what is not there yet. A cold build of the default tools takes minutes; afterwards this returns at
 * once. Several processes may call it at the same time: one builds, the others wait.
 *
 * @param say - told what is being done, one line at a time
 * @returns the path of each tool
 * @throws MissingTool when a ready-made binary is absent; Error when a compiler or package manager is absent, or the build fails
 */
export async function ensureTools<Name extends ToolName = ToolName>(
  names: readonly Name[] = defaultTools as readonly Name[],
  say: (line: string) => void = (line) => console.error(line),
): Promise<Record<Name, string>> {
  const paths = {} as Record<Name, string>;
  for (const name of names) {
    if (!comesReadyMade(name) && !(await isUpToDate(name, await toolPath(name)))) await buildLocked(name, say);
    paths[name] = await findTool(name);
  }
  return paths;
}

async function buildLocked(name: ToolName, say: (line: string) => void): Promise<void> {
  const directory = await toolsDir();
  await mkdir(directory, { recursive: true });
  const waiting = () => say(`${name}: waiting for another build in ${directory}`);
  await withMachineLock(`leasegate-tools ${directory}`, waiting, async () => {
    const path = join(directory, name);
    if (await isUpToDate(name, path)) return;
    await build(name, path, say);
  });
}

async function build(name: ToolName, path: string, say: (line: string) => void): Promise<void> {
  const tool = toolNamed(name);
  const key = await toolKey(name);
  const unfinished = `${path}.${process.pid}.tmp`;
  const startedAt = performance.now();
  say(`${name}: building ${tool.recipe === 'go' && tool.package !== '.' ? tool.package : tool.module}`);
  try {
    await make(tool, unfinished, path, key);
    // The stamp comes last: a build cut short between the two only counts as out of date.
    await rename(unfinished, path);
    await writeFile(`${unfinished}.key`, key);
    await rename(`${unfinished}.key`, stampOf(path));
    await removeOutdated(path, key);
  } finally {
    await rm(unfinished, { force: true });
    await rm(`${unfinished}.key`, { force: true });
  }
  say(`${name}: built in ${Math.round((performance.now() - startedAt) / 1000)} s: ${path}`);
}

function comesReadyMade(name: ToolName): boolean {
  return Boolean(process.env.KUBEBUILDER_ASSETS) && toolNamed(name).inKubebuilderAssets;
}

async function isUpToDate(name: ToolName, path: string): Promise<boolean> {
  if (!(await isExecutable(path))) return false;
  const stamp = await readFile(stampOf(path), 'utf8').catch(() => '');
  return stamp === (await toolKey(name));
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function stampOf(path: string): string {
  return `${path}.key`;
}

async function main(wanted: string[]): Promise<number> {
  const unknown = wanted.filter((name) => !isToolName(name));
  if (unknown.length > 0) {
    console.error(`usage: node test/cluster/tools/build.ts [TOOL…]
Unknown: ${unknown.join(', ')}. Known: ${allTools.join(', ')}. Without names: ${defaultTools.join(', ')}.`);
    return 2;
  }
  try {
    const paths = await ensureTools(wanted.length > 0 ? wanted.filter(isToolName) : defaultTools);
    for (const [name, path] of Object.entries(paths)) console.log(`${name}\t${path}`);
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
