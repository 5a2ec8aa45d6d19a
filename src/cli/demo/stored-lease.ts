import { podOfIdentity } from '../../election/identity.ts';
import type { LeaseStore } from '../../lease-server/index.ts';
import { lease as leaseType } from '../../lease-server/resources/index.ts';
import { DEMO_LEASE, DEMO_TIMINGS } from './timings.ts';
import type { LeaseView } from './view.ts';

/** The Lease as the store has it, timed as a standby times it: others may take it when it stood still for its duration. */
export class StoredLease {
  readonly #store: LeaseStore;
  readonly #unsubscribe: () => void;
  #version = '';
  #changedMs = performance.now();

  /** Creates the Lease empty, as `deploy/` ships it: a free one is taken at once, a missing one is not. */
  constructor(store: LeaseStore) {
    this.#store = store;
    store.create(
      leaseType,
      DEMO_LEASE.namespace,
      { metadata: { name: DEMO_LEASE.name }, spec: {} },
      { nowMs: Date.now() },
    );
    this.#unsubscribe = store.subscribe(() => {
      const version = this.#read()?.metadata.resourceVersion ?? '';
      if (version === this.#version) return;
      this.#version = version;
      this.#changedMs = performance.now();
    });
  }

  get view(): LeaseView {
    const holder = this.#holder;
    return {
      holder: holder === '' ? null : podOfIdentity(holder),
      expiresInMs: holder === '' ? 0 : Math.max(0, this.expiryMs - performance.now()),
    };
  }

  /** Monotonic time at which the present record expires, unless it is renewed. */
  get expiryMs(): number {
    return this.#changedMs + DEMO_TIMINGS.leaseDurationMs;
  }

  close(): void {
    this.#unsubscribe();
  }

  get #holder(): string {
    const spec = this.#read()?.spec as { holderIdentity?: string } | undefined;
    return spec?.holderIdentity ?? '';
  }

  #read() {
    const found = this.#store.get({ type: leaseType, ...DEMO_LEASE });
    return found.ok ? found.value : null;
  }
}
