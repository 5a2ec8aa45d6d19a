import type { PublishFailure, Reply } from '../ports/publisher.ts';
import type { CallTarget, KubeClient, Verb } from './client.ts';
import type { Failure } from './errors.ts';
import type { KubeRequest } from './transport.ts';
import { remedyFor } from './trouble.ts';

/** One kind of object in one namespace. */
export interface ObjectKind {
  /** `''` is the core group. */
  readonly apiGroup: string;
  readonly resource: string;
  readonly namespace: string;
  /** All that is done with it and can be limited to names, for the RBAC rule that is advised. */
  readonly verbs: readonly Verb[];
}

export const MERGE_PATCH = 'application/merge-patch+json';
export const STRATEGIC_MERGE_PATCH = 'application/strategic-merge-patch+json';

/** Path of a kind's objects; all of them are served as `v1`. */
export function objectsPath({ apiGroup, resource, namespace }: ObjectKind): string {
  const group = apiGroup === '' ? '/api/v1' : `/apis/${apiGroup}/v1`;
  return `${group}/namespaces/${encodeURIComponent(namespace)}/${resource}`;
}

export interface ObjectRequest {
  readonly verb: Verb;
  /** Of the one object that is asked about. */
  readonly name?: string;
  readonly subresource?: string;
  /** Whether the RBAC rule names the object. */
  readonly nameInRule?: boolean;
}

export function objectTarget(kind: ObjectKind, { verb, name, subresource }: ObjectRequest): CallTarget {
  const resource = subresource === undefined ? kind.resource : `${kind.resource}/${subresource}`;
  // Its trouble is told of by whoever asked.
  return { verb, apiGroup: kind.apiGroup, resource, ...(name === undefined ? {} : { name }), optional: true };
}

/** A request about objects of one kind. Every outcome is a value. */
export async function askObjects<T>(
  client: KubeClient,
  kind: ObjectKind,
  about: ObjectRequest,
  request: Omit<KubeRequest, 'path'> & { readonly query?: string },
  understood: (body: unknown) => body is T,
): Promise<Reply<T>> {
  const { query, ...sent } = request;
  const object = about.name === undefined ? '' : `/${encodeURIComponent(about.name)}`;
  const subresource = about.subresource === undefined ? '' : `/${about.subresource}`;
  const path = `${objectsPath(kind)}${object}${subresource}${query === undefined ? '' : `?${query}`}`;
  const result = await client.call(objectTarget(kind, about), { ...sent, path }, understood);
  if (result.ok) return { ok: true, value: result.body as T };
  return { ok: false, failure: publishFailure(kind, about, result.failure) };
}

/** A reading of one object: that it is not there is no failure. */
export async function readObject<T>(
  client: KubeClient,
  kind: ObjectKind,
  about: ObjectRequest & { readonly name: string },
  timeoutMs: number,
  understood: (body: unknown) => body is T,
): Promise<Reply<T | null>> {
  const reply = await askObjects(client, kind, about, { method: 'GET', timeoutMs }, understood);
  return !reply.ok && reply.failure.code === 'not-found' ? { ok: true, value: null } : reply;
}

/** Codes with which the API server has answered, and has done nothing. */
const ANSWERS: readonly Failure['code'][] = [
  'unauthorized',
  'forbidden',
  'not-found',
  'namespace-missing',
  'conflict',
  'already-exists',
  'invalid',
  'throttled',
];

/** A failed request in the words of publishing. */
export function publishFailure(kind: ObjectKind, about: ObjectRequest, failure: Failure): PublishFailure {
  const { resource } = objectTarget(kind, about);
  const { message, retryAfterMs } = failure;
  // The object of that name is another one by now. The API server puts that as a change of the uid, which may not be: 422.
  const replaced = failure.code === 'invalid' && about.verb === 'patch' && message.includes('metadata.uid: ');
  const code = replaced ? 'conflict' : failure.code;
  return {
    code,
    request: `${about.verb} ${resource}`,
    message,
    remedy: failure.remedy ?? remedyOf(kind, about, resource, { code, message }),
    retryAfterMs,
    answered: ANSWERS.includes(code),
    again: code === 'conflict' || code === 'already-exists' ? 'now' : 'later',
  };
}

function remedyOf(
  kind: ObjectKind,
  about: ObjectRequest,
  resource: string,
  { code, message }: Pick<Failure, 'code' | 'message'>,
): string {
  switch (code) {
    case 'forbidden':
      // RBAC's words; admission has others.
      return /cannot \w+ resource/.test(message)
        ? remedyFor(code, ruleFor(kind, about, resource))
        : `something other than RBAC forbids to ${about.verb} ${resource}: an admission policy or a webhook, by these words`;
    case 'not-found':
      return 'it was deleted; what is there is read anew';
    case 'conflict':
    case 'already-exists':
      return 'somebody else writes to it all the time: find out who (metadata.managedFields)';
    case 'invalid':
      return 'an admission policy or a webhook refuses it, or an API server of another version: see its words';
    case 'unexpected':
      return `is this address really a Kubernetes API server that serves ${resource}? see what answers there`;
    default:
      return remedyFor(code, '');
  }
}

function ruleFor(kind: ObjectKind, { verb, name, nameInRule }: ObjectRequest, resource: string): string {
  const verbs = resource !== kind.resource || verb === 'create' ? [verb] : kind.verbs;
  const names = nameInRule && name !== undefined && verb !== 'create' ? { resourceNames: [name] } : {};
  return JSON.stringify({ apiGroups: [kind.apiGroup], resources: [resource], ...names, verbs });
}
