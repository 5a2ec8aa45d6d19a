import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Ends the process with a word on what to do, unless these programs and root's rights are at hand. */
export function requireTools(names: readonly string[]): void {
  const missing = names.filter((name) => !isOnPath(name));
  const problems = [
    ...(process.getuid?.() === 0 ? [] : ['run it as root']),
    ...(missing.length === 0 ? [] : [installing(missing)]),
  ];
  if (problems.length === 0) return;
  console.error(`test:image can't run here: ${problems.join('; ')}`);
  process.exit(1);
}

/** The command that installs packages of Debian's. */
export function installing(packages: Iterable<string>): string {
  return `apt-get install -y --no-install-recommends ${[...packages].join(' ')}`;
}

/** Whether a program can be called by its name. */
export function isOnPath(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((at) => isExecutable(join(at, name)));
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
