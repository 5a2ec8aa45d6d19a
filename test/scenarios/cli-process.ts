import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../../scripts/build/bundle.ts';
import { loaderSource } from '../../scripts/build/code-cache.ts';

/** The CLI as it is shipped, but for the bytecode: ten processes start from it in the time that two take from source. */
export async function bundleCli(): Promise<{ readonly script: string } & Disposable> {
  const directory = mkdtempSync(join(tmpdir(), 'leasegate-cli-'));
  const script = join(directory, 'leasegate.js');
  await bundle(directory);
  writeFileSync(script, loaderSource());
  return { script, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
}

/** `leasegate` as a process of its own. */
export class CliProcess {
  readonly #child: ChildProcess;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  out = '';
  err = '';

  /** @param stdout file descriptor to write to instead; `out` stays empty then */
  constructor(
    script: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    stdout: 'pipe' | number = 'pipe',
  ) {
    this.#child = spawn(process.execPath, [script, ...args], {
      stdio: ['ignore', stdout, 'pipe'],
      env: { PATH: process.env.PATH, ...env },
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
    });
    this.exited = new Promise((resolve) => this.#child.once('close', (code, signal) => resolve({ code, signal })));
  }

  /** Resolves to the match as soon as it stands on stdout; rejects when the process ends without it. */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(this.out);
        if (match !== null) resolve(match);
      };
      this.#child.stdout!.on('data', look);
      void this.exited.then(() => reject(new Error(`ended without ${pattern}: ${this.out}${this.err}`)));
      look();
    });
  }

  /** Does not read stdout any more: what is written to it fails from now on. */
  closeStdout(): void {
    this.#child.stdout!.destroy();
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it in any case. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.signal('SIGKILL');
    await this.exited;
  }
}

/** Resolves when no process has this id. */
export async function processGone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
