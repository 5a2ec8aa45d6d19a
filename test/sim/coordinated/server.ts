import type { KubeReply, KubeRequest } from '../../../src/kube/transport.ts';
import { EPOCH_MS, NAMESPACE, type WatchEvent } from '../api-server.ts';
import type { SimServer } from '../network.ts';
import type { World } from '../world.ts';

export type Plural = 'leases' | 'leasecandidates';

/** A Lease or a LeaseCandidate. */
export interface StoredObject {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    /** In whole seconds. */
    readonly creationTimestamp: string;
    readonly [field: string]: unknown;
  };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** One change in the store. */
export interface Change {
  readonly version: number;
  readonly plural: Plural;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: StoredObject;
  readonly writer: string;
}

const PATH =
  /^\/apis\/coordination\.k8s\.io\/v1(?:beta1)?\/namespaces\/[^/]+\/(leases|leasecandidates)(?:\/([^/?]+))?(?:\?(.*))?$/;
const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const TIMES = ['renewTime', 'acquireTime', 'pingTime'];

/**
 * An API server with the gate CoordinatedLeaderElection on: Leases and LeaseCandidates under compare-and-swap, with what their
 * validation refuses. All happens at one true moment; delays and losses are the network's.
 */
export class CoordinatedServer implements SimServer {
  readonly #world: World;
  readonly #objects = new Map<string, StoredObject>();
  readonly #watches = new Map<(event: WatchEvent) => void, { readonly wanted: Wanted; readonly onEnd: () => void }>();
  readonly #listeners: ((change: Change) => void)[] = [];
  readonly changes: Change[] = [];
  /** Until when a webhook refuses candidates, and by what. */
  #refusing: { readonly untilMs: number; readonly reply: KubeReply } | null = null;
  #version = 1;
  #uids = 0;

  constructor(world: World) {
    this.#world = world;
  }

  onChange(listener: (change: Change) => void): void {
    this.#listeners.push(listener);
  }

  get(plural: Plural, name: string): StoredObject | null {
    return this.#objects.get(`${plural}/${name}`) ?? null;
  }

