import type { Clock } from '../ports/clock.ts';
import type {
  Access,
  ClusterReadings,
  DisruptionBudget,
  PodReading,
  Reading,
  ServerReading,
  ServiceAccount,
  ServiceAccountReading,
  StoredLease,
  Workload,
  WorkloadKind,
} from '../ports/doctor.ts';
import type { Service } from '../ports/publisher.ts';
import { findCandidateApi } from './candidate-api.ts';
import type { CallTarget, KubeClient } from './client.ts';
import type { Credentials } from './credentials.ts';
import { type Failure, failureOf, failureOfError } from './errors.ts';
import { isObject } from './object-meta.ts';
import type { KubeRequest } from './transport.ts';

const TIMEOUT_MS = 4_000;

export interface ApiReadingsOptions {
  readonly client: KubeClient;
  readonly credentials: Pick<Credentials, 'present'>;
  readonly clock: Clock;
}

/** What the doctor asks, over one client. Requests that are not answered within four seconds count as failed. */
export class ApiReadings implements ClusterReadings {
  readonly #client: KubeClient;
  readonly #credentials: Pick<Credentials, 'present'>;
  readonly #clock: Clock;

  constructor({ client, credentials, clock }: ApiReadingsOptions) {
    this.#client = client;
    this.#credentials = credentials;
    this.#clock = clock;
  }

  async server(): Promise<ServerReading> {
    const wallMs = () => this.#clock.now().wallMs;
    const sentWallMs = wallMs();
    try {
      const reply = await this.#client.transport.request({ method: 'GET', path: '/version', timeoutMs: TIMEOUT_MS });
      const receivedWallMs = wallMs();
      const dateWallMs = Date.parse(reply.date ?? '');
      const { gitVersion } = (reply.body ?? {}) as { gitVersion?: unknown };
      const times = { sentWallMs, receivedWallMs, dateWallMs: Number.isFinite(dateWallMs) ? dateWallMs : null };
      // Not everybody may ask for the version; being told so is an answer of an API server.
      const silent = reply.status === 403 && isStatus(reply.body);
      if (silent) return { ...times, version: { ok: true, value: null } };
      if (reply.status < 300 && typeof gitVersion === 'string') {
        return { ...times, version: { ok: true, value: gitVersion } };
      }
      const failure = reply.status < 300 ? NO_API_SERVER : failureOf(reply, null);
      return { ...times, version: failed(failure) };
    } catch (error) {
      const version = failed(failureOfError(error));
      return { version, dateWallMs: null, sentWallMs, receivedWallMs: wallMs() };
    }
  }

