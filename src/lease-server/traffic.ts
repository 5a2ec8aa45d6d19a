/** More clients than this are counted together, under the empty token. */
const CLIENTS_MAX = 1000;

/** Counts the requests of each client by verb, as they arrive: also those that then meet a fault. */
export class Traffic {
  readonly #counts = new Map<string, Map<string, number>>();

  count(token: string, verb: string): void {
    const known = this.#counts.has(token) || this.#counts.size < CLIENTS_MAX;
    const client = known ? token : '';
    const verbs = this.#counts.get(client) ?? new Map<string, number>();
    verbs.set(verb, (verbs.get(verb) ?? 0) + 1);
    this.#counts.set(client, verbs);
  }

  /** Requests of one client by verb; `other` are those to no resource. */
  of(token: string): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts.get(token) ?? []);
  }

  /** All requests of one client. */
  total(token: string): number {
    return [...(this.#counts.get(token)?.values() ?? [])].reduce((sum, count) => sum + count, 0);
  }
}
