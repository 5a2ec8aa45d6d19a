import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. `quiet: false` shows what it writes. */
export function execute(command: string, argv: readonly string[], options: { quiet?: boolean } = {}): Outcome {
  const { status, stdout, stderr, error } = spawnSync(command, argv, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', options.quiet === false ? 'inherit' : 'pipe'],
  });
  if (error !== undefined) throw error;
  return { status, stdout: stdout.trim(), stderr: stderr ?? '' };
}

/** Like {@link execute}, and returns what it wrote; throws unless it exits with 0. */
export function output(command: string, argv: readonly string[], options: { quiet?: boolean } = {}): string {
  const { status, stdout, stderr } = execute(command, argv, options);
  if (status !== 0) throw new Error(`${command} ${argv.join(' ')}: exit code ${status}\n${stderr}`);
  return stdout;
}

export interface RunningProgram {
  /** The first line of its output, from where it was last read, that contains `text`. */
  line(text: string): Promise<string>;
  readonly exitCode: Promise<number | null>;
}

const LINE_MS_MAX = 30_000;

/** Starts a program that goes on running. What it writes to stderr is shown. */
export function launch(command: string, argv: readonly string[]): RunningProgram {
  const child = spawn(command, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    exitCode: new Promise((resolve) => child.once('exit', resolve)),
    async line(text) {
      const timer = setTimeout(() => child.kill('SIGKILL'), LINE_MS_MAX);
      try {
        for (let next = await lines.next(); !next.done; next = await lines.next()) {
          if (next.value.includes(text)) return next.value;
        }
      } finally {
        clearTimeout(timer);
      }
      throw new Error(`ended, or did not say ${text} within ${LINE_MS_MAX} ms: ${command} ${argv.join(' ')}`);
    },
  };
}
