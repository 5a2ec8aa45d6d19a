import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { endWithThisProcess } from '../../cluster/support/child-guard.ts';
import { monotonicMs } from './clocks.ts';

/** A program that was started and that ends with this one at the latest. */
export class Program {
  readonly spawnedAtMs: number;
  readonly #child: ChildProcess;

  constructor(command: readonly string[], options: { env: NodeJS.ProcessEnv; logFile: string; pipeStdout?: boolean }) {
    const [file = '', ...args] = command;
    const log = openSync(options.logFile, 'a');
    this.spawnedAtMs = monotonicMs();
    this.#child = spawn(file, args, { env: options.env, stdio: ['ignore', options.pipeStdout ? 'pipe' : log, log] });
    closeSync(log);
    endWithThisProcess(this.#child);
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the process did not start');
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get stdout(): NodeJS.ReadableStream {
    if (this.#child.stdout === null) throw new Error('stdout goes to the log');
    return this.#child.stdout;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it with SIGTERM. */
  async stop(): Promise<void> {
    if (!this.running) return;
    const exited = once(this.#child, 'exit');
    this.kill('SIGTERM');
    await exited;
  }
}
