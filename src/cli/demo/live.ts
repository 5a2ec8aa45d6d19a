import type { Group } from './group.ts';
import { type KeyAction, readKeys } from './keys.ts';
import { paint } from './line.ts';
import { ASCII, KEYS_EXPLAINED, render, UNICODE } from './render.ts';
import { showsColours, showsUnicode, Terminal } from './terminal.ts';

const DRAW_INTERVAL_MS = 200;
/** Changes are shown at once, but not more often than this. */
const DRAW_INTERVAL_MS_MIN = 40;

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
}

/** The view in a terminal, and its keys. */
export class LiveView {
  readonly #group: Group;
  readonly #surroundings: Surroundings;
  readonly #terminal: Terminal;
  readonly #quit: () => void;
  /** Null until a key is pressed: the first leader is offered. */
  #selected: number | null = null;
  #ticker: NodeJS.Timeout | null = null;
  #soon: NodeJS.Timeout | null = null;

  /** `quit` is called when the keys ask for it. */
  constructor(group: Group, surroundings: Surroundings, quit: () => void) {
    this.#group = group;
    this.#surroundings = surroundings;
    this.#quit = quit;
    this.#terminal = new Terminal(surroundings.input, surroundings.output, {
      keys: (text) => this.#keys(text),
      resize: () => this.#draw(),
    });
  }

  open(): void {
    this.#terminal.enter();
    this.#draw();
    this.#ticker = setInterval(() => this.#draw(), DRAW_INTERVAL_MS);
  }

  /** Something changed: draws soon. */
  changed(): void {
    this.#soon ??= setTimeout(() => this.#draw(), DRAW_INTERVAL_MS_MIN);
  }

  close(): void {
    clearInterval(this.#ticker ?? undefined);
    clearTimeout(this.#soon ?? undefined);
    this.#terminal.leave();
  }

  get #selection(): number {
    const { leader, replicas } = this.#group;
    return this.#selected ?? (leader === null ? 0 : replicas.indexOf(leader));
  }

  #draw(): void {
    clearTimeout(this.#soon ?? undefined);
    this.#soon = null;
    const { env } = this.#surroundings;
    const { screen } = this.#terminal;
    const lines = render(this.#group.view(this.#selection), screen, showsUnicode(env) ? UNICODE : ASCII);
    this.#terminal.draw(lines.map((line) => paint(line, screen.columns, showsColours(env))));
  }

  #keys(text: string): void {
    for (const action of readKeys(text, this.#group.replicas.length)) {
      if (action.kind === 'quit') return this.#quit();
      if (action.kind === 'select') this.#selected = action.index;
      else if (action.kind === 'explain') this.#group.journal.add(KEYS_EXPLAINED, 'faint');
      else this.#act(action.kind);
    }
    this.#draw();
  }

  #act(kind: Exclude<KeyAction['kind'], 'select' | 'explain' | 'quit'>): void {
    this.#selected = this.#selection;
    const group = this.#group;
    const replica = group.replicas[this.#selected]!;
    if (kind === 'freeze') group.do(replica, replica.frozen ? 'continue' : 'freeze');
    else if (kind === 'cut') group.do(replica, group.isCutOff(replica) ? 'reconnect' : 'cut-off');
    else group.do(replica, kind);
  }
}
