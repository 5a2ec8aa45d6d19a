import type { EndpointSlice, EndpointSlicePort, PublishFailure, Reply, Service, Watching } from '../ports/publisher.ts';
import {
  fencePatch,
  holdsOnly,
  type LeaderEndpoint,
  leadPatch,
  newSlice,
  type SliceNames,
  serviceProblem,
  sliceProblem,
  withdrawPatch,
} from './endpoint-slice.ts';
import type { Finding, Findings, Target, Turn } from './target.ts';

export interface SliceTargetOptions {
  readonly slices: EndpointSlicePort;
  readonly own: LeaderEndpoint;
  readonly names: SliceNames;
}

/**
 * One EndpointSlice of a Service without a selector: it holds the leader's address. A single object, so that a single write
 * takes out the last leader's as well.
 */
export class SliceTarget implements Target {
  readonly publishers = ['endpointslice'] as const;
  readonly #options: SliceTargetOptions;
  /** As it was last written. */
  #slice: EndpointSlice | null = null;
  /** A write of an own term whose outcome is not known: the version that it was for; null: it was to create the slice. */
  #unanswered: { readonly token: string; readonly version: string | null } | null = null;

  constructor(options: SliceTargetOptions) {
    this.#options = options;
  }

  /** Writing one's own address changes the slice in any case. */
  sawLeader(): void {}

  async pass(turn: Turn): Promise<Findings> {
    const token = turn.token();
    const finding = token === null ? await this.#withdraw(turn) : await this.#lead(turn, token);
    return new Map([['endpointslice', finding]]);
  }

  watch(turn: () => Turn, handlers: { disturbed(): void; trouble(failure: PublishFailure | null): void }): Watching {
    return this.#options.slices.watch({
      trouble: handlers.trouble,
      seen: (slice, gone) => {
        if (turn().token() === null) return;
        const { resourceVersion } = slice.metadata;
        const ours = !gone && resourceVersion === this.#slice?.metadata.resourceVersion;
        if (ours) return;
        const known = this.#slice;
        const same = known !== null && !gone && holdsOnly(slice, this.#options.own) && sameBesides(slice, known);
        if (!same) handlers.disturbed();
      },
    });
  }

  async #lead(turn: Turn, token: string): Promise<Finding> {
    const { slices, own, names } = this.#options;
    const [service, slice] = await Promise.all([slices.service(turn.timeoutMs), slices.get(turn.timeoutMs)]);
    if (!service.ok) return unable(service.failure);
    if (!slice.ok) return unable(slice.failure);
    if (service.value === null) return unable(noService(names.service));
    const obstacle = serviceProblem(service.value) ?? (slice.value && sliceProblem(slice.value, own));
    if (obstacle) return unable(obstacle);
    if (turn.token() !== token) return IN_ORDER;
    return this.#write(service.value, slice.value, token, turn);
  }

  async #write(service: Service, slice: EndpointSlice | null, token: string, turn: Turn): Promise<Finding> {
    const { slices, own, names } = this.#options;
    const patch = slice && leadPatch(slice, service, own, names, token);
    if (slice !== null && patch === null) {
      this.#slice = slice;
      return IN_ORDER;
    }
    const asked = { token, version: slice?.metadata.resourceVersion ?? null };
    this.#unanswered = asked;
    const reply =
      patch === null
        ? await slices.create(newSlice(service, own, names, token), turn.timeoutMs)
        : await slices.patch(patch, turn.timeoutMs);
    if (this.#unanswered === asked && (reply.ok || reply.failure.answered)) this.#unanswered = null;
    return this.#keep(reply);
  }

  /** Takes out this pod's own address, and touches nothing else. */
  async #withdraw(turn: Turn): Promise<Finding> {
    const { slices, own } = this.#options;
    const late = this.#unanswered;
    let slice = this.#slice;
    if (slice === null || late !== null) {
      const read = await slices.get(turn.timeoutMs);
      if (!read.ok) return unable(read.failure);
      slice = read.value;
    }
    if (turn.overtaken()) return IN_ORDER;
    // What may still be on its way is for this very version: it has to become another.
    const stuck = late !== null && late.version === slice?.metadata.resourceVersion;
    const patch = slice && (withdrawPatch(slice, own) ?? (stuck ? fencePatch(slice, late.token) : null));
    const reply = patch && (await slices.patch(patch, turn.timeoutMs));
    const moved = reply === null || reply.ok || reply.failure.code === 'conflict';
    if (this.#unanswered === late && moved) this.#unanswered = null;
    if (reply !== null) return this.#keep(reply);
    this.#slice = null;
    return IN_ORDER;
  }

  #keep(reply: Reply<EndpointSlice>): Finding {
    this.#slice = reply.ok ? reply.value : null;
    if (reply.ok) return { failure: null, wrote: true };
    // What is gone, or there already, is read anew.
    return unable(reply.failure.code === 'not-found' ? { ...reply.failure, again: 'now' } : reply.failure);
  }
}

const IN_ORDER: Finding = { failure: null, wrote: false };

function unable(failure: PublishFailure): Finding {
  return { failure, wrote: false };
}

/** Whether two states of a slice differ in nothing that is published, but the endpoints. */
function sameBesides(one: EndpointSlice, other: EndpointSlice): boolean {
  const text = ({ metadata: { labels, annotations }, ports }: EndpointSlice) =>
    JSON.stringify([Object.entries(labels ?? {}).sort(), Object.entries(annotations ?? {}).sort(), ports]);
  return text(one) === text(other);
}

function noService(name: string): PublishFailure {
  return {
    code: 'not-found',
    request: 'get services',
    message: `there is no Service ${name}`,
    remedy: `create Service ${name} without a selector, or correct LEASEGATE_ENDPOINTSLICE_SERVICE`,
    retryAfterMs: null,
    answered: true,
    again: 'later',
  };
}
