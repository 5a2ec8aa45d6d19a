import type { Signal } from './signals.ts';

/** What a command may touch of its process. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** False when the text was dropped, because what is printed is not read. Never blocks. */
  stdout(text: string): boolean;
  /** Resolves when all of the text is written: null, or why it could not be; waits as long as that takes, and drops nothing. */
  stdoutWhole(text: string): Promise<Error | null>;
  stderr(text: string): void;
  /** The text of a file, or undefined when it can't be read. */
  readFile(path: string): string | undefined;
  /** Calls `listener` on the first SIGTERM or SIGINT; at once, when it has come already. */
  onSignal(listener: (signal: Signal) => void): void;
  /**
   * What the first signal began can be cut short: calls `listener` on a further one, which otherwise ends the process. Returns the
   * way to end this.
   */
  onImpatience(listener: () => void): () => void;
}

/** A subcommand: resolves to the exit code. 0 done, 1 failed or refused, 2 not usable as called, or nobody there to ask. */
export type Command = (argv: readonly string[], context: CommandContext) => Promise<number>;
