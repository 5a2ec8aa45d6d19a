import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import { type Failure, failureOf, failureOfError, type NamedObject } from './errors.ts';
import type { KubeReply, KubeRequest, Transport } from './transport.ts';
import { TroubleLog } from './trouble.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update';

export type CallResult =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly failure: Failure };

/** What a request is about: enough to count it and to name the RBAC rule that it needs. */
export interface CallTarget {
  readonly verb: Verb;
  readonly apiGroup: string;
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
  readonly #metrics: Metrics;
  readonly #trouble: TroubleLog;

  constructor(options: { transport: Transport; clock: Clock; metrics: Metrics; log: Logger }) {
    this.transport = options.transport;
    this.#clock = options.clock;
    this.#metrics = options.metrics;
    this.#trouble = new TroubleLog(options.log);
  }

  /** One request; never throws for what the server or the network does. */
  async call(target: CallTarget, request: KubeRequest): Promise<CallResult> {
    const startMonoMs = this.#clock.now().monoMs;
    const failure = await this.transport.request(request).then(
      (reply): Failure | KubeReply => (reply.status < 300 ? reply : failureOf(reply, objectOf(target))),
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
    if (!target.optional) this.#trouble.note(`${target.verb} ${target.resource}`, failure, ruleFor(target));
  }
}

/** Listings and watches have a name as a selector only, creations as a wish. */
function objectOf({ verb, resource, name }: CallTarget): NamedObject | null {
  return (verb === 'get' || verb === 'update') && name !== undefined ? { resource, name } : null;
}

function ruleFor({ apiGroup, resource, name, verb }: CallTarget): string {
  return JSON.stringify({
    apiGroups: [apiGroup],
    resources: [resource],
    ...(name === undefined ? {} : { resourceNames: [name] }),
    verbs: [verb],
  });
}
