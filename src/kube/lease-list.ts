import type { Clock } from '../ports/clock.ts';
import type { KubeClient } from './client.ts';
import { type Failure, failureOf, failureOfError } from './errors.ts';
import type { KubeStream } from './transport.ts';
import { failureOfEnd, parseWatchEvent } from './watch-events.ts';

/** Leases as they are stored, by whomever. */
export interface LeaseListing<Lease> {
  readonly leases: readonly Lease[];
  /** Where a watch goes on from. */
  readonly resourceVersion: string;
  /** The API server's clock when it answered, in milliseconds since the epoch, cut to whole seconds; ours where it does not tell. */
  readonly serverWallMs: number;
}

export interface LeaseListHandlers<Lease> {
  seen(lease: Lease): void;
  gone(lease: Lease): void;
  /** It ended: null where a listing has to say anew what there is, else why. Called once at most. */
  ended(failure: Failure | null): void;
}

const PAGE_SIZE = 500;
const PAGES_MAX = 200;
const TIMEOUT_MS = 10_000;
const WATCH_SECONDS = 300;

/** All Leases of a namespace, or of all of them (`null`). Every outcome is a value. */
export class LeaseList<Lease extends { readonly metadata: { readonly uid: string } }> {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #path: string;

  constructor(client: KubeClient, clock: Clock, namespace: string | null) {
    this.#client = client;
    this.#clock = clock;
    const scope = namespace === null ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
    this.#path = `/apis/coordination.k8s.io/v1${scope}/leases`;
  }

  /** Page by page, so that neither side holds thousands of them at once in one answer. */
  async list(): Promise<LeaseListing<Lease> | { readonly failure: Failure }> {
    const leases: Lease[] = [];
    let next = '';
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const path = `${this.#path}?limit=${PAGE_SIZE}${next === '' ? '' : `&continue=${encodeURIComponent(next)}`}`;
      try {
        const reply = await this.#client.transport.request({ method: 'GET', path, timeoutMs: TIMEOUT_MS });
        if (reply.status >= 300) return { failure: failureOf(reply, null) };
        if (!isLeaseList<Lease>(reply.body)) return { failure: NO_LIST };
        leases.push(...reply.body.items);
        const { continue: token, resourceVersion } = reply.body.metadata;
        const dateMs = Date.parse(reply.date ?? '');
        const serverWallMs = Number.isNaN(dateMs) ? this.#clock.now().wallMs : dateMs;
        if (!token) return { leases, resourceVersion, serverWallMs };
        next = token;
      } catch (error) {
        return { failure: failureOfError(error) };
      }
    }
    return { failure: { ...NO_LIST, message: `more than ${PAGE_SIZE * PAGES_MAX} Leases` } };
  }

  /** What changes from a listing on. */
  watch(resourceVersion: string, handlers: LeaseListHandlers<Lease>): KubeStream {
    const query = `watch=true&allowWatchBookmarks=true&timeoutSeconds=${WATCH_SECONDS}&resourceVersion=${resourceVersion}`;
    let stream: KubeStream | null = null;
    let open = true;
    const end = (failure: Failure | null) => {
      if (!open) return;
      open = false;
      stream?.close();
      handlers.ended(failure);
    };
    stream = this.#client.transport.stream(
      { method: 'GET', path: `${this.#path}?${query}`, timeoutMs: TIMEOUT_MS },
      {
        onOpen: () => {},
        onLine: (line) => {
          if (!open) return;
          const event = parseWatchEvent(line);
          // Of an error (410: the version is too old to go on from) only a new listing helps.
          if (event?.type === 'ERROR') end(null);
          else if (event?.type === 'BOOKMARK') return;
          else if (event === null || !isLease<Lease>(event.object)) end(NO_LIST);
          else if (event.type === 'DELETED') handlers.gone(event.object);
          else handlers.seen(event.object);
        },
        onEnd: (why) => {
          const failure = why === null ? null : failureOfEnd(why);
          // A version that the server has forgotten is no failure.
          end(failure?.code === 'gone' ? null : failure);
        },
      },
    );
    return {
      close: () => {
        open = false;
        stream?.close();
      },
    };
  }
}

const NO_LIST: Failure = {
  code: 'unexpected',
  message: 'what answers is no Kubernetes API server with coordination.k8s.io/v1',
  mayHaveHappened: false,
  retryAfterMs: null,
};

interface ListBody<Lease> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly Lease[];
}

function isLeaseList<Lease>(body: unknown): body is ListBody<Lease> {
  const { kind, metadata, items } = (body ?? {}) as { kind?: unknown; metadata?: object; items?: unknown };
  return kind === 'LeaseList' && typeof metadata === 'object' && Array.isArray(items);
}

function isLease<Lease>(object: unknown): object is Lease {
  return typeof (object as { metadata?: { uid?: unknown } } | null)?.metadata?.uid === 'string';
}
