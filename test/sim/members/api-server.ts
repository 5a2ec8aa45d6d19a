import type { KubeReply, KubeRequest } from '../../../src/kube/transport.ts';
import type { ApiObject, JsonObject } from '../../../src/lease-server/object.ts';
import type { Preconditions } from '../../../src/lease-server/ownership.ts';
import { lease } from '../../../src/lease-server/resources/lease.ts';
import { namespace } from '../../../src/lease-server/resources/namespace.ts';
import { present } from '../../../src/lease-server/resources/resource-type.ts';
import { LeaseStore, type StoreSnapshot } from '../../../src/lease-server/store.ts';
import { decodeLease, EPOCH_MS, reply, statusReply, type WatchEvent } from '../api-server.ts';
import type { SimServer } from '../network.ts';
import type { SeededRandom } from '../random.ts';
import type { Scheduled, World } from '../world.ts';

export const NAMESPACE = 'sim';
export const SOMEBODY = 'somebody';

/** One write that was carried out. */
export interface Write {
  readonly name: string;
  readonly before: ApiObject | null;
  readonly after: ApiObject | null;
  /** A process, or {@link SOMEBODY} with kubectl, or Kubernetes itself. */
  readonly writer: string;
}

type Leases = ReadonlyMap<string, ApiObject>;

interface State {
  readonly resourceVersion: number;
  readonly leases: Leases;
}

const BOOKMARK_EVERY_MS = 60_000;
const WATCH_MS_MIN = 300_000;
const WATCH_MS_MAX = 600_000;

/** The API server of the simulated cluster with many Leases: the embedded server's store and validation under virtual time. */
export class MemberApiServer implements SimServer {
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #store: LeaseStore;
  readonly #watches = new Map<(event: WatchEvent) => void, () => void>();
  /** All states since etcd was made, or restored, the oldest first. */
  readonly #states: State[] = [];
  #writer = SOMEBODY;
  /** Told of each write, before anybody else is. */
  onWrite: (write: Write) => void = () => {};
  /** Told of each read of one Lease, before it is answered. */
  onRead: (name: string, reader: string) => void = () => {};

  constructor(world: World, random: SeededRandom) {
    this.#world = world;
    this.#random = random;
    this.#store = new LeaseStore({ random: random.next, historyLimit: 200 });
    this.#store.create(namespace, '', { metadata: { name: NAMESPACE } }, { nowMs: EPOCH_MS });
    this.#states.push({ resourceVersion: this.#store.resourceVersion, leases: new Map() });
    this.#store.subscribe(() => this.#committed());
  }

  get leases(): Leases {
    return this.#states.at(-1)!.leases;
  }

