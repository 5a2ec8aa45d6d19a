import type { Challenger, LeaseContent, LeaseRecord, RequestOutcome } from '../election/index.ts';
import type { CallResult, CallTarget, KubeClient, Verb } from './client.ts';
import { decodeLease, encodeChallenge, encodeLease, encodeNewLease, type LeaseObject } from './codec.ts';
import { outcomeOf } from './object-outcome.ts';

/** The one Lease that an election is about. */
export interface LeaseName {
  readonly namespace: string;
  readonly name: string;
}

/** Path of the Leases of a namespace. */
export function leasesPath(namespace: string): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`;
}

/** What a request about this Lease is about; creating can't be limited to a name. */
export function leaseTarget(verb: Verb, name: string): CallTarget {
  const target = { verb, apiGroup: 'coordination.k8s.io', resource: 'leases' };
  return verb === 'create' ? target : { ...target, name };
}

/** Reads and writes one Lease. Every outcome is a value; see {@link RequestOutcome}. */
export class LeaseStore {
  readonly #client: KubeClient;
  readonly #lease: LeaseName;
  readonly #path: string;
  readonly #nameOf: string | null;

  /** `nameOf`: what the hash in the Lease's name stands for, to be written on it; null where it was told. */
  constructor(client: KubeClient, lease: LeaseName, nameOf: string | null = null) {
    this.#client = client;
    this.#nameOf = nameOf;
    this.#lease = lease;
    this.#path = `${leasesPath(lease.namespace)}/${encodeURIComponent(lease.name)}`;
  }

  async read(timeoutMs: number): Promise<RequestOutcome> {
    return electionOutcomeOf(
      await this.#client.call(this.#target('get'), { method: 'GET', path: this.#path, timeoutMs }, isLease),
    );
  }

  async create(content: LeaseContent, timeoutMs: number): Promise<RequestOutcome> {
    const { namespace, name } = this.#lease;
    const body = encodeNewLease(namespace, name, content, this.#nameOf);
    const path = leasesPath(namespace);
    return electionOutcomeOf(
      await this.#client.call(this.#target('create'), { method: 'POST', path, body, timeoutMs }, isLease),
    );
  }

  /** Replaces `base` and nothing else: its uid and resourceVersion go with the body. */
  update(base: LeaseRecord, content: LeaseContent, timeoutMs: number): Promise<RequestOutcome> {
    return this.#replace(encodeLease(base, content, this.#nameOf), timeoutMs);
  }

  /** Asks the holder of `base` to give way; replaces that version and nothing else. */
  challenge(base: LeaseRecord, challenger: Challenger, timeoutMs: number): Promise<RequestOutcome> {
    return this.#replace(encodeChallenge(base, challenger), timeoutMs);
  }

  async #replace(body: LeaseObject, timeoutMs: number): Promise<RequestOutcome> {
    const result = await this.#client.call(
      this.#target('update'),
      {
        method: 'PUT',
        path: this.#path,
        body,
        timeoutMs,
      },
      isLease,
    );
    // A Lease that is gone can't be replaced; what became of it is for a read to say.
    const outcome = electionOutcomeOf(result);
    return outcome.kind === 'absent' ? { kind: 'conflict' } : outcome;
  }

  #target(verb: Verb): CallTarget {
    return leaseTarget(verb, this.#lease.name);
  }
}

function isLease(body: unknown): boolean {
  return decodeLease(body) !== null;
}

function electionOutcomeOf(result: CallResult): RequestOutcome {
  return outcomeOf<RequestOutcome, RequestOutcome>(
    result,
    (body) => {
      const record = decodeLease(body);
      return record === null ? { kind: 'unknown', code: 'unexpected' } : { kind: 'ok', record };
    },
    ({ code, mayHaveHappened, retryAfterMs }) =>
      mayHaveHappened ? { kind: 'unknown', code } : { kind: 'refused', code, retryAfterMs },
  );
}
