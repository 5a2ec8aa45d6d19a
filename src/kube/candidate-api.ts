import type { CandidateApi } from '../ports/lease-candidates.ts';
import type { KubeClient } from './client.ts';
import type { Failure } from './errors.ts';
import { type CandidateStoreOptions, LeaseCandidateStore } from './lease-candidates.ts';
import { failed } from './object-outcome.ts';
import type { WatchPorts } from './watch-stream.ts';

const GROUP_PATH = '/apis/coordination.k8s.io';
/** The newest first. v1alpha1 (Kubernetes 1.31) has other fields. */
export const CANDIDATE_API_VERSIONS = ['v1', 'v1beta1', 'v1alpha2'] as const;
/** Together they are all that is done with them. */
const VERBS_NEEDED = ['create', 'get', 'list', 'watch', 'update', 'delete'];
const TIMEOUT_MS = 10_000;

/** Asks the API server which version of LeaseCandidate it serves, if any: the newest that is known here. */
export async function findCandidateApi(
  client: KubeClient,
  timeoutMs = TIMEOUT_MS,
): Promise<
  | { readonly kind: 'served'; readonly version: string }
  | { readonly kind: 'unserved' }
  | { readonly kind: 'failed'; readonly failure: Failure }
> {
  const group = await discover(client, GROUP_PATH, 'versions', timeoutMs);
  if ('code' in group) return { kind: 'failed', failure: group };
  const served = new Set(group.map(({ version }) => version));
  for (const version of CANDIDATE_API_VERSIONS.filter((each) => served.has(each))) {
    const resources = await discover(client, `${GROUP_PATH}/${version}`, 'resources', timeoutMs);
    if ('code' in resources) return { kind: 'failed', failure: resources };
    const candidates = resources.find(({ name }) => name === 'leasecandidates');
    const verbs = Array.isArray(candidates?.verbs) ? candidates.verbs : [];
    if (VERBS_NEEDED.every((verb) => verbs.includes(verb))) return { kind: 'served', version };
  }
  return { kind: 'unserved' };
}

/** The same, ready to be used. */
export async function openCandidateApi(
  ports: WatchPorts,
  options: Omit<CandidateStoreOptions, 'version'>,
): Promise<CandidateApi> {
  const found = await findCandidateApi(ports.client);
  switch (found.kind) {
    case 'served':
      return { ...found, store: new LeaseCandidateStore(ports, { ...options, version: found.version }) };
    case 'unserved':
      return found;
    case 'failed':
      return failed(found.failure);
  }
}

type Entry = { readonly name?: unknown; readonly version?: unknown; readonly verbs?: unknown };

async function discover(
  client: KubeClient,
  path: string,
  field: 'versions' | 'resources',
  timeoutMs: number,
): Promise<readonly Entry[] | Failure> {
  const entries = (body: unknown) => (body as Readonly<Record<string, unknown>> | null)?.[field];
  const target = { verb: 'get', apiGroup: '', resource: 'discovery', optional: true } as const;
  const request = { method: 'GET', path, timeoutMs } as const;
  const result = await client.call(target, request, (body) => Array.isArray(entries(body)));
  return result.ok ? (entries(result.body) as Entry[]) : result.failure;
}
