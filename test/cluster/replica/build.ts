import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';

const execute = promisify(execFile);
const root = resolve(import.meta.dirname, '../../..');

declare module 'vitest' {
  interface ProvidedContext {
    /** Program and arguments that run Leasegate, up to the subcommand. */
    leasegate: string[];
  }
}

/** Vitest's global setup: builds what is shipped, so that the suite proves that and not the sources beside it. */
export async function setup(project: TestProject): Promise<void> {
  await execute('npm', ['run', 'build'], { cwd: root });
  const bundle = join(root, 'dist', 'leasegate.js');
  if (!existsSync(bundle)) throw new Error(`npm run build has not made ${bundle}`);
  project.provide('leasegate', [process.execPath, bundle]);
}
