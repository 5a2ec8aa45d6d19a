import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Ends the process with a word on what to do, unless these programs and root's rights are at hand. */
export function requireTools(names: readonly string[]): void {
  const missing = names.filter((name) => !(process.env.PATH ?? '').split(delimiter).some((at) => runs(join(at, name))));
  const problems = [
    ...(process.getuid?.() === 0 ? [] : ['run it as root']),
    ...(missing.length === 0 ? [] : [`apt-get install -y --no-install-recommends ${missing.join(' ')}`]),
  ];
  if (problems.length === 0) return;
  console.error(`test:image can't run here: ${problems.join('; ')}`);
  process.exit(1);
}

function runs(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
