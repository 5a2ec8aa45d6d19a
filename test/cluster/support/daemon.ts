import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { endWithThisProcess } from './child-guard.ts';

const pollEveryMs = 50;

export interface DaemonOptions {
  /** For messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Receives stderr, and stdout unless that has a file of its own; appended. */
  readonly logFile: string;
  readonly stdoutFile?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** A child process in the background that ends with this process at the latest. */
export class Daemon {
  readonly name: string;
  readonly logFile: string;
  readonly #child: ChildProcess;
  #spawnError: Error | undefined;

  constructor(options: DaemonOptions) {
    this.name = options.name;
    this.logFile = options.logFile;
    const log = openSync(options.logFile, 'a');
    const stdout = options.stdoutFile === undefined ? log : openSync(options.stdoutFile, 'a');
    try {
      this.#child = spawn(options.command, options.args, {
        stdio: ['ignore', stdout, log],
        env: options.env ?? process.env,
      });
    } finally {
      closeSync(log);
      if (stdout !== log) closeSync(stdout);
    }
    this.#child.on('error', (error) => {
      this.#spawnError = error;
    });
    endWithThisProcess(this.#child);
  }

  /** @throws Error when the process could not be started */
  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.name} did not start`, { cause: this.#spawnError });
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /**
   * Waits until `ready` resolves to true; its rejections count as "not yet".
   *
   * @throws DaemonFailed when the process ends first or the time is over; its message ends with the log's last lines
   */
  async untilReady(ready: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!(await ready().catch(() => false))) {
      if (!this.running) throw await this.#failed('ended before it was ready');
      if (performance.now() > deadline) throw await this.#failed(`was not ready after ${timeoutMs} ms`);
      await sleep(pollEveryMs);
    }
  }

  /** SIGSTOP: the process keeps its memory and connections, and answers nothing. */
  pause(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  /** SIGCONT. */
  resume(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** Asks the process to end with SIGTERM, and ends it with SIGKILL after `graceMs`; 0 kills at once. */
  async stop(graceMs: number): Promise<void> {
    if (!this.running) return;
    const exited = once(this.#child, 'exit');
    if (graceMs > 0) {
      // A paused process handles no SIGTERM.
      this.resume();
      this.#child.kill('SIGTERM');
      await Promise.race([exited, sleep(graceMs, undefined, { ref: false })]);
    }
    if (this.running) this.#child.kill('SIGKILL');
    await exited;
  }

  async #failed(what: string): Promise<DaemonFailed> {
    const log = await readFile(this.logFile, 'utf8').catch(() => '');
    const lastLines = log.trimEnd().split('\n').slice(-8).join('\n');
    return new DaemonFailed(`${this.name} ${what}; ${this.logFile} ends with:\n${lastLines}`, {
      cause: this.#spawnError,
    });
  }
}

/** A process that did not become ready. The message carries the end of its log. */
export class DaemonFailed extends Error {
  override readonly name = 'DaemonFailed';
}
