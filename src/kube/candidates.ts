import { request } from 'node:http';
import { podOfIdentity } from '../election/index.ts';
import type { CandidateLookup, CandidateProblem, Candidates } from '../ports/candidates.ts';
import type { KubeClient } from './client.ts';
import type { Failure } from './errors.ts';
import type { LeaseName } from './leases.ts';

const POD_TIMEOUT_MS = 2_000;
const ANSWER_TIMEOUT_MS = 1_000;
const ANSWER_BYTES_MAX = 16 * 1024;

export interface PodCandidatesOptions {
  readonly client: KubeClient;
  readonly lease: LeaseName;
  /** Of the pods. */
  readonly podNamespace: string;
  /** Uid of the Lease as this replica knows it, or null. */
  readonly leaseUid: () => string | null;
  /** Where all replicas have their probe listener. */
  readonly probePort: number;
}

/** Finds a replica by its pod's address in the API server, and asks its probe listener whether it would lead. */
export class PodCandidates implements Candidates {
  readonly #options: PodCandidatesOptions;

  constructor(options: PodCandidatesOptions) {
    this.#options = options;
  }

  async find(pod: string): Promise<CandidateLookup> {
    const { client, podNamespace, probePort } = this.#options;
    const result = await client.call(
      { verb: 'get', apiGroup: '', resource: 'pods', name: pod, optional: true },
      {
        method: 'GET',
        path: `/api/v1/namespaces/${encodeURIComponent(podNamespace)}/pods/${encodeURIComponent(pod)}`,
        timeoutMs: POD_TIMEOUT_MS,
      },
    );
    if (!result.ok) return notFound(pod, podNamespace, result.failure);
    const { metadata, status } = (result.body ?? {}) as PodObject;
    if (metadata?.deletionTimestamp !== undefined) return refusal('TARGET_NOT_CANDIDATE', `Pod ${pod} is ending.`);
    const host = status?.podIP;
    if (typeof host !== 'string' || host === '') {
      return refusal('TARGET_UNREACHABLE', `Pod ${pod} has no address (phase ${String(status?.phase)}).`);
    }
    try {
      return this.#judge(pod, await this.#ask(host));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return refusal('TARGET_UNREACHABLE', `No replica tells of itself at pod ${pod}'s port ${probePort}: ${why}.`);
    }
  }

  /** One that is older knows no such path, and one of other elections no such election: their first, if any, is this one. */
  async #ask(host: string): Promise<Partial<Answer>> {
    const { lease, probePort } = this.#options;
    return (
      (await ask(host, probePort, `/elections/${lease.name}/candidacy`)) ??
      (await ask(host, probePort, '/candidacy')) ??
      {}
    );
  }

  #judge(pod: string, answer: Partial<Answer>): CandidateLookup {
    const { identity, candidate, why, lease } = answer;
    const own = this.#options;
    if (typeof identity !== 'string' || typeof candidate !== 'boolean' || lease === undefined) {
      return refusal('TARGET_UNREACHABLE', `What answers for pod ${pod} is no replica.`);
    }
    // Pods with the host's network share an address.
    if (podOfIdentity(identity) !== pod) {
      return refusal('TARGET_UNREACHABLE', `${podOfIdentity(identity)} answers at the address of pod ${pod}.`);
    }
    const other = (what: string) => refusal('TARGET_OF_OTHER_ELECTION', `The replica of pod ${pod} ${what}.`);
    if (lease.namespace !== own.lease.namespace || lease.name !== own.lease.name) {
      return other(`elects for ${lease.namespace}/${lease.name}`);
    }
    const uid = own.leaseUid();
    if (uid !== null && lease.uid !== null && lease.uid !== uid) return other('has seen another Lease of this name');
    if (!candidate) return refusal('TARGET_NOT_CANDIDATE', `Pod ${pod} does not campaign: ${why}.`);
    return { ok: true, identity };
  }
}

interface PodObject {
  readonly metadata?: { readonly deletionTimestamp?: string };
  readonly status?: { readonly podIP?: unknown; readonly phase?: unknown };
}

/** What `GET /candidacy` says. */
interface Answer {
  readonly identity: string;
  readonly candidate: boolean;
  readonly why: string | null;
  readonly lease: { readonly namespace: string; readonly name: string; readonly uid: string | null };
}

function notFound(pod: string, namespace: string, { code, message }: Failure): CandidateLookup {
  switch (code) {
    case 'not-found':
      return refusal('TARGET_UNKNOWN', `There is no pod ${pod} in the namespace ${namespace}.`);
    case 'forbidden':
      return refusal(
        'LOOKUP_FORBIDDEN',
        `Replicas may not look pods up; add {"apiGroups":[""],"resources":["pods"],"verbs":["get"]} to their Role.`,
      );
    default:
      return refusal('LOOKUP_FAILED', `Pod ${pod} could not be looked up: ${message}`);
  }
}

function refusal(code: CandidateProblem, message: string): CandidateLookup {
  return { ok: false, code, message };
}

/** The replica's own word, as JSON; null where there is nothing at this path. Rejects when there is no answer in time. */
function ask(host: string, port: number, path: string): Promise<Partial<Answer> | null> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    const late = () => reject(new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`));
    signal.addEventListener('abort', late, { once: true });
    const outgoing = request({ host, port, path, agent: false, signal }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        chunks.push(chunk);
        if (bytes > ANSWER_BYTES_MAX) response.destroy(new Error('the answer is too long'));
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 404) return resolve(null);
        if (response.statusCode !== 200) return reject(new Error(`HTTP ${response.statusCode}`));
        try {
          const answer: unknown = JSON.parse(Buffer.concat(chunks).toString());
          resolve(typeof answer === 'object' && answer !== null ? answer : {});
        } catch {
          reject(new Error('the answer is no JSON'));
        }
      });
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}
