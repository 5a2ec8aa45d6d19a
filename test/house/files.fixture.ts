import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What is made, fetched or kept by tools. */
const NOT_OURS = new Set(['node_modules', '.git', 'dist', 'coverage', '.artifacts']);

export interface SourceFile {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
}

/** The project's files below `folder` whose names end in one of `endings`. */
export function filesIn(folder: string, endings: readonly string[]): SourceFile[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = relative(ROOT, join(ROOT, folder, entry.name));
    if (entry.isDirectory()) return filesIn(path, endings);
    if (!entry.isFile() || !endings.some((ending) => entry.name.endsWith(ending))) return [];
    return [{ path, text: readFileSync(join(ROOT, path), 'utf8') }];
  });
}

/** Whether a file belongs to tests: it is bound by what tests need, not by the directions. */
export const isTestCode = ({ path }: SourceFile) => /\.test\.ts$|fixture\.ts$/.test(path);

/** The code of a file: comments taken out. */
export function codeOf({ text }: SourceFile): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(?<=^|[\s;{}(,])\/\/.*$/gm, '');
}
