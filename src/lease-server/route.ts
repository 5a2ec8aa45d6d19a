import { findResourceType } from './resources/index.ts';
import type { ResourceType, ResourceVerb } from './resources/resource-type.ts';

/** What a path means, before anything is known of the method. */
export type Route =
  | {
      readonly kind: 'resource';
      readonly type: ResourceType;
      readonly namespace: string;
      readonly name: string;
      readonly subresource: string;
    }
  | { readonly kind: 'accessReview' }
  | { readonly kind: 'document'; readonly path: string }
  /** A known group has no such resource: 404 as a Status. */
  | { readonly kind: 'unknownResource' }
  /** Anything else: 404 as text. */
  | { readonly kind: 'unknownPath' };

const GROUP_VERSIONS = new Set(['/v1', 'coordination.k8s.io/v1', 'events.k8s.io/v1', 'authorization.k8s.io/v1']);

/** Documents that need no store: health, version and discovery. */
export const DOCUMENT_PATHS: ReadonlySet<string> = new Set([
  '/version',
  '/healthz',
  '/livez',
  '/readyz',
  '/api',
  '/apis',
  '/api/v1',
  ...['coordination.k8s.io', 'events.k8s.io', 'authorization.k8s.io'].flatMap((group) => [
    `/apis/${group}`,
    `/apis/${group}/v1`,
  ]),
]);

/** Reads a path; `pathname` is still percent-encoded. */
export function parseRoute(pathname: string): Route {
  const path = pathname.length > 1 && pathname.endsWith('/') ? pathname.slice(0, -1) : pathname;
  if (DOCUMENT_PATHS.has(path)) return { kind: 'document', path };
  const segments = decodeSegments(path.slice(1));
  if (segments === undefined) return { kind: 'unknownPath' };
  const [root, ...rest] = segments;
  const group = root === 'apis' ? (rest.shift() ?? '') : '';
  const version = rest.shift() ?? '';
  if ((root !== 'api' && root !== 'apis') || !GROUP_VERSIONS.has(`${group}/${version}`)) return { kind: 'unknownPath' };
  if (group === 'authorization.k8s.io') {
    return rest.join('/') === 'selfsubjectaccessreviews' ? { kind: 'accessReview' } : { kind: 'unknownResource' };
  }
  return resourceRoute(group, version, rest);
}

function resourceRoute(group: string, version: string, path: readonly string[]): Route {
  const inNamespace = path[0] === 'namespaces' && path.length > 2;
  const [plural = '', name = '', subresource = '', ...beyond] = inNamespace ? path.slice(2) : path;
  const namespace = inNamespace ? (path[1] ?? '') : '';
  const type = findResourceType(group, version, plural);
  const known =
    type !== undefined &&
    beyond.length === 0 &&
    (subresource === '' || type.subresources.includes(subresource)) &&
    (type.namespaced ? inNamespace || name === '' : !inNamespace);
  return known ? { kind: 'resource', type, namespace, name, subresource } : { kind: 'unknownResource' };
}

function decodeSegments(path: string): string[] | undefined {
  try {
    return path.split('/').map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

/** The verb that a method means here, as RBAC names it; undefined when the resource has no such method. */
export function verbOf(
  method: string,
  route: Route & { kind: 'resource' },
  query: URLSearchParams,
): ResourceVerb | undefined {
  const onItem = route.name !== '';
  const verb = onItem
    ? ITEM_VERBS[method]
    : method === 'GET' && isTrue(query.get('watch'))
      ? 'watch'
      : COLLECTION_VERBS[method];
  if (verb === undefined || !route.type.verbs.includes(verb)) return undefined;
  if (route.subresource !== '' && !['get', 'update', 'patch'].includes(verb)) return undefined;
  // Collections of all namespaces can only be read.
  if (verb === 'create' && route.type.namespaced && route.namespace === '') return undefined;
  return verb;
}

/** As kube-apiserver reads a boolean parameter: anything but `0` and `false` is true. */
export function isTrue(text: string | null): boolean {
  return text !== null && !['0', 'false'].includes(text.toLowerCase());
}

const ITEM_VERBS: Readonly<Record<string, ResourceVerb>> = {
  GET: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};
const COLLECTION_VERBS: Readonly<Record<string, ResourceVerb>> = { GET: 'list', POST: 'create' };
