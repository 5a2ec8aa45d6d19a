const ENTER = '\x1b[?1049h\x1b[?25l\x1b[2J';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_TO_LINE_END = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/** What is drawn on. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
}

/** The terminal while it is ours: another screen, no cursor, keys one by one. */
export class Terminal {
  readonly #input: NodeJS.ReadStream;
  readonly #output: NodeJS.WriteStream;
  readonly #onKeys: (text: string) => void;
  readonly #onResize: () => void;
  readonly #restore = () => this.leave();
  #entered = false;

  constructor(
    input: NodeJS.ReadStream,
    output: NodeJS.WriteStream,
    handlers: { keys(text: string): void; resize(): void },
  ) {
    this.#input = input;
    this.#output = output;
    this.#onKeys = (text) => handlers.keys(text);
    this.#onResize = () => handlers.resize();
  }

  get screen(): Screen {
    return { columns: this.#output.columns || 80, rows: this.#output.rows || 24 };
  }

  /** Takes the terminal; it is given back at the latest when the process exits, and before an error is printed. */
  enter(): void {
    this.#entered = true;
    process.once('exit', this.#restore);
    process.once('uncaughtExceptionMonitor', this.#restore);
    this.#input.setRawMode(true);
    this.#input.setEncoding('utf8').on('data', this.#onKeys).resume();
    this.#output.on('resize', this.#onResize);
    this.#output.write(ENTER);
  }

  /** Replaces what is shown. Nothing is cleared before it is written again, so that it does not flicker. */
  draw(lines: readonly string[]): void {
    if (!this.#entered) return;
    // Without a line end after the last row, which would scroll.
    this.#output.write(HOME + lines.map((line) => line + CLEAR_TO_LINE_END).join('\r\n') + CLEAR_BELOW);
  }

  /** Gives the terminal back as it was. May be called again. */
  leave(): void {
    if (!this.#entered) return;
    this.#entered = false;
    process.off('exit', this.#restore);
    process.off('uncaughtExceptionMonitor', this.#restore);
    this.#output.off('resize', this.#onResize);
    this.#input.off('data', this.#onKeys).pause();
    this.#input.setRawMode(false);
    this.#output.write(LEAVE);
  }
}

/** Whether a terminal with this environment shows characters beyond ASCII; one that says nothing is taken to. */
export function showsUnicode(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return locale === '' || /utf-?8/i.test(locale);
}

/** https://no-color.org */
export function showsColours(env: Readonly<Record<string, string | undefined>>): boolean {
  return !env.NO_COLOR && env.TERM !== 'dumb';
}