  all(plural: Plural): StoredObject[] {
    return [...this.#objects].filter(([key]) => key.startsWith(`${plural}/`)).map(([, object]) => object);
  }

  handle(request: KubeRequest, writer: string): KubeReply {
    const [, plural, encodedName, query = ''] = PATH.exec(request.path) ?? [];
    if (plural !== 'leases' && plural !== 'leasecandidates') return refusal(404, 'NotFound', 'no such path');
    const name = encodedName === undefined ? undefined : decodeURIComponent(encodedName);
    const writes = plural === 'leasecandidates' && (request.method === 'POST' || request.method === 'PUT');
    if (writes && this.#refusing !== null && this.#world.nowMs < this.#refusing.untilMs) return this.#refusing.reply;
    switch (request.method) {
      case 'GET':
        return name === undefined ? this.#list(wantedOf(plural, query)) : this.#read(plural, name);
      case 'POST':
        return this.create(plural, request.body as Draft, writer);
      case 'PUT':
        return this.replace(plural, request.body as Draft, writer);
      case 'DELETE':
        return this.remove(
          plural,
          name!,
          writer,
          (request.body as { preconditions?: Preconditions } | null)?.preconditions,
        );
      default:
        return refusal(405, 'MethodNotAllowed', 'not here');
    }
  }

  handleStale(request: KubeRequest): KubeReply {
    return this.handle(request, 'somebody');
  }

  watch(since: number, onEvent: (event: WatchEvent) => void, onEnd: () => void, path: string): () => void {
    const [, plural, , query = ''] = PATH.exec(path) ?? [];
    const wanted = wantedOf(plural as Plural, query);
    for (const change of this.changes) if (change.version > since && matches(wanted, change)) onEvent(eventOf(change));
    this.#watches.set(onEvent, { wanted, onEnd });
    return () => this.#watches.delete(onEvent);
  }

  create(plural: Plural, { metadata, spec }: Draft, writer: string): KubeReply {
    const { name } = metadata;
    if (this.get(plural, name) !== null) return refusal(409, 'AlreadyExists', `${name} already exists`);
    const problem = problemOf(spec);
    if (problem !== null) return refusal(422, 'Invalid', problem);
    this.#uids += 1;
    const seconds = Math.floor((EPOCH_MS + this.#world.nowMs) / 1_000);
    const creationTimestamp = new Date(seconds * 1_000).toISOString().replace('.000', '');
    const object = { metadata: { ...metadata, uid: `uid-${this.#uids}`, creationTimestamp }, spec: pruned(spec) };
    return { status: 201, body: this.#commit(plural, 'ADDED', object, writer), retryAfterMs: null };
  }

  replace(plural: Plural, { metadata, spec }: Draft, writer: string): KubeReply {
    const { name, uid, resourceVersion } = metadata;
    const before = this.get(plural, name);
    if (before === null) return notFound(plural, name);
    if (resourceVersion === undefined) return refusal(422, 'Invalid', 'metadata.resourceVersion: must be specified');
    if (resourceVersion !== before.metadata.resourceVersion || (uid ?? before.metadata.uid) !== before.metadata.uid) {
      return refusal(409, 'Conflict', 'the object has been modified');
    }
    const problem = problemOf(spec);
    if (problem !== null) return refusal(422, 'Invalid', problem);
    const { creationTimestamp } = before.metadata;
    const object = { metadata: { ...metadata, uid: before.metadata.uid, creationTimestamp }, spec: pruned(spec) };
    return { status: 200, body: this.#commit(plural, 'MODIFIED', object, writer), retryAfterMs: null };
  }

  remove(plural: Plural, name: string, writer: string, { uid }: Preconditions = {}): KubeReply {
    const before = this.get(plural, name);
    if (before === null) return notFound(plural, name);
    if ((uid ?? before.metadata.uid) !== before.metadata.uid) return refusal(409, 'Conflict', 'the uid is another');
    return { status: 200, body: this.#commit(plural, 'DELETED', before, writer), retryAfterMs: null };
  }

  /** Whatever a replica writes of candidates is refused, and can be read, for a while. */
  refuseCandidates(reason: 'Conflict' | 'InternalError', forMs: number): void {
    const reply = refusal(reason === 'Conflict' ? 409 : 500, reason, 'a webhook says so');
    this.#refusing = { untilMs: this.#world.nowMs + forMs, reply };
  }

  /** Its watches end. */
  restart(): void {
    for (const { onEnd } of [...this.#watches.values()]) onEnd();
  }

  #read(plural: Plural, name: string): KubeReply {
    const object = this.get(plural, name);
    return object === null ? notFound(plural, name) : { status: 200, body: object, retryAfterMs: null };
  }

  #list(wanted: Wanted): KubeReply {
    const items = this.all(wanted.plural).filter((object) => matches(wanted, { plural: wanted.plural, object }));
    return { status: 200, body: { metadata: { resourceVersion: String(this.#version) }, items }, retryAfterMs: null };
  }

  #commit(
    plural: Plural,
    type: Change['type'],
    {
      metadata,
      spec,
    }: Omit<StoredObject, 'metadata'> & { readonly metadata: Omit<StoredObject['metadata'], 'resourceVersion'> },
    writer: string,
  ): StoredObject {
    this.#version += 1;
    const object = { metadata: { ...metadata, resourceVersion: String(this.#version) }, spec } as StoredObject;
    const key = `${plural}/${object.metadata.name}`;
    if (type === 'DELETED') this.#objects.delete(key);
    else this.#objects.set(key, object);
    const change: Change = { version: this.#version, plural, type, object, writer };
    this.changes.push(change);
    for (const listener of this.#listeners) listener(change);
    const told = eventOf(change);
    for (const [onEvent, { wanted }] of [...this.#watches]) if (matches(wanted, change)) onEvent(told);
    return object;
  }
}

type Draft = {
  readonly metadata: { readonly name: string; readonly uid?: string; readonly resourceVersion?: string };
  readonly spec?: Readonly<Record<string, unknown>>;
};
interface Preconditions {
  readonly uid?: string;
}
interface Wanted {
  readonly plural: Plural;
  readonly name: string | null;
}

function wantedOf(plural: Plural, query: string): Wanted {
  const selector = new URLSearchParams(query).get('fieldSelector') ?? '';
  const [field, value = ''] = selector.split('=');
  if (selector !== '' && field !== 'metadata.name') throw new RangeError(`no field selector: ${selector}`);
  return { plural, name: selector === '' ? null : value };
}

function matches({ plural, name }: Wanted, { plural: of, object }: Pick<Change, 'plural' | 'object'>): boolean {
  return plural === of && (name === null || name === object.metadata.name);
}

function eventOf({ type, object }: Change): WatchEvent {
  return { type, object };
}

/** Null and what is left out are the same. */
function pruned(spec: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== null && value !== undefined));
}

function problemOf(spec: Readonly<Record<string, unknown>> = {}): string | null {
  const badTime = TIMES.find((field) => spec[field] != null && !MICRO_TIME.test(String(spec[field])));
  if (badTime !== undefined) return `${badTime} is no MicroTime`;
  if (typeof spec.leaseDurationSeconds === 'number' && spec.leaseDurationSeconds <= 0) return 'must be greater than 0';
  return spec.preferredHolder && !spec.strategy ? 'preferredHolder without strategy' : null;
}

function refusal(status: number, reason: string, message: string): KubeReply {
  return { status, body: { kind: 'Status', code: status, reason, message }, retryAfterMs: null };
}

function notFound(kind: Plural, name: string): KubeReply {
  const body = { kind: 'Status', code: 404, reason: 'NotFound', message: 'not found', details: { kind, name } };
  return { status: 404, body, retryAfterMs: null };
}

export { NAMESPACE };
