import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';

export interface BuilderRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly directory: string;
  readonly env?: NodeJS.ProcessEnv;
  /** What to install, for whom this fails. */
  readonly needs: string;
}

/**
 * Runs a compiler or a package manager to its end; what it prints goes to stderr. At low priority, because a build that takes
 * minutes should leave the machine usable.
 *
 * @throws Error when the command is absent or fails
 */
export function runBuilder({ command, args, directory, env, needs }: BuilderRun): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const builder = spawn(command, args, { cwd: directory, env: { ...process.env, ...env }, stdio: ['ignore', 2, 2] });
  builder.on('error', (error: NodeJS.ErrnoException) => {
    const absent = `${command} is not on the PATH: this needs ${needs}`;
    reject(error.code === 'ENOENT' ? new Error(absent, { cause: error }) : error);
  });
  builder.on('close', (code, signal) => {
    const ended = `${command} ${args.join(' ')} (in ${directory}) ended with ${signal ?? `exit code ${code}`}`;
    if (code === 0) resolve();
    else reject(new Error(`${ended}; it needs ${needs}`));
  });
  try {
    if (builder.pid !== undefined) setPriority(builder.pid, 10);
  } catch {
    // It has ended already, and the handlers above tell why.
  }
  return promise;
}