  handle(request: KubeRequest, writer: string): KubeReply {
    this.#writer = writer;
    const name = nameIn(request.path);
    const options = { nowMs: EPOCH_MS + this.#world.nowMs };
    switch (request.method) {
      case 'GET':
        if (name !== null) this.onRead(name, writer);
        return this.#answer(name, this.#states.length - 1);
      case 'POST': {
        const body = decodeLease(request.body);
        return body.ok
          ? reply(this.#store.create(lease, NAMESPACE, body.value, options), 201)
          : statusReply(body.error);
      }
      case 'PUT': {
        const body = decodeLease(request.body);
        if (!body.ok) return statusReply(body.error);
        const revision = { revise: () => body, subresource: '', replaces: true };
        const written = this.#store.update(targetOf(name!), revision, options);
        return reply(written.ok ? { ok: true, value: written.value.object } : written, 200);
      }
      case 'DELETE': {
        const { preconditions = {} } = (request.body ?? {}) as { preconditions?: Preconditions };
        return reply(this.#store.delete(targetOf(name!), preconditions, options), 200);
      }
      default:
        return { status: 405, body: {}, retryAfterMs: null };
    }
  }

  handleStale(request: KubeRequest, statesBack: number): KubeReply {
    return this.#answer(nameIn(request.path), Math.max(0, this.#states.length - 1 - statesBack));
  }

  watch(since: number, onEvent: (event: WatchEvent) => void, onEnd: () => void): () => void {
    const missed = this.#store.changesAfter(lease, NAMESPACE, since);
    if (missed === undefined || since > this.#store.resourceVersion) {
      onEvent({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } });
      return () => {};
    }
    for (const change of missed) onEvent(eventOf(change));
    this.#watches.set(onEvent, onEnd);
    let bookmark: Scheduled;
    const mark = () => {
      bookmark = this.#world.after(BOOKMARK_EVERY_MS, mark);
      onEvent({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(this.#store.resourceVersion) } } });
    };
    bookmark = this.#world.after(this.#random.between(0, BOOKMARK_EVERY_MS), mark);
    const end = this.#world.after(this.#random.between(WATCH_MS_MIN, WATCH_MS_MAX), onEnd);
    return () => {
      this.#watches.delete(onEvent);
      bookmark.cancel();
      end.cancel();
    };
  }

  /** Somebody takes a backup of etcd. Returns how to restore it: the API server restarts with its etcd. */
  backUp(): () => void {
    const snapshot = this.#store.snapshot();
    const state = this.#states.at(-1)!;
    return () => this.#restore(snapshot, state);
  }

  #restore(snapshot: StoreSnapshot, state: State): void {
    this.#store.restore(snapshot);
    this.#states.splice(0, Number.POSITIVE_INFINITY, state);
    for (const onEnd of [...this.#watches.values()]) onEnd();
  }

  /** Watches can't go back behind this moment. */
  compact(): void {
    this.#store.compact();
  }

  /** Somebody writes on a Lease what its holder says of itself, which is no heartbeat. */
  annotate(name: string, version: string): void {
    const stored = this.leases.get(name);
    if (stored === undefined) return;
    const annotations = { ...stored.metadata.annotations, 'leasegate.dev/version': version };
    const body = { ...present(lease, stored), metadata: { ...stored.metadata, annotations } };
    this.handle({ method: 'PUT', path: pathOf(name), timeoutMs: 0, body }, SOMEBODY);
  }

  /** Somebody deletes a Lease, or Kubernetes does, with the pod that owns it. */
  remove(name: string): void {
    this.handle({ method: 'DELETE', path: pathOf(name), timeoutMs: 0 }, SOMEBODY);
  }

  #answer(name: string | null, at: number): KubeReply {
    const { leases, resourceVersion } = this.#states[at]!;
    if (name === null) {
      const items = [...leases.values()].map((stored) => present(lease, stored));
      return { status: 200, body: { metadata: { resourceVersion: `${resourceVersion}` }, items }, retryAfterMs: null };
    }
    const stored = leases.get(name);
    if (stored !== undefined) return { status: 200, body: present(lease, stored), retryAfterMs: null };
    const body = { kind: 'Status', code: 404, reason: 'NotFound', details: { kind: 'leases', name } };
    return { status: 404, body, retryAfterMs: null };
  }

  #committed(): void {
    const { resourceVersion } = this.#store;
    const change = this.#store.changesAfter(lease, NAMESPACE, resourceVersion - 1)!.at(-1)!;
    const name = (change.object ?? change.previous)!.metadata.name!;
    const leases = new Map(this.leases);
    if (change.object === null) leases.delete(name);
    else leases.set(name, change.object);
    this.#states.push({ resourceVersion, leases });
    this.onWrite({ name, before: change.previous, after: change.object, writer: this.#writer });
    const event = eventOf(change);
    for (const onEvent of [...this.#watches.keys()]) onEvent(event);
  }
}

function eventOf(change: {
  readonly resourceVersion: number;
  readonly previous: ApiObject | null;
  readonly object: ApiObject | null;
}): WatchEvent {
  const { previous, object, resourceVersion } = change;
  if (object !== null) return { type: previous === null ? 'ADDED' : 'MODIFIED', object: present(lease, object) };
  const last = present(lease, previous!) as JsonObject & ApiObject;
  return {
    type: 'DELETED',
    object: { ...last, metadata: { ...last.metadata, resourceVersion: `${resourceVersion}` } },
  };
}

function targetOf(name: string) {
  return { type: lease, namespace: NAMESPACE, name };
}

function pathOf(name: string): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/${name}`;
}

function nameIn(path: string): string | null {
  return /\/leases\/([^/?]+)/.exec(path)?.[1] ?? null;
}
