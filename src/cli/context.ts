/** What a command may touch of its process. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  stdout(text: string): void;
  stderr(text: string): void;
  /** The text of a file, or undefined when it can't be read. */
  readFile(path: string): string | undefined;
  /** Calls `listener` on each SIGTERM and SIGINT. */
  onSignal(listener: (signal: 'SIGTERM' | 'SIGINT') => void): void;
}

/** A subcommand: resolves to the exit code. 0 done, 1 failed, 2 not usable as called. */
export type Command = (argv: readonly string[], context: CommandContext) => Promise<number>;
