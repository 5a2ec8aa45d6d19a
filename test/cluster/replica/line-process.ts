import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { endWithThisProcess } from '../support/child-guard.ts';
import { monoMs } from './clock.ts';

export interface LineProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly onLine: (line: string) => void;
}

/** A child process that speaks in lines on stdout. It ends with this process at the latest. */
export class LineProcess {
  /** What it wrote to stderr. */
  stderr = '';
  /** When it was told to end by a signal that it can't handle, or ended: it does nothing from then on. */
  endedAtMs: number | null = null;
  readonly startedAtMs: number;
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;

  constructor({ command, args, env, onLine }: LineProcessOptions) {
    this.startedAtMs = monoMs();
    this.#child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    endWithThisProcess(this.#child);
    createInterface({ input: this.#child.stdout! }).on('line', onLine);
    this.#child.stderr!.on('data', (chunk: Buffer) => {
      this.stderr += chunk;
    });
    this.#child.once('exit', () => {
      this.endedAtMs ??= monoMs();
    });
    this.#closed = once(this.#child, 'close');
    this.#closed.catch((error: unknown) => {
      this.stderr += `${error}`;
    });
  }

  /** @throws Error when it could not be started */
  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`it did not start: ${this.stderr}`);
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Null while it runs, and when a signal ended it. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** SIGTERM. Returns when it was sent. */
  terminate(): number {
    const atMs = monoMs();
    this.#child.kill('SIGTERM');
    return atMs;
  }

  /** SIGKILL. Returns when it was sent. */
  kill(): number {
    const atMs = monoMs();
    if (this.running) this.endedAtMs ??= atMs;
    this.#child.kill('SIGKILL');
    return atMs;
  }

  /** SIGSTOP: it keeps its memory and connections, and does nothing. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  /** SIGCONT. Returns the moment before. */
  resume(): number {
    const atMs = monoMs();
    this.#child.kill('SIGCONT');
    return atMs;
  }

  /** Resolves when it has ended and all its lines have been read. */
  async closed(): Promise<void> {
    await this.#closed;
  }
}
