import { basename, delimiter, dirname, relative } from 'node:path';

export interface Start {
  /** The script as Node was given it, absolute and with links as they are: `process.argv[1]`. */
  readonly script: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
}

/** How to start leasegate once more the way that this process was started, in a shell in the same directory. */
export function invocation({ script, env, directory }: Start): string {
  // npx puts the project's own Node first on the path, which `node …` in another shell would lack.
  if (env.npm_command === 'exec') return 'npx leasegate';
  const near = relative(directory, script);
  const path = near.startsWith('..') ? script : near;
  if (/\.[cm]?[jt]s$/.test(script)) return `node ${shellWord(path)}`;
  if (env.PATH?.split(delimiter).includes(dirname(script))) return shellWord(basename(script));
  return shellWord(path.includes('/') ? path : `./${path}`);
}

/** The text as one word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
