import type { Change } from './history.ts';
import type { ApiObject, JsonObject } from './object.ts';
import { apiVersion, present, type ResourceType } from './resources/resource-type.ts';
import type { Predicate } from './selector.ts';
import { type Status, tooOld } from './status.ts';
import type { LeaseStore } from './store.ts';

export interface WatchQuery {
  readonly type: ResourceType;
  /** Empty for all. */
  readonly namespace: string;
  readonly selects: Predicate;
  /** Events after this version; null for the present state as ADDED events, and what follows it. */
  readonly since: number | null;
  readonly bookmarks: boolean;
  /** 0 leaves it to the server. */
  readonly timeoutSeconds: number;
}

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: JsonObject }
  | { readonly type: 'ERROR'; readonly object: Status };

/**
 * A watch as a cursor into the store's history. It keeps no events of its own: one that isn't polled for long falls out of
 * the history and ends with a 410.
 */
export class Watch {
  readonly #store: LeaseStore;
  readonly #query: WatchQuery;
  #cursor: number | null;
  #ended = false;

  constructor(store: LeaseStore, query: WatchQuery) {
    this.#store = store;
    this.#query = query;
    this.#cursor = query.since;
  }

  /** Whether an ERROR was handed out: nothing follows. */
  get ended(): boolean {
    return this.#ended;
  }

  /** What has happened since the last poll. */
  poll(): WatchEvent[] {
    if (this.#ended) return [];
    if (this.#cursor === null) return this.#presentState();
    const { type, namespace } = this.#query;
    const changes = this.#store.changesAfter(type, namespace, this.#cursor);
    if (changes === undefined) {
      this.#ended = true;
      return [{ type: 'ERROR', object: tooOld(this.#cursor, this.#store.compactedTo) }];
    }
    // A version that is not reached yet is waited for.
    this.#cursor = Math.max(this.#cursor, this.#store.resourceVersion);
    return changes.flatMap((change) => this.#eventOf(change) ?? []);
  }

  /** How far this watch has come, with nothing but a resourceVersion; none while that is where it began. */
  bookmark(): WatchEvent[] {
    const began = this.#query.since ?? 0;
    return this.#cursor === null || this.#cursor <= began ? [] : [this.#bookmark()];
  }

  #bookmark(annotations?: Readonly<Record<string, string>>): WatchEvent {
    const { type } = this.#query;
    const metadata = { resourceVersion: String(this.#cursor ?? 0), ...(annotations && { annotations }) };
    const spec = type.schema.fields.spec?.whenUnset === undefined ? {} : { spec: {} };
    return { type: 'BOOKMARK', object: { kind: type.kind, apiVersion: apiVersion(type), metadata, ...spec } };
  }

  #presentState(): WatchEvent[] {
    const { type, namespace, selects, bookmarks } = this.#query;
    this.#cursor = this.#store.resourceVersion;
    const added = this.#store.list(type, namespace).filter(selects);
    return [
      ...added.map((object): WatchEvent => ({ type: 'ADDED', object: present(type, object) })),
      ...(bookmarks ? [this.#bookmark({ 'k8s.io/initial-events-end': 'true' })] : []),
    ];
  }

  /** An object that leaves the selection is DELETED for this watch: in its last matching state, at the version of the change. */
  #eventOf({ previous, object, resourceVersion }: Change): WatchEvent | undefined {
    const { type, selects } = this.#query;
    const before = previous !== null && selects(previous) ? previous : null;
    if (object !== null && selects(object)) {
      return { type: before === null ? 'ADDED' : 'MODIFIED', object: present(type, object) };
    }
    return before === null ? undefined : { type: 'DELETED', object: present(type, at(before, resourceVersion)) };
  }
}

const at = (object: ApiObject, resourceVersion: number): ApiObject => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: String(resourceVersion) },
});
