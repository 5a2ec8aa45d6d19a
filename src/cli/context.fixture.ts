import type { CommandContext } from './context.ts';

/** A command's surroundings in a test: what it prints is kept, and signals are sent by hand. */
export class TestContext implements CommandContext {
  readonly env: CommandContext['env'];
  out = '';
  err = '';
  readonly #listeners: ((signal: 'SIGTERM' | 'SIGINT') => void)[] = [];
  readonly #printed = Promise.withResolvers<void>();

  constructor(env: CommandContext['env'] = {}) {
    this.env = env;
  }

  /** Resolves when something stands on stdout. */
  get printed(): Promise<void> {
    return this.#printed.promise;
  }

  stdout(text: string): boolean {
    this.out += text;
    this.#printed.resolve();
    return true;
  }

  /** What becomes of whole texts. */
  stdoutError: Error | null = null;

  stdoutWhole(text: string): Promise<Error | null> {
    if (this.stdoutError === null) this.stdout(text);
    return Promise.resolve(this.stdoutError);
  }

  stderr(text: string): void {
    this.err += text;
  }

  readFile(_path: string): string | undefined {
    return undefined;
  }

  onSignal(listener: (signal: 'SIGTERM' | 'SIGINT') => void): void {
    this.#listeners.push(listener);
  }

  onImpatience(): () => void {
    return () => {};
  }

  signal(signal: 'SIGTERM' | 'SIGINT'): void {
    for (const listener of this.#listeners) listener(signal);
  }
}
