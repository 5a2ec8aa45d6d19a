import type { Tone } from './line.ts';
import type { JournalEntry } from './view.ts';

const ENTRIES_MAX = 100;

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

  add(text: string, tone: Tone = 'plain'): void {
    const entry = { atWallMs: Date.now(), text, tone };
    this.#entries.push(entry);
    if (this.#entries.length > ENTRIES_MAX) this.#entries.shift();
    this.#onEntry(entry);
  }
}
