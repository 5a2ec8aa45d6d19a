import type { KubeReply, KubeRequest } from '../../src/kube/transport.ts';
import type { ApiObject, JsonObject } from '../../src/lease-server/object.ts';
import { lease } from '../../src/lease-server/resources/lease.ts';
import { namespace } from '../../src/lease-server/resources/namespace.ts';
import { present } from '../../src/lease-server/resources/resource-type.ts';
import { decode } from '../../src/lease-server/schema.ts';
import type { Result, Status } from '../../src/lease-server/status.ts';
import { LeaseStore, type StoreSnapshot } from '../../src/lease-server/store.ts';
import type { SeededRandom } from './random.ts';
import type { World } from './world.ts';

export const NAMESPACE = 'sim';
export const LEASE = 'lease';
const TARGET = { type: lease, namespace: NAMESPACE, name: LEASE };

/** Virtual time begins here. */
export const EPOCH_MS = Date.UTC(2030, 0, 1);

/** One state of the Lease in the store, or its absence. */
export interface Version {
  readonly resourceVersion: number;
  readonly lease: ApiObject | null;
  /** Who wrote it: a process, or `somebody` with kubectl. */
  readonly writer: string;
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: unknown;
}

/**
 * The API server of the simulated cluster: the embedded server's store and validation under virtual time, with the routes
 * that an elector uses. Everything happens at one true moment; delays and losses are the network's.
 */
export class SimApiServer {
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #watches = new Map<(event: WatchEvent) => void, () => void>();
  /** All states so far, the oldest first. */
  readonly versions: Version[] = [{ resourceVersion: 0, lease: null, writer: 'somebody' }];
  readonly #listeners: ((before: Version, after: Version) => void)[] = [];
  readonly #store: LeaseStore;
  #writer = 'somebody';

  constructor(world: World, random: SeededRandom) {
    this.#world = world;
    this.#random = random;
    this.#store = this.#fresh();
  }

  get latest(): Version {
    return this.versions.at(-1)!;
  }

  onWrite(listener: (before: Version, after: Version) => void): void {
    this.#listeners.push(listener);
  }

