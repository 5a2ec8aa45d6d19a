/**
 * What publishing asks of the API server, and the parts of Kubernetes' objects that it looks at. Implemented in `src/kube`.
 * Readings are consistent ones (no `resourceVersion=0`): the safety of publishing rests on that.
 */

export interface ObjectMeta {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly { readonly uid: string }[];
}

export interface PodCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string | null;
}

export interface Pod {
  readonly metadata: ObjectMeta;
  readonly spec?: { readonly readinessGates?: readonly { readonly conditionType: string }[] };
  readonly status?: { readonly conditions?: readonly PodCondition[] };
}

export interface ServicePort {
  readonly name?: string;
  readonly protocol?: string;
  readonly port: number;
  readonly targetPort?: number | string;
  readonly appProtocol?: string;
}

export interface Service {
  readonly metadata: ObjectMeta;
  readonly spec?: {
    readonly type?: string;
    readonly clusterIP?: string;
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports?: readonly ServicePort[];
  };
}

export interface Endpoint {
  readonly addresses: readonly string[];
  readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };
  readonly targetRef?: {
    readonly kind?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly uid?: string;
  };
}

export interface EndpointPort {
  readonly name?: string;
  readonly protocol?: string;
  readonly port?: number;
  readonly appProtocol?: string;
}

export interface EndpointSlice {
  readonly metadata: ObjectMeta;
  readonly addressType: string;
  readonly endpoints?: readonly Endpoint[] | null;
  readonly ports?: readonly EndpointPort[] | null;
}

/** Why something could not be published. */
export interface PublishFailure {
  /** `forbidden`, `not-found`, `conflict`, `invalid`, `timeout` … as requests have it, or what was found to be wrong. */
  readonly code: string;
  /** What was tried: `patch pods/status`. */
  readonly request: string;
  readonly message: string;
  readonly remedy: string;
  readonly retryAfterMs: number | null;
  /** Whether the API server, or what it holds, says so; false when it was not reached, or had no time. */
  readonly answered: boolean;
  /** When another try may end otherwise: `now` with fresh readings, `later`, or only after a `change` of what was found. */
  readonly again: 'now' | 'later' | 'change';
}

export type Reply<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: PublishFailure };

/** A part of an object, as JSON. With `metadata.resourceVersion` in it, it applies to that version or fails: `conflict`. */
export type Patch = Readonly<Record<string, unknown>>;

export interface WatchHandlers<T> {
  /** What is there at the beginning, and each change after. */
  seen(object: T, gone: boolean): void;
  /** Null: it works (again). It is opened anew by itself. */
  trouble(failure: PublishFailure | null): void;
}

export interface Watching {
  close(): void;
}

/** Pods of this pod's namespace. */
export interface PodsPort {
  list(labelSelector: string, timeoutMs: number): Promise<Reply<readonly Pod[]>>;
  /** Null: there is none of that name. */
  get(name: string, timeoutMs: number): Promise<Reply<Pod | null>>;
  /** A merge patch. */
  patch(name: string, patch: Patch, timeoutMs: number): Promise<Reply<Pod>>;
  /** A strategic merge patch of the status: conditions are merged by their type. */
  patchStatus(name: string, patch: Patch, timeoutMs: number): Promise<Reply<Pod>>;
  watch(labelSelector: string, handlers: WatchHandlers<Pod>): Watching;
}

/** One EndpointSlice of a Service. */
export interface EndpointSlicePort {
  service(timeoutMs: number): Promise<Reply<Service | null>>;
  get(timeoutMs: number): Promise<Reply<EndpointSlice | null>>;
  create(slice: Patch, timeoutMs: number): Promise<Reply<EndpointSlice>>;
  /** A merge patch. */
  patch(patch: Patch, timeoutMs: number): Promise<Reply<EndpointSlice>>;
  watch(handlers: WatchHandlers<EndpointSlice>): Watching;
}
