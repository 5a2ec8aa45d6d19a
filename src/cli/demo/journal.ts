import type { Tone } from './line.ts';
import type { JournalEntry } from './view.ts';

const ENTRIES_MAX = 100;
const TEXT_CHARS_MAX = 400;

/** What happened, in words, newest last. */
export class Journal {
  readonly #entries: JournalEntry[] = [];
  readonly #onEntry: (entry: JournalEntry) => void;

  constructor(onEntry: (entry: JournalEntry) => void) {
    this.#onEntry = onEntry;
  }

  get entries(): readonly JournalEntry[] {
    return this.#entries;
  }

  /** What others wrote may be part of `text`: it is kept to one line, and to characters that a terminal just shows. */
  add(text: string, tone: Tone = 'plain'): void {
    const shown = text.replace(/[\s\p{Cc}]+/gu, ' ').slice(0, TEXT_CHARS_MAX);
    const entry = { atWallMs: Date.now(), text: shown, tone };
    this.#entries.push(entry);
    if (this.#entries.length > ENTRIES_MAX) this.#entries.shift();
    this.#onEntry(entry);
  }
}
