import { type ProcessTime, VirtualTime } from '../../test/scenarios/support/virtual-time.ts';
import type {
  EndpointSlice,
  EndpointSlicePort,
  Patch,
  Pod,
  PodsPort,
  PublishFailure,
  Reply,
  Service,
  WatchHandlers,
} from '../ports/publisher.ts';
import { ELECTION_LABEL, GATE_CONDITION, ROLE_LABEL } from './names.ts';

/** What becomes of a request. `lost`: carried out, but the answer never comes. `late`: carried out after so long, and the same. */
export type Fault =
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'hangs' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'late'; readonly byMs: number };

export interface Asked {
  readonly atMs: number;
  readonly by: string;
  /** `patch pods/status a` */
  readonly request: string;
}

export const LATENCY_MS = 4;
const READINESS_GATE = { readinessGates: [{ conditionType: GATE_CONDITION }] };

/** Pods, one Service and its slice, with an API server's rules about versions, in virtual time. */
export class FakeCluster {
  readonly time = new VirtualTime();
  readonly pods = new Map<string, Pod>();
  service: Service | null = {
    metadata: { name: 'web', uid: 'uid-web', resourceVersion: '1' },
    spec: { clusterIP: '10.0.0.1', ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  };
  slice: EndpointSlice | null = null;
  readonly asked: Asked[] = [];
  /** Says what becomes of a request; null: what should. */
  fault: (asked: Asked) => Fault | null = () => null;
  /** Called after each change of anything. */
  onChange: () => void = () => {};
  readonly #podWatches = new Set<WatchHandlers<Pod>>();
  readonly #sliceWatches = new Set<WatchHandlers<EndpointSlice>>();
  #version = 100;

  addPod(name: string, { gate = true, ...labels }: Record<string, string | boolean> = {}): Pod {
    const spec = gate ? READINESS_GATE : {};
    return this.#storePod({ metadata: { ...this.#meta(name), labels: labels as Record<string, string> }, spec });
  }

  removePod(name: string): void {
    const pod = this.pods.get(name);
    this.pods.delete(name);
    if (pod !== undefined) for (const watch of this.#podWatches) watch.seen(pod, true);
  }

  /** Somebody else's hand. */
  editPod(name: string, patch: Patch): void {
    this.#applyToPod(name, patch);
  }

  editSlice(patch: Patch): void {
    this.#storeSlice(merge(this.slice, patch) as EndpointSlice);
  }

  removeSlice(): void {
    const { slice } = this;
    this.slice = null;
    if (slice !== null) for (const watch of this.#sliceWatches) watch.seen(slice, true);
  }

  roleOf(name: string): string | undefined {
    return this.pods.get(name)?.metadata.labels?.[ROLE_LABEL];
  }

  gateOf(name: string): string | undefined {
    return this.pods.get(name)?.status?.conditions?.find(({ type }) => type === GATE_CONDITION)?.status;
  }

  get addresses(): string[] {
    return (this.slice?.endpoints ?? []).flatMap(({ addresses }) => [...addresses]);
  }

  /** All requests since a moment, as text. */
  requestsSince(atMs: number): string[] {
    return this.asked.filter((asked) => asked.atMs >= atMs).map(({ by, request }) => `${by}: ${request}`);
  }

  get watches(): number {
    return this.#podWatches.size + this.#sliceWatches.size;
  }

  podsPort(by: string, process: ProcessTime): PodsPort {
    const patch = (resource: string) => (name: string, body: Patch, timeoutMs: number) =>
      this.#request(by, `patch ${resource} ${name}`, timeoutMs, process, () => this.#applyToPod(name, body));
    return {
      list: (selector, timeoutMs) =>
        this.#request(by, 'list pods', timeoutMs, process, () =>
          found([...this.pods.values()].filter((pod) => matches(pod, selector))),
        ),
      get: (name, timeoutMs) =>
        this.#request(by, `get pods ${name}`, timeoutMs, process, () => found(this.pods.get(name) ?? null)),
      patch: patch('pods'),
      patchStatus: patch('pods/status'),
      watch: (selector, handlers) =>
        this.#watch(
          this.#podWatches,
          by,
          'watch pods',
          process,
          [...this.pods.values()].filter((pod) => matches(pod, selector)),
          {
            ...handlers,
            // What leaves the selection is gone for whoever watches it.
            seen: (pod, gone) => handlers.seen(pod, gone || !matches(pod, selector)),
          },
        ),
    };
  }

  slicePort(by: string, process: ProcessTime): EndpointSlicePort {
    const ask = <T>(request: string, timeoutMs: number, act: () => Reply<T>) =>
      this.#request(by, request, timeoutMs, process, act);
    return {
      service: (timeoutMs) => ask('get services', timeoutMs, () => found(this.service)),
      get: (timeoutMs) => ask('get endpointslices', timeoutMs, () => found(this.slice)),
      create: (body, timeoutMs) =>
        ask('create endpointslices', timeoutMs, () => {
          if (this.slice !== null) return refused('already-exists', 'create endpointslices');
          const { metadata, ...rest } = body as unknown as EndpointSlice;
          return found(this.#storeSlice({ ...rest, metadata: { ...metadata, ...this.#meta(metadata.name) } }));
        }),
      patch: (body, timeoutMs) =>
        ask('patch endpointslices', timeoutMs, () => {
          if (this.slice === null) return refused('not-found', 'patch endpointslices');
          if (conflicts(this.slice, body)) return refused('conflict', 'patch endpointslices');
          return found(this.#storeSlice(merge(this.slice, body) as EndpointSlice));
        }),
      watch: (handlers) =>
        this.#watch(this.#sliceWatches, by, 'watch endpointslices', process, this.slice ? [this.slice] : [], handlers),
    };
  }

  #request<T>(
    by: string,
    request: string,
    timeoutMs: number,
    process: ProcessTime,
    act: () => Reply<T>,
  ): Promise<Reply<T>> {
    const asked = { atMs: this.time.nowMs, by, request };
    this.asked.push(asked);
    const fault = this.fault(asked);
    const { promise, resolve } = Promise.withResolvers<Reply<T>>();
    const answer = (afterMs: number, reply: () => Reply<T>) =>
      void this.time.after(afterMs, () => {
        const answered = reply();
        process.arrive(() => resolve(answered));
      });
    const timeout = () => refused<T>('timeout', request);
    switch (fault?.kind) {
      case undefined: {
        let reply: Reply<T>;
        this.time.after(LATENCY_MS / 2, () => {
          reply = act();
        });
        answer(LATENCY_MS, () => reply);
        break;
      }
      case 'refused':
        answer(LATENCY_MS, () => refused(fault.code, request));
        break;
      case 'hangs':
        answer(timeoutMs, timeout);
        break;
      case 'lost':
      case 'late':
        this.time.after(fault.kind === 'late' ? fault.byMs : LATENCY_MS / 2, act);
        answer(timeoutMs, timeout);
    }
    return promise;
  }

  #watch<T>(
    watches: Set<WatchHandlers<T>>,
    by: string,
    request: string,
    process: ProcessTime,
    present: readonly T[],
    { seen, trouble }: WatchHandlers<T>,
  ) {
    const asked = { atMs: this.time.nowMs, by, request };
    this.asked.push(asked);
    const fault = this.fault(asked);
    let closed = false;
    const handlers: WatchHandlers<T> = {
      trouble,
      seen: (object, gone) =>
        void this.time.after(LATENCY_MS / 2, () => process.arrive(() => void (closed || seen(object, gone)))),
    };
    if (fault?.kind === 'refused') {
      const { failure } = refused(fault.code, request) as { failure: PublishFailure };
      this.time.after(LATENCY_MS, () => process.arrive(() => trouble(failure)));
    } else {
      watches.add(handlers);
      for (const object of present) handlers.seen(object, false);
    }
    return {
      close: () => {
        closed = true;
        watches.delete(handlers);
      },
    };
  }

  #applyToPod(name: string, patch: Patch): Reply<Pod> {
    const pod = this.pods.get(name);
    if (pod === undefined) return refused('not-found', 'patch pods');
    if (conflicts(pod, patch)) return refused('conflict', 'patch pods');
    const { status, ...rest } = patch as Partial<Pod>;
    const changed = status?.conditions?.map(({ type }) => type) ?? [];
    const kept = pod.status?.conditions?.filter(({ type }) => !changed.includes(type)) ?? [];
    const conditions = [...kept, ...(status?.conditions ?? [])];
    return found(this.#storePod({ ...(merge(pod, rest) as Pod), status: { conditions } }));
  }

  /** What changes nothing makes no version. */
  #storePod(pod: Pod): Pod {
    const { name } = pod.metadata;
    const before = this.pods.get(name);
    if (before !== undefined && sameBesidesVersion(before, pod)) return before;
    const stored = { ...pod, metadata: { ...pod.metadata, resourceVersion: this.#nextVersion() } };
    this.pods.set(name, stored);
    this.onChange();
    for (const watch of this.#podWatches) watch.seen(stored, false);
    return stored;
  }

  #storeSlice(slice: EndpointSlice): EndpointSlice {
    if (this.slice !== null && sameBesidesVersion(this.slice, slice)) return this.slice;
    this.slice = { ...slice, metadata: { ...slice.metadata, resourceVersion: this.#nextVersion() } };
    this.onChange();
    for (const watch of this.#sliceWatches) watch.seen(this.slice, false);
    return this.slice;
  }

  #meta(name: string) {
    return { name, uid: `uid-${name}`, resourceVersion: this.#nextVersion() };
  }

  #nextVersion(): string {
    this.#version += 1;
    return String(this.#version);
  }
}

export const inElection = (role: string) => ({ [ROLE_LABEL]: role, [ELECTION_LABEL]: 'app' });

function found<T>(value: T): Reply<T> {
  return { ok: true, value };
}

const NOT_ANSWERS = ['timeout', 'unreachable', 'server-error'];

export function refused<T>(code: string, request: string): Reply<T> {
  const failure: PublishFailure = {
    code,
    request: request.split(' ').slice(0, 2).join(' '),
    message: `${code}!`,
    remedy: 'mend it',
    retryAfterMs: null,
    answered: !NOT_ANSWERS.includes(code),
    again: code === 'conflict' || code === 'already-exists' ? 'now' : 'later',
  };
  return { ok: false, failure };
}

function matches({ metadata }: Pod, selector: string): boolean {
  const [key = '', value] = selector.split('=');
  return metadata.labels?.[key] === value;
}

function conflicts(present: Pod | EndpointSlice, patch: Patch): boolean {
  const { uid, resourceVersion } = (patch.metadata ?? {}) as { uid?: string; resourceVersion?: string };
  const { metadata } = present;
  return (
    (uid !== undefined && uid !== metadata.uid) ||
    (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion)
  );
}

/** RFC 7386. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const merged: Record<string, unknown> = { ...(target as object) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = merge(merged[key], value);
  }
  return merged;
}

function sameBesidesVersion(one: Pod | EndpointSlice, other: Pod | EndpointSlice): boolean {
  const text = (object: Pod | EndpointSlice) =>
    JSON.stringify({ ...object, metadata: { ...object.metadata, resourceVersion: '' } });
  return text(one) === text(other);
}
