import { isDeepStrictEqual } from 'node:util';
import type { Random } from '../ports/clock.ts';
import { type Change, History } from './history.ts';
import { randomSuffix, randomUid } from './ids.ts';
import type { ApiObject } from './object.ts';
import { deletionConflict, immutableProblems, ownedMetadata, type Preconditions } from './ownership.ts';
import { namespace as namespaceType } from './resources/namespace.ts';
import { kindNoun, pluralNoun, type ResourceType } from './resources/resource-type.ts';
import {
  alreadyExists,
  conflict,
  fail,
  invalid,
  notFound,
  ok,
  type Result,
  type Status,
  unforeseen,
} from './status.ts';
import { formatSeconds } from './time.ts';
import { type Cause, invalidValue, metadataProblems } from './validation.ts';

export interface StoreOptions {
  /** For uids and generated names. */
  readonly random: Random;
  /** Writes that watches can go back; between this many and twice as many are kept. @defaultValue 1000 */
  readonly historyLimit?: number;
  /** Objects of all types together. @defaultValue 10000 */
  readonly objectLimit?: number;
}

/** A state of the store, to go back to. */
export interface StoreSnapshot {
  readonly resourceVersion: number;
  readonly objects: ReadonlyMap<string, ReadonlyMap<string, ApiObject>>;
}

export interface WriteOptions {
  /** Wall clock, for creationTimestamp and expiry. */
  readonly nowMs: number;
  /** Everything is checked and answered, nothing is kept. */
  readonly dryRun?: boolean;
}

/** Which object: `namespace` is empty for types without one. */
export interface Target {
  readonly type: ResourceType;
  readonly namespace: string;
  readonly name: string;
}

export interface Revision {
  /** The new object, from the present one. */
  readonly revise: (current: ApiObject | undefined) => Result<ApiObject>;
  readonly subresource: string;
  /** PUT: the object's uid must be the present one's, and an absent object may be created. PATCH: neither. */
  readonly replaces: boolean;
}

export interface Written {
  readonly object: ApiObject;
  readonly created: boolean;
}

/**
 * Objects under compare-and-swap, with kube-apiserver's rules. Synchronous and without clock, timers or I/O: a simulation
 * may own it. Stored objects are shared with readers and with the history: they are replaced, never changed.
 *
 * Guarantees: one counter numbers all writes, also across deletions; a write that fails changes nothing; a write that
 * changes nothing gets no new number.
 */
export class LeaseStore {
  readonly #random: Random;
  readonly #objectLimit: number;
  readonly #historyLimit: number;
  readonly #objects = new Map<string, Map<string, ApiObject>>();
  #history: History;
  readonly #listeners = new Set<() => void>();
  #resourceVersion = 1;
  #objectCount = 0;

  constructor(options: StoreOptions) {
    this.#random = options.random;
    this.#objectLimit = options.objectLimit ?? 10_000;
    this.#historyLimit = options.historyLimit ?? 1000;
    this.#history = new History(this.#historyLimit, 0);
  }

  /** The number of the last write. */
  get resourceVersion(): number {
    return this.#resourceVersion;
  }

  /** The version before which events are gone. */
  get compactedTo(): number {
    return this.#history.compactedTo;
  }

  get(target: Target): Result<ApiObject> {
    const found = this.#find(target);
    return found === undefined ? fail(notFound(pluralNoun(target.type), target.name)) : ok(found);
  }

  /** All objects of a namespace, or of every one when it is empty; ordered by namespace and name. */
  list(type: ResourceType, namespace: string): ApiObject[] {
    return [...this.#collection(type)]
      .filter(([, object]) => namespace === '' || object.metadata.namespace === namespace)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object);
  }

