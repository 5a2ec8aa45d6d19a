import type { Timers } from '../ports/clock.ts';
import type { Pass, Passage } from './gate.ts';
import { Roster } from './roster.ts';

/** What a leader that is alive may take to refuse what it has not begun: that can still be brought to the next one. */
const REFUSAL_MS = 1_000;

/**
 * Work that this replica has brought to others. A leader that is stopped ends nothing that runs through it; who brought it there
 * learns of the next leader, and does.
 */
export class OutwardPasses {
  readonly #passes = new Roster<OutwardPass>();
  readonly #timers: Timers;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Lets a passage through to the replica of that identity. */
  enter(passage: Passage, leader: string): Pass {
    const pass = new OutwardPass(this.#passes, passage, leader);
    this.#passes.add(pass);
    return pass;
  }

  /** `leader` is known to lead: ends what went to anybody else, and has not ended by itself a moment later. */
  succeeded(leader: string): void {
    const former = this.#passes.all().filter((pass) => pass.leader !== leader);
    if (former.length === 0) return;
    for (const pass of former) pass.isFormer = true;
    this.#timers.after(REFUSAL_MS, () => {
      for (const pass of former) pass.cut();
    });
  }
}

class OutwardPass implements Pass {
  readonly fencingToken = null;
  readonly leader: string;
  readonly #passes: Roster<OutwardPass>;
  #passage: Passage;
  /** Whether anybody else is known to lead by now. */
  isFormer = false;
  /** For its {@link Roster}. */
  place = -1;

  constructor(passes: Roster<OutwardPass>, passage: Passage, leader: string) {
    this.#passes = passes;
    this.#passage = passage;
    this.leader = leader;
  }

  begins(): boolean {
    if (this.isFormer) this.cut();
    return this.open();
  }

  open(): boolean {
    return this.place !== -1;
  }

  goOnAs(passage: Passage): void {
    this.#passage = passage;
  }

  leave(): void {
    this.#passes.remove(this);
  }

  cut(): void {
    if (this.#passes.remove(this)) this.#passage.cut();
  }
}
