import { LEASE_KIND_LABEL, MEMBER_ELECTION_LABEL, MEMBER_KIND } from '../ports/member-labels.ts';
import type {
  Heartbeat,
  MemberLease,
  MemberLeases,
  MemberOutcome,
  MemberWatchHandlers,
  StoredMemberLease,
} from '../ports/members.ts';
import type { Watching } from '../ports/publisher.ts';
import type { RemovalOutcome } from '../ports/request-failure.ts';
import type { CallTarget, Verb } from './client.ts';
import type { LeaseObject } from './codec.ts';
import { leasesPath, leaseTarget } from './leases.ts';
import { ListWatch } from './list-watch.ts';
import { decodeMember, decodeSighting, encodeMember, encodeNewMember, type MemberDescription } from './member-codec.ts';
import { failed, outcomeOf, removeObject } from './object-outcome.ts';
import type { WatchPorts } from './watch-stream.ts';

export interface MemberLeaseStoreOptions {
  readonly namespace: string;
  /** Value of the label by which the members of one election are found. */
  readonly election: string;
  /** Whether a Lease of this name can be a member's: labels are anybody's to set. */
  readonly isMember: (name: string) => boolean;
  readonly own: MemberDescription;
}

const LIST_TIMEOUT_MS = 10_000;

/** The Leases of an election's members in one namespace. */
export class MemberLeaseStore implements MemberLeases {
  readonly #ports: WatchPorts;
  readonly #options: MemberLeaseStoreOptions;
  readonly #description: MemberDescription;
  readonly #path: string;

  constructor(ports: WatchPorts, options: MemberLeaseStoreOptions) {
    const { namespace, election, own } = options;
    this.#ports = ports;
    this.#options = options;
    this.#path = leasesPath(namespace);
    const labels = { ...own.labels, [MEMBER_ELECTION_LABEL]: election, [LEASE_KIND_LABEL]: MEMBER_KIND };
    this.#description = { ...own, labels };
  }

  read(name: string, timeoutMs: number): Promise<MemberOutcome> {
    return this.#ask('get', name, { method: 'GET', timeoutMs });
  }

  create(name: string, heartbeat: Heartbeat, timeoutMs: number): Promise<MemberOutcome> {
    const { namespace } = this.#options;
    const body = encodeNewMember({ namespace, name }, heartbeat, this.#description);
    return this.#ask('create', name, { method: 'POST', body, timeoutMs });
  }

  async update(base: StoredMemberLease, heartbeat: Heartbeat, timeoutMs: number): Promise<MemberOutcome> {
    const body = encodeMember(base, heartbeat, this.#description);
    const outcome = await this.#ask('update', base.name, { method: 'PUT', body, timeoutMs });
    // A Lease that is gone can't be replaced; what became of it is for a read to say.
    return outcome.kind === 'absent' ? { kind: 'conflict' } : outcome;
  }

  remove(
    { name, uid, resourceVersion }: Pick<MemberLease, 'name' | 'uid' | 'resourceVersion'>,
    timeoutMs: number,
  ): Promise<RemovalOutcome> {
    const path = `${this.#path}/${encodeURIComponent(name)}`;
    return removeObject(this.#ports.client, target('delete', name), path, { uid, resourceVersion }, timeoutMs);
  }

  watch(handlers: MemberWatchHandlers): Watching {
    const { election, isMember } = this.#options;
    const labels = `${MEMBER_ELECTION_LABEL}=${election},${LEASE_KIND_LABEL}=${MEMBER_KIND}`;
    return new ListWatch<MemberLease>({
      ...this.#ports,
      path: this.#path,
      selector: `labelSelector=${encodeURIComponent(labels)}`,
      target: (verb) => target(verb),
      decode: decodeSighting,
      requestTimeoutMs: LIST_TIMEOUT_MS,
      handlers: {
        listed: (leases) => handlers.listed(leases.filter(({ name }) => isMember(name))),
        changed: (lease) => void (isMember(lease.name) && handlers.changed(lease)),
        gone: (lease) => void (isMember(lease.name) && handlers.gone(lease)),
        idle: () => handlers.idle(),
        watching: (up, failure) => handlers.watching(up, failure && failed(failure)),
      },
    });
  }

  async #ask(verb: Verb, name: string, request: Request): Promise<MemberOutcome> {
    const path = verb === 'create' ? this.#path : `${this.#path}/${encodeURIComponent(name)}`;
    const result = await this.#ports.client.call(target(verb, name), { ...request, path }, isMemberLease);
    return outcomeOf(result, (body) => ({ kind: 'ok', lease: decodeMember(body)! }), failed);
  }
}

interface Request {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly body?: LeaseObject;
  readonly timeoutMs: number;
}

/** Their trouble is told of as the heartbeat's or the collection's. */
function target(verb: Verb, name?: string): CallTarget {
  if (name !== undefined) return { ...leaseTarget(verb, name), optional: true };
  return { verb, apiGroup: 'coordination.k8s.io', resource: 'leases', optional: true };
}

function isMemberLease(body: unknown): boolean {
  return decodeMember(body) !== null;
}
