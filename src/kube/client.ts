import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import type { ClientMetrics } from '../ports/metrics.ts';
import { type Failure, failureOf, failureOfError, type NamedObject } from './errors.ts';
import type { KubeReply, KubeRequest, Transport } from './transport.ts';
import { TroubleLog } from './trouble.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

export type CallResult =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly failure: Failure };

/** What a request is about: enough to count it and to name the RBAC rule that it needs. */
export interface CallTarget {
  readonly verb: Verb;
  readonly apiGroup: string;
  /** With a subresource as in RBAC: `pods/status`. */
  readonly resource: string;
  /** Left out where a rule can't name the object (create) or names none. */
  readonly name?: string;
  /** Best effort: counted, but not worth a line in the log. */
  readonly optional?: true;
}

/** Calls with their bookkeeping: failures named, counted, and logged once per change. */
export class KubeClient {
  readonly transport: Transport;
  readonly #clock: Clock;
  readonly #metrics: ClientMetrics;
  readonly #trouble: TroubleLog;

  constructor(options: { transport: Transport; clock: Clock; metrics: ClientMetrics; log: Logger }) {
    this.transport = options.transport;
    this.#clock = options.clock;
    this.#metrics = options.metrics;
    this.#trouble = new TroubleLog(options.log);
  }

  /**
   * One request; never throws for what the server or the network does. An answer of success that is not `understood` (a login
   * page, say) is a failure like any other.
   */
  async call(
    target: CallTarget,
    request: KubeRequest,
    understood: (body: unknown) => boolean = () => true,
  ): Promise<CallResult> {
    const startMonoMs = this.#clock.now().monoMs;
    const failure = await this.transport.request(request).then(
      (reply): Failure | KubeReply => {
        if (reply.status >= 300) return failureOf(reply, objectOf(target));
        return understood(reply.body) ? reply : notUnderstood(reply, request);
      },
      (error: unknown): Failure => failureOfError(error),
    );
    const durationMs = this.#clock.now().monoMs - startMonoMs;
    if ('status' in failure) {
      this.note(target, null, durationMs);
      return { ok: true, body: failure.body };
    }
    this.note(target, failure, durationMs);
    return { ok: false, failure };
  }

  /** Books the outcome of a request that was made past {@link call}: a watch. */
  note(target: CallTarget, failure: Failure | null, durationMs: number): void {
    this.#metrics.request(target.verb, failure?.code ?? 'ok', durationMs);
    if (!target.optional)
      this.#trouble.note(`${target.verb} ${target.resource}`, failure, () => ruleFor(target), target.name);
  }
}

/** Listings and watches have a name as a selector only, creations as a wish. */
function objectOf({ verb, resource, name }: CallTarget): NamedObject | null {
  const named = verb !== 'list' && verb !== 'watch' && verb !== 'create';
  return named && name !== undefined ? { resource: resource.replace(/\/.*/, ''), name } : null;
}

function notUnderstood(reply: KubeReply, { method }: KubeRequest): Failure {
  return {
    code: 'unexpected',
    message: `HTTP ${reply.status} with an answer that no API server gives`,
    mayHaveHappened: method !== 'GET',
    retryAfterMs: null,
  };
}

/** All that is done with one object of a kind, so that one rule added mends it all; creating can't be limited to a name. */
const VERBS_BY_NAME: readonly Verb[] = ['get', 'list', 'watch', 'update'];

function ruleFor({ apiGroup, resource, name, verb }: CallTarget): string {
  return JSON.stringify({
    apiGroups: [apiGroup],
    resources: [resource],
    ...(name === undefined ? {} : { resourceNames: [name] }),
    verbs: name === undefined ? [verb] : VERBS_BY_NAME,
  });
}