  /** Does what `request` asks, as `writer`. */
  handle(request: KubeRequest, writer: string): KubeReply {
    this.#writer = writer;
    const options = { nowMs: EPOCH_MS + this.#world.nowMs };
    switch (request.method) {
      case 'GET':
        return request.path.includes('?') ? this.#list(this.latest) : this.#read(this.latest);
      case 'POST': {
        const body = decodeLease(request.body);
        if (!body.ok) return statusReply(body.error);
        return reply(this.#store.create(lease, NAMESPACE, body.value, options), 201);
      }
      case 'PUT': {
        const body = decodeLease(request.body);
        if (!body.ok) return statusReply(body.error);
        const written = this.#store.update(TARGET, { revise: () => body, subresource: '', replaces: true }, options);
        return reply(written.ok ? { ok: true, value: written.value.object } : written, 200);
      }
      case 'DELETE':
        return reply(this.#store.delete(TARGET, {}, options), 200);
      default:
        return { status: 405, body: {}, retryAfterMs: null };
    }
  }

  /** What a lagging replica of the API server would answer to a read: a state of the past. */
  handleStale(request: KubeRequest, statesBack: number): KubeReply {
    const old = this.versions[Math.max(0, this.versions.length - 1 - statesBack)]!;
    return request.path.includes('?') ? this.#list(old) : this.#read(old);
  }

  /** Calls `onEvent` for each change after a version, at the moment of the change. */
  watch(since: number, onEvent: (event: WatchEvent) => void, onEnd: () => void): () => void {
    const changes = this.#store.changesAfter(lease, NAMESPACE, since);
    if (changes === undefined || since > this.latest.resourceVersion) {
      onEvent({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } });
      return () => {};
    }
    const known = this.versions.findLastIndex((version) => version.resourceVersion <= since);
    for (const version of this.versions.slice(known + 1)) onEvent(this.#eventOf(version));
    this.#watches.set(onEvent, onEnd);
    return () => this.#watches.delete(onEvent);
  }

  /** Somebody edits the Lease's spec by hand. */
  edit(change: JsonObject): void {
    const { lease: current } = this.latest;
    if (current === null) return;
    this.handle(
      {
        method: 'PUT',
        path: '',
        timeoutMs: 0,
        body: { ...present(lease, current), spec: { ...(current.spec as object), ...change } },
      },
      'somebody',
    );
  }

  /** Somebody deletes the Lease. */
  remove(): void {
    this.handle({ method: 'DELETE', path: '', timeoutMs: 0 }, 'somebody');
  }

  /** Somebody creates the Lease. */
  create(spec: JsonObject): void {
    const body = { metadata: { name: LEASE, namespace: NAMESPACE }, spec };
    this.handle({ method: 'POST', path: '', timeoutMs: 0, body }, 'somebody');
  }

  /** Somebody takes a backup of etcd. */
  backUp(): () => void {
    const snapshot = this.#store.snapshot();
    return () => this.#restore(snapshot);
  }

  /** Watches can't go back behind this moment. */
  compact(): void {
    this.#store.compact();
  }

  #restore(snapshot: StoreSnapshot): void {
    this.#store.restore(snapshot);
    this.#writer = 'somebody';
    this.#remember();
    // The API server restarts with its etcd.
    for (const onEnd of [...this.#watches.values()]) onEnd();
  }

  #read(version: Version): KubeReply {
    if (version.lease !== null) return { status: 200, body: present(lease, version.lease), retryAfterMs: null };
    return {
      status: 404,
      body: { kind: 'Status', code: 404, reason: 'NotFound', details: { kind: 'leases', name: LEASE } },
      retryAfterMs: null,
    };
  }

  #list(version: Version): KubeReply {
    const items = version.lease === null ? [] : [present(lease, version.lease)];
    return {
      status: 200,
      body: { metadata: { resourceVersion: String(version.resourceVersion) }, items },
      retryAfterMs: null,
    };
  }

  #eventOf(version: Version): WatchEvent {
    if (version.lease !== null) return { type: 'MODIFIED', object: present(lease, version.lease) };
    const before = this.versions[this.versions.indexOf(version) - 1]?.lease;
    const last = before ? present(lease, before) : {};
    const metadata = { ...(last as ApiObject).metadata, resourceVersion: String(version.resourceVersion) };
    return { type: 'DELETED', object: { ...last, metadata } };
  }

  #fresh(): LeaseStore {
    const store = new LeaseStore({ random: this.#random.next, historyLimit: 100 });
    store.create(namespace, '', { metadata: { name: NAMESPACE } }, { nowMs: EPOCH_MS });
    store.subscribe(() => this.#committed());
    return store;
  }

  #remember(): Version {
    const found = this.#store.get(TARGET);
    const resourceVersion = this.#store.resourceVersion;
    const after: Version = { resourceVersion, lease: found.ok ? found.value : null, writer: this.#writer };
    this.versions.push(after);
    return after;
  }

  #committed(): void {
    const before = this.latest;
    const after = this.#remember();
    for (const listener of this.#listeners) listener(before, after);
    const event = this.#eventOf(after);
    for (const onEvent of [...this.#watches.keys()]) onEvent(event);
  }
}

/** A Lease as the API server reads it from a request. */
export function decodeLease(body: unknown): Result<ApiObject> {
  const decoded = decode(lease.schema, body as JsonObject);
  if (decoded.error === null) return { ok: true, value: decoded.value as unknown as ApiObject };
  return {
    ok: false,
    error: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code: 400, message: decoded.error },
  };
}

export function reply(result: Result<ApiObject>, status: number): KubeReply {
  return result.ok ? { status, body: present(lease, result.value), retryAfterMs: null } : statusReply(result.error);
}

export function statusReply(error: Status): KubeReply {
  return { status: error.code, body: error, retryAfterMs: null };
}