  /** Changes of one type after a version; undefined when they are no longer all there. */
  changesAfter(type: ResourceType, namespace: string, since: number): Change[] | undefined {
    if (since < this.#history.compactedTo) return undefined;
    return this.#history
      .after(since)
      .filter((change) => change.storage === type.storage && (namespace === '' || change.namespace === namespace));
  }

  /** Calls `listener` after each committed write. Returns how to stop that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Forgets the history, as etcd's compaction or a restart of kube-apiserver does. Open watches are not affected. */
  compact(): void {
    this.#history.compact(this.#resourceVersion);
  }

  /** All that is stored at this moment. Cheap: stored objects are never changed. */
  snapshot(): StoreSnapshot {
    return { resourceVersion: this.#resourceVersion, objects: copyOf(this.#objects) };
  }

  /**
   * Goes back to a snapshot, as when etcd is restored from a backup: numbers that were given out since are given out again.
   * Listeners are not told; watches must be opened anew.
   */
  restore(snapshot: StoreSnapshot): void {
    this.#objects.clear();
    for (const [storage, objects] of copyOf(snapshot.objects)) this.#objects.set(storage, objects);
    this.#objectCount = [...this.#objects.values()].reduce((count, objects) => count + objects.size, 0);
    this.#resourceVersion = snapshot.resourceVersion;
    this.#history = new History(this.#historyLimit, snapshot.resourceVersion);
  }

  create(type: ResourceType, namespace: string, object: ApiObject, options: WriteOptions): Result<ApiObject> {
    this.#expire(type, options.nowMs);
    const version = readVersion(object.metadata.resourceVersion ?? '');
    if (typeof version === 'bigint' && version !== 0n) {
      return fail(unforeseen('resourceVersion should not be set on objects to be created'));
    }
    return this.#create(type, namespace, object, options);
  }

  update(target: Target, revision: Revision, options: WriteOptions): Result<Written> {
    const { type, name } = target;
    this.#expire(type, options.nowMs);
    const current = this.#find(target);
    if (current === undefined && !revision.replaces) return fail(notFound(pluralNoun(type), name));
    const revised = revision.revise(current);
    if (!revised.ok) return revised;
    const metadata = revised.value.metadata;
    const uid = metadata.uid ?? '';
    if (revision.replaces && uid !== '' && uid !== (current?.metadata.uid ?? '')) {
      return fail(conflict(pluralNoun(type), name, this.#uidMismatch(target, uid, current)));
    }
    const version = readVersion(metadata.resourceVersion ?? '');
    if (typeof version !== 'bigint') return version;
    if (current === undefined) {
      if (!type.createOnUpdate) return fail(notFound(pluralNoun(type), name));
      const created = this.#create(type, target.namespace, revised.value, options);
      return created.ok ? ok({ object: created.value, created: true }) : created;
    }
    const unconditional = version === 0n;
    if (unconditional && !type.unconditionalUpdate) {
      const cause = invalidValue('metadata.resourceVersion', 0, 'must be specified for an update');
      return fail(invalid(pluralNoun(type), name, [cause]));
    }
    if (!unconditional && version !== BigInt(current.metadata.resourceVersion ?? 0)) {
      const why = 'the object has been modified; please apply your changes to the latest version and try again';
      return fail(conflict(pluralNoun(type), name, why));
    }
    return this.#replace(target, current, revised.value, revision.subresource, options);
  }

  /** The last state, when it is gone; with finalizers the object stays, marked for deletion. */
  delete(target: Target, preconditions: Preconditions, options: WriteOptions): Result<ApiObject> {
    const { type, name } = target;
    this.#expire(type, options.nowMs);
    const current = this.#find(target);
    if (current === undefined) return fail(notFound(pluralNoun(type), name));
    const refused = deletionConflict(current.metadata, preconditions);
    if (refused !== null) return fail(conflict(kindNoun(type), name, refused));
    if (options.dryRun === true) return ok(current);
    if ((current.metadata.finalizers ?? []).length === 0) return ok(this.#remove(target, current));
    if (typeof current.metadata.deletionTimestamp === 'string') return ok(current);
    const metadata = {
      ...current.metadata,
      deletionTimestamp: formatSeconds(options.nowMs),
      deletionGracePeriodSeconds: 0,
    };
    return ok(this.#commit(target, current, { ...current, metadata }));
  }

  #create(type: ResourceType, namespace: string, object: ApiObject, options: WriteOptions): Result<ApiObject> {
    const {
      resourceVersion: _,
      uid: __,
      deletionTimestamp: ___,
      deletionGracePeriodSeconds: ____,
      ...given
    } = object.metadata;
    const name =
      given.name ?? (given.generateName === undefined ? undefined : given.generateName + randomSuffix(this.#random));
    const initial = type.initialise({
      ...object,
      metadata: {
        ...given,
        ...(name !== undefined && { name }),
        ...(type.namespaced && { namespace }),
        uid: randomUid(this.#random),
        creationTimestamp: formatSeconds(options.nowMs),
      },
    });
    const target = { type, namespace, name: name ?? '' };
    const refused = this.#namespaceMissing(target) ?? problemsOf(target, initial, []);
    if (refused !== null) return fail(refused);
    if (this.#find(target) !== undefined) return fail(alreadyExists(pluralNoun(type), target.name));
    if (this.#objectCount >= this.#objectLimit) return fail(unforeseen('etcdserver: mvcc: database space exceeded'));
    return ok(options.dryRun === true ? initial : this.#commit(target, null, initial));
  }

  #replace(
    target: Target,
    current: ApiObject,
    revised: ApiObject,
    subresource: string,
    options: WriteOptions,
  ): Result<Written> {
    const admitted = target.type.admitUpdate(revised, current, subresource);
    const next: ApiObject = { ...admitted, metadata: ownedMetadata(admitted.metadata, current.metadata) };
    const refused = problemsOf(target, next, immutableProblems(admitted.metadata, current.metadata));
    if (refused !== null) return fail(refused);
    if (isDeepStrictEqual(next, current)) return ok({ object: current, created: false });
    if (options.dryRun === true) return ok({ object: next, created: false });
    const released =
      typeof next.metadata.deletionTimestamp === 'string' && (next.metadata.finalizers ?? []).length === 0;
    if (!released) return ok({ object: this.#commit(target, current, next), created: false });
    // Watches are told of the last state that was stored; what the client sent is answered and never stored.
    this.#remove(target, current);
    return ok({ object: next, created: false });
  }

  #commit(target: Target, previous: ApiObject | null, next: ApiObject): ApiObject {
    const object = this.#stamped(next);
    this.#collection(target.type).set(keyOf(target), object);
    if (previous === null) this.#objectCount += 1;
    this.#record(target, previous, object);
    return object;
  }

  /** The last state under the number of its deletion. */
  #remove(target: Target, last: ApiObject): ApiObject {
    this.#collection(target.type).delete(keyOf(target));
    this.#objectCount -= 1;
    const object = this.#stamped(last);
    this.#record(target, last, null);
    return object;
  }

  #stamped(object: ApiObject): ApiObject {
    this.#resourceVersion += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#resourceVersion) } };
  }

  #record(target: Target, previous: ApiObject | null, object: ApiObject | null): void {
    const { namespace, type } = target;
    this.#history.record({
      resourceVersion: this.#resourceVersion,
      storage: type.storage,
      namespace,
      previous,
      object,
    });
    for (const listener of [...this.#listeners]) listener();
  }

  /** Removes what has outlived its type's time. Collections are in order of creation. */
  #expire(type: ResourceType, nowMs: number): void {
    if (type.timeToLiveMs === 0) return;
    for (const object of this.#collection(type).values()) {
      const { creationTimestamp, name = '', namespace = '' } = object.metadata;
      if (Date.parse(creationTimestamp ?? '') + type.timeToLiveMs > nowMs) return;
      this.#remove({ type, namespace, name }, object);
    }
  }

  #namespaceMissing({ type, namespace }: Target): Status | null {
    if (!type.namespaced) return null;
    const found = this.#find({ type: namespaceType, namespace: '', name: namespace });
    return found === undefined ? notFound(pluralNoun(namespaceType), namespace) : null;
  }

  #uidMismatch({ type, namespace, name }: Target, uid: string, current: ApiObject | undefined): string {
    const key = `/registry/${type.plural}/${namespace}/${name}`;
    const present = current?.metadata.uid ?? '';
    return `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${present}`;
  }

  #find(target: Target): ApiObject | undefined {
    return this.#collection(target.type).get(keyOf(target));
  }

  #collection(type: ResourceType): Map<string, ApiObject> {
    const existing = this.#objects.get(type.storage);
    if (existing !== undefined) return existing;
    const collection = new Map<string, ApiObject>();
    this.#objects.set(type.storage, collection);
    return collection;
  }
}

/** A resourceVersion as Go's uint64; 0 when it is empty. */
function readVersion(text: string): bigint | ReturnType<typeof fail> {
  const refuse = (why: string) => fail(unforeseen(`strconv.ParseUint: parsing "${text}": ${why}`));
  if (!/^\d*$/.test(text)) return refuse('invalid syntax');
  const digits = text.replace(/^0+/, '');
  const version = digits.length > 20 ? null : BigInt(digits);
  return version !== null && version < 2n ** 64n ? version : refuse('value out of range');
}

const keyOf = ({ namespace, name }: Target): string => `${namespace}/${name}`;

function problemsOf(target: Target, object: ApiObject, further: readonly Cause[]): Status | null {
  const causes = [
    ...further,
    ...metadataProblems(object.metadata, (name) => target.type.nameProblems(name)),
    ...target.type.problems(object),
  ];
  return causes.length === 0 ? null : invalid(kindNoun(target.type), target.name, causes);
}

function copyOf(objects: ReadonlyMap<string, ReadonlyMap<string, ApiObject>>): Map<string, Map<string, ApiObject>> {
  return new Map([...objects].map(([storage, members]) => [storage, new Map(members)]));
}
