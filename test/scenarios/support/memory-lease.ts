import type { Challenger, LeaseContent, LeaseRecord, RequestOutcome } from '../../../src/election/index.ts';

const NOTHING_SAID = {
  preferredHolder: '',
  holderAddress: null,
  holderPriority: null,
  nextHolder: '',
  challenger: null,
};

type StoreEvent =
  | { readonly kind: 'observed'; readonly record: LeaseRecord }
  | { readonly kind: 'deleted'; readonly record: LeaseRecord };

/** The store's part of the bargain, and nothing more: one Lease, written by compare-and-swap, told to watchers in order. */
export class MemoryLease {
  record: LeaseRecord | null;
  readonly watchers = new Set<(event: StoreEvent) => void>();
  #version = 100;
  #uids = 0;

  /** A Lease that was shipped free with the manifests, or none. */
  constructor(exists = true) {
    this.record = null;
    if (exists) this.put({ holder: '', leaseDurationMs: 0, renewTime: null, acquireTime: null, transitions: 0 });
  }

  get version(): string {
    return String(this.#version);
  }

  read(): RequestOutcome {
    return this.record === null ? { kind: 'absent' } : { kind: 'ok', record: this.record };
  }

  create(content: LeaseContent): RequestOutcome {
    if (this.record !== null) return { kind: 'conflict' };
    return { kind: 'ok', record: this.put(fieldsOf(content)) };
  }

  update(base: LeaseRecord, content: LeaseContent): RequestOutcome {
    return this.#replace(base, fieldsOf(content));
  }

  challenge(base: LeaseRecord, challenger: Challenger): RequestOutcome {
    return this.#replace(base, { challenger });
  }

  #replace(base: LeaseRecord, fields: Partial<LeaseRecord>): RequestOutcome {
    if (this.record?.uid !== base.uid || this.record.resourceVersion !== base.resourceVersion)
      return { kind: 'conflict' };
    return { kind: 'ok', record: this.put(fields) };
  }

  /** Somebody edits the Lease by hand. */
  put(fields: Partial<LeaseRecord>): LeaseRecord {
    this.#version += 1;
    const before = this.record ?? { ...NOTHING_SAID, uid: `lease-${++this.#uids}`, raw: {} };
    this.record = { ...before, ...fields, resourceVersion: this.version } as LeaseRecord;
    this.#tell({ kind: 'observed', record: this.record });
    return this.record;
  }

  /** Somebody deletes the Lease. */
  delete(): void {
    const { record } = this;
    if (record === null) return;
    this.#version += 1;
    this.record = null;
    this.#tell({ kind: 'deleted', record: { ...record, resourceVersion: this.version } });
  }

  #tell(event: StoreEvent): void {
    for (const watcher of [...this.watchers]) watcher(event);
  }
}

function fieldsOf({ leaseDurationSeconds, ...same }: LeaseContent): Partial<LeaseRecord> {
  return { ...same, challenger: null, leaseDurationMs: leaseDurationSeconds * 1_000 };
}
