import type { Action } from './access.ts';

/**
 * Something that goes wrong between a client and the API server.
 *
 * - `cut-off`: requests are accepted and never answered, open watches go silent; what is missed on a watch comes after all
 *   when the fault is lifted, as it would after a lost network came back
 * - `refuse`: connections are destroyed, open watches too
 * - `forbid`: 403, as RBAC answers; access reviews say no
 * - `answer`: that status instead of an answer; nothing is done
 * - `delay`: before the request is dealt with, or after that and before it is answered
 * - `drop-answer`: the request is dealt with, then its connection is destroyed
 */
export type Fault =
  | { readonly kind: 'cut-off' }
  | { readonly kind: 'refuse' }
  | { readonly kind: 'forbid' }
  | { readonly kind: 'answer'; readonly code: number; readonly retryAfterSeconds?: number }
  | { readonly kind: 'delay'; readonly delayMs: number; readonly before: 'commit' | 'answer' }
  | { readonly kind: 'drop-answer' };

/** Which requests meet a fault. What is left out matches all. */
export interface FaultScope {
  readonly token?: string;
  readonly verbs?: readonly string[];
  /** Plural, with the subresource: `leases`, `pods/status`. */
  readonly resource?: string;
  /** The fault ends after this many requests. */
  readonly times?: number;
}

interface Injected {
  readonly fault: Fault;
  readonly scope: FaultScope;
  timesLeft: number;
}

/** The faults in force. Requests to documents (`/version`, `/readyz`) have no verb and meet only faults without one. */
export class FaultPlan {
  readonly #injected = new Set<Injected>();
  readonly #listeners = new Set<() => void>();

  /** Puts a fault into force. Returns how to lift it. */
  inject(fault: Fault, scope: FaultScope = {}): () => void {
    const injected = { fault, scope, timesLeft: scope.times ?? Number.POSITIVE_INFINITY };
    this.#injected.add(injected);
    this.#changed();
    return () => {
      if (this.#injected.delete(injected)) this.#changed();
    };
  }

  /** Lifts the faults of one client, or all. */
  lift(token?: string): void {
    for (const injected of this.#injected) {
      if (token === undefined || injected.scope.token === token) this.#injected.delete(injected);
    }
    this.#changed();
  }

  /** The faults that a request meets, oldest first. Counts against `times`. */
  meet(token: string, action: Action | null): Fault[] {
    return [...this.#matching(token, action)].map((injected) => {
      injected.timesLeft -= 1;
      if (injected.timesLeft <= 0) this.#injected.delete(injected);
      return injected.fault;
    });
  }

  /** Whether nothing may go out to this client now: what an open watch, and an answer about to be sent, ask. */
  severed(token: string, action: Action | null): 'cut-off' | 'refuse' | null {
    for (const { fault } of this.#matching(token, action)) {
      if (fault.kind === 'cut-off' || fault.kind === 'refuse') return fault.kind;
    }
    return null;
  }

  /** Whether RBAC would refuse this. */
  forbids(token: string, action: Action): boolean {
    return [...this.#matching(token, action)].some(({ fault }) => fault.kind === 'forbid');
  }

  /** Calls `listener` whenever faults come or go. Returns how to stop that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  *#matching(token: string, action: Action | null): Generator<Injected> {
    for (const injected of this.#injected) {
      if (matches(injected.scope, token, action)) yield injected;
    }
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function matches(scope: FaultScope, token: string, action: Action | null): boolean {
  if (scope.token !== undefined && scope.token !== token) return false;
  if (scope.verbs !== undefined && (action === null || !scope.verbs.includes(action.verb))) return false;
  if (scope.resource === undefined) return true;
  if (action === null) return false;
  return scope.resource === (action.subresource === '' ? action.resource : `${action.resource}/${action.subresource}`);
}