  async user(): Promise<Reading<string>> {
    const request = review('authentication.k8s.io', 'SelfSubjectReview', {});
    const reading = await this.#ask(
      { ...CREATE, apiGroup: 'authentication.k8s.io', resource: 'selfsubjectreviews' },
      request,
      isUserReview,
    );
    return reading.ok ? { ok: true, value: reading.value.status.userInfo.username } : reading;
  }

  async tokenExpiresWallMs(): Promise<number | null> {
    const credentials = await this.#credentials.present(TIMEOUT_MS).catch(() => null);
    return expiryOf(credentials?.headers.Authorization ?? '');
  }

  async allowed(access: Access, serviceAccount: ServiceAccount | null): Promise<Reading<boolean>> {
    const { namespace, verb, group, resource: resourceOfRule, name } = access;
    const [resource, subresource] = resourceOfRule.split('/');
    const resourceAttributes = {
      ...{ namespace, verb, group, resource },
      ...(subresource === undefined ? {} : { subresource }),
      ...(name === undefined ? {} : { name }),
    };
    const [kind, spec] =
      serviceAccount === null
        ? ['SelfSubjectAccessReview', { resourceAttributes }]
        : ['SubjectAccessReview', { resourceAttributes, ...userOf(serviceAccount) }];
    const request = review('authorization.k8s.io', kind, spec);
    const target = { ...CREATE, apiGroup: 'authorization.k8s.io', resource: `${kind.toLowerCase()}s` };
    const reading = await this.#ask(target, request, isAccessReview);
    return reading.ok ? { ok: true, value: reading.value.status.allowed } : reading;
  }

  async namespaceExists(name: string): Promise<Reading<boolean>> {
    const path = `/api/v1/namespaces/${encodeURIComponent(name)}`;
    const reading = await this.#object(path, { apiGroup: '', resource: 'namespaces', name });
    return reading.ok ? { ok: true, value: reading.value !== null } : reading;
  }

  lease(namespace: string, name: string): Promise<Reading<StoredLease | null>> {
    return this.#named<StoredLease>('coordination.k8s.io', namespace, 'leases', name);
  }

  pod(namespace: string, name: string): Promise<Reading<PodReading | null>> {
    return this.#named<PodReading>('', namespace, 'pods', name);
  }

  serviceAccount({ namespace, name }: ServiceAccount): Promise<Reading<ServiceAccountReading | null>> {
    return this.#named<ServiceAccountReading>('', namespace, 'serviceaccounts', name);
  }

  service(namespace: string, name: string): Promise<Reading<Service | null>> {
    return this.#named<Service>('', namespace, 'services', name);
  }

  workload(namespace: string, kind: WorkloadKind, name: string): Promise<Reading<Workload | null>> {
    return this.#named<Workload>('apps', namespace, `${kind.toLowerCase()}s`, name);
  }

  async admissionPolicyBound(name: string): Promise<Reading<boolean>> {
    const [apiGroup, resource] = ['admissionregistration.k8s.io', 'validatingadmissionpolicybindings'];
    const reading = await this.#object(`/apis/${apiGroup}/v1/${resource}/${name}`, { apiGroup, resource, name });
    return reading.ok ? { ok: true, value: reading.value !== null } : reading;
  }

  async disruptionBudgets(namespace: string): Promise<Reading<readonly DisruptionBudget[]>> {
    const path = pathOf('policy', namespace, 'poddisruptionbudgets');
    const target = { verb: 'list', apiGroup: 'policy', resource: 'poddisruptionbudgets', optional: true } as const;
    const reading = await this.#ask(target, { method: 'GET', path, timeoutMs: TIMEOUT_MS }, isList);
    return reading.ok ? { ok: true, value: reading.value.items as readonly DisruptionBudget[] } : reading;
  }

  async candidateApi(): Promise<Reading<string | null>> {
    const found = await findCandidateApi(this.#client, TIMEOUT_MS);
    if (found.kind === 'failed') return failed(found.failure);
    return { ok: true, value: found.kind === 'served' ? found.version : null };
  }

  async electionController(): Promise<Reading<boolean>> {
    const reading = await this.lease('kube-system', 'leader-election-controller');
    return reading.ok ? { ok: true, value: reading.value !== null } : reading;
  }

  #named<T>(apiGroup: string, namespace: string, resource: string, name: string): Promise<Reading<T | null>> {
    const path = `${pathOf(apiGroup, namespace, resource)}/${encodeURIComponent(name)}`;
    return this.#object(path, { apiGroup, resource, name }) as Promise<Reading<T | null>>;
  }

  async #object(
    path: string,
    about: Pick<CallTarget, 'apiGroup' | 'resource' | 'name'>,
  ): Promise<Reading<object | null>> {
    const request = { method: 'GET', path, timeoutMs: TIMEOUT_MS } as const;
    const reading = await this.#ask({ verb: 'get', ...about, optional: true }, request, isObject);
    return !reading.ok && (reading.failure.code === 'not-found' || reading.failure.code === 'namespace-missing')
      ? { ok: true, value: null }
      : reading;
  }

  async #ask<T>(
    target: CallTarget,
    request: KubeRequest,
    understood: (body: unknown) => body is T,
  ): Promise<Reading<T>> {
    const result = await this.#client.call(target, request, understood);
    return result.ok ? { ok: true, value: result.body as T } : failed(result.failure);
  }
}

const CREATE = { verb: 'create', optional: true } as const;

const NO_API_SERVER: Failure = {
  code: 'unexpected',
  message: 'what answers is no Kubernetes API server',
  mayHaveHappened: false,
  retryAfterMs: null,
};

function failed({ code, message, remedy }: Failure): Reading<never> {
  return { ok: false, failure: { code, message, remedy: remedy ?? null } };
}

function pathOf(group: string, namespace: string, resource: string): string {
  const root = group === '' ? '/api/v1' : `/apis/${group}/v1`;
  return `${root}/namespaces/${encodeURIComponent(namespace)}/${resource}`;
}

/** A question that is put by creating an object, of which nothing is stored. */
function review(group: string, kind: string, spec: object): KubeRequest {
  const path = `/apis/${group}/v1/${kind.toLowerCase()}s`;
  return { method: 'POST', path, timeoutMs: TIMEOUT_MS, body: { apiVersion: `${group}/v1`, kind, spec } };
}

/** A service account as the API server knows it by its token, groups included: roles are bound to those, too. */
function userOf({ namespace, name }: ServiceAccount): { readonly user: string; readonly groups: readonly string[] } {
  return {
    user: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  };
}

interface Review<S> {
  readonly status: S;
}

function isUserReview(body: unknown): body is Review<{ readonly userInfo: { readonly username: string } }> {
  const { status } = (body ?? {}) as Partial<Review<{ userInfo?: { username?: unknown } }>>;
  return typeof status?.userInfo?.username === 'string';
}

function isAccessReview(body: unknown): body is Review<{ readonly allowed: boolean }> {
  return typeof (body as Partial<Review<{ allowed?: unknown }>> | null)?.status?.allowed === 'boolean';
}

function isStatus(body: unknown): boolean {
  return (body as { kind?: unknown } | null)?.kind === 'Status';
}

function isList(body: unknown): body is { readonly items: readonly object[] } {
  const items = (body as { items?: unknown } | null)?.items;
  return Array.isArray(items) && items.every(isObject);
}

/** `exp` of a JSON Web Token (RFC 7519, 4.1.4). Read, not believed. */
function expiryOf(authorization: string): number | null {
  const payload = /^Bearer [^.]+\.([^.]+)\.[^.]+$/.exec(authorization)?.[1];
  if (payload === undefined) return null;
  try {
    const { exp } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1_000 : null;
  } catch {
    return null;
  }
}
