/** Something that a {@link Roster} lists: it keeps its own place there, -1 while in none. */
export interface Listed {
  place: number;
}

/**
 * What is under way, in no order. A Set would do, but for its price: thousands of additions and removals a second make it leave
 * behind a chain of tables that keeps all it ever held alive until the next full garbage collection.
 */
export class Roster<T extends Listed> {
  readonly #list: T[] = [];

  get size(): number {
    return this.#list.length;
  }

  /** Of this moment: it may be changed while that is gone through. */
  all(): T[] {
    return [...this.#list];
  }

  /** `each` is in no list yet. */
  add(each: T): void {
    each.place = this.#list.push(each) - 1;
  }

  /** False when it is not in the list. */
  remove(each: T): boolean {
    const { place } = each;
    if (place === -1) return false;
    each.place = -1;
    const last = this.#list.pop()!;
    if (last !== each) {
      this.#list[place] = last;
      last.place = place;
    }
    return true;
  }
}
