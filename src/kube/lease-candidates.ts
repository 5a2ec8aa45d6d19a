import type {
  CandidateOutcome,
  CandidateStore,
  CandidateWatchHandlers,
  LeaseCandidate,
} from '../ports/lease-candidates.ts';
import type { ObjectMeta, Watching } from '../ports/publisher.ts';
import type { RemovalOutcome } from '../ports/request-failure.ts';
import type { CallTarget, Verb } from './client.ts';
import { ListWatch } from './list-watch.ts';
import { isObject } from './object-meta.ts';
import { failed, outcomeOf, removeObject } from './object-outcome.ts';
import type { WatchPorts } from './watch-stream.ts';

/** By it Kubernetes chooses the candidate of the lowest emulation version, then of the lowest version, then the oldest. */
const STRATEGY = 'OldestEmulationVersion';

export interface CandidateStoreOptions {
  /** API version: its fields are the same in all that are known. */
  readonly version: string;
  readonly lease: { readonly namespace: string; readonly name: string };
  /** Name of the candidate, and of the holder in the Lease. */
  readonly identity: string;
  /** Semantic version, without "v". */
  readonly appVersion: string;
  /** Kubernetes deletes the candidate with this pod, which has to be in the Lease's namespace. Null outside of one. */
  readonly owner: { readonly name: string; readonly uid: string } | null;
}

/** A candidate that does not watch is deaf: the API server waits 5 s for an answer, and chooses among those that gave one. */
const WATCH_TIMEOUT_MS = 5_000;
const WATCH_RETRY_MS_MAX = 3_000;
const PAGE_SIZE = 500;
const PAGES_MAX = 20;

/** A replica's LeaseCandidate. */
export class LeaseCandidateStore implements CandidateStore {
  readonly #ports: WatchPorts;
  readonly #options: CandidateStoreOptions;
  readonly #path: string;

  constructor(ports: WatchPorts, options: CandidateStoreOptions) {
    this.#ports = ports;
    this.#options = options;
    const namespace = encodeURIComponent(options.lease.namespace);
    this.#path = `/apis/coordination.k8s.io/${options.version}/namespaces/${namespace}/leasecandidates`;
  }

  read(timeoutMs: number): Promise<CandidateOutcome> {
    return this.#ask('get', { method: 'GET', timeoutMs });
  }

  create(renewTime: string, timeoutMs: number): Promise<CandidateOutcome> {
    const { version, lease, identity, appVersion, owner } = this.#options;
    const body = {
      apiVersion: `coordination.k8s.io/${version}`,
      kind: 'LeaseCandidate',
      metadata: {
        namespace: lease.namespace,
        name: identity,
        ...(owner !== null && { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', ...owner }] }),
      },
      spec: {
        leaseName: lease.name,
        binaryVersion: appVersion,
        emulationVersion: appVersion,
        strategy: STRATEGY,
        renewTime,
      },
    };
    return this.#ask('create', { method: 'POST', body, timeoutMs });
  }

  async renew(base: LeaseCandidate, renewTime: string, timeoutMs: number): Promise<CandidateOutcome> {
    const object = base.raw as { readonly spec?: object };
    const body = { ...object, spec: { ...object.spec, renewTime } };
    const outcome = await this.#ask('update', { method: 'PUT', body, timeoutMs });
    // One that is gone can't be replaced; what became of it is for a read to say.
    return outcome.kind === 'absent' ? { kind: 'conflict' } : outcome;
  }

  remove({ name, uid }: Pick<LeaseCandidate, 'name' | 'uid'>, timeoutMs: number): Promise<RemovalOutcome> {
    const path = `${this.#path}/${encodeURIComponent(name)}`;
    return removeObject(this.#ports.client, target('delete', name), path, { uid }, timeoutMs);
  }

  async list(timeoutMs: number): Promise<readonly LeaseCandidate[] | null> {
    const found: LeaseCandidate[] = [];
    let next = '';
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const query = `limit=${PAGE_SIZE}${next === '' ? '' : `&continue=${encodeURIComponent(next)}`}`;
      const request = { method: 'GET' as const, path: `${this.#path}?${query}`, timeoutMs };
      const result = await this.#ports.client.call(target('list'), request);
      if (!result.ok) return null;
      const { items, metadata } = (result.body ?? {}) as CandidateList;
      if (!Array.isArray(items)) return null;
      // The API server takes no selector for the name of the Lease.
      const ours = items.filter((item) => leaseNameOf(item) === this.#options.lease.name);
      found.push(...ours.flatMap((item) => decode(item) ?? []));
      next = typeof metadata?.continue === 'string' ? metadata.continue : '';
      if (next === '') break;
    }
    return found;
  }

  watch(handlers: CandidateWatchHandlers): Watching {
    return new ListWatch<LeaseCandidate>({
      ...this.#ports,
      path: this.#path,
      selector: `fieldSelector=${encodeURIComponent(`metadata.name=${this.#options.identity}`)}`,
      target: (verb) => target(verb),
      decode,
      requestTimeoutMs: WATCH_TIMEOUT_MS,
      retryMsMax: WATCH_RETRY_MS_MAX,
      handlers: {
        listed: ([candidate]) => (candidate === undefined ? handlers.missed() : handlers.seen(candidate)),
        changed: (candidate) => handlers.seen(candidate),
        gone: () => handlers.missed(),
        idle: () => {},
        watching: (up, failure) => handlers.watching(up, failure && failed(failure)),
      },
    });
  }

  async #ask(verb: Verb, request: Request): Promise<CandidateOutcome> {
    const { identity } = this.#options;
    const path = verb === 'create' ? this.#path : `${this.#path}/${encodeURIComponent(identity)}`;
    const understood = (body: unknown) => decode(body) !== null;
    const result = await this.#ports.client.call(target(verb, identity), { ...request, path }, understood);
    return outcomeOf(result, (body) => ({ kind: 'ok', candidate: decode(body)! }), failed);
  }
}

interface Request {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly body?: object;
  readonly timeoutMs: number;
}

interface CandidateList {
  readonly items?: unknown;
  readonly metadata?: { readonly continue?: unknown };
}

/** Its trouble is told of as the candidate's: a rule that names it would be outdated at the next start. */
function target(verb: Verb, name?: string): CallTarget {
  const kind = { verb, apiGroup: 'coordination.k8s.io', resource: 'leasecandidates', optional: true } as const;
  return name === undefined ? kind : { ...kind, name };
}

/** Reads a LeaseCandidate from an API answer, or returns null when it is none. */
function decode(body: unknown): LeaseCandidate | null {
  if (!isObject(body)) return null;
  const { name, uid, resourceVersion } = body.metadata;
  const { spec } = body as {
    readonly spec?: { readonly renewTime?: string | null; readonly pingTime?: string | null };
  };
  const { managedFields: _, ...metadata } = body.metadata as ObjectMeta & { readonly managedFields?: unknown };
  return {
    ...{ name, uid, resourceVersion },
    renewTime: spec?.renewTime ?? null,
    pingTime: spec?.pingTime ?? null,
    // The API server keeps managedFields that an update leaves out.
    raw: { ...body, metadata },
  };
}

function leaseNameOf(body: unknown): unknown {
  return (body as { readonly spec?: { readonly leaseName?: unknown } } | null)?.spec?.leaseName;
}
