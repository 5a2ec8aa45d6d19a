import type { Pass, Passage } from './gate.ts';
import { Roster } from './roster.ts';

/**
 * Work that this replica has brought to others. A leader that is stopped ends nothing that runs through it; who brought it there
 * learns of the next leader, and does.
 */
export class OutwardPasses {
  readonly #passes = new Roster<OutwardPass>();

  /** Lets a passage through to the replica of that identity. */
  enter(passage: Passage, leader: string): Pass {
    const pass = new OutwardPass(this.#passes, passage, leader);
    this.#passes.add(pass);
    return pass;
  }

  /** Ends what went to anybody but `leader`. */
  cutFormer(leader: string): void {
    for (const pass of this.#passes.all()) if (pass.leader !== leader) pass.cut();
  }
}

class OutwardPass implements Pass {
  readonly fencingToken = null;
  readonly leader: string;
  readonly #passes: Roster<OutwardPass>;
  #passage: Passage;
  /** For its {@link Roster}. */
  place = -1;

  constructor(passes: Roster<OutwardPass>, passage: Passage, leader: string) {
    this.#passes = passes;
    this.#passage = passage;
    this.leader = leader;
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
