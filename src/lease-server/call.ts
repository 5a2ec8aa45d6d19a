import type { Action } from './access.ts';
import type { ResourceType, ResourceVerb } from './resources/resource-type.ts';
import { parseRoute, type Route, verbOf } from './route.ts';

/** A request as far as its first line tells. */
export interface Call {
  readonly method: string;
  readonly route: Route;
  readonly query: URLSearchParams;
  /** What it does to a resource; null for documents, unknown paths and methods that a resource has not. */
  readonly action: Action | null;
}

/** A call on a stored resource. */
export interface ResourceCall {
  readonly type: ResourceType;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  readonly verb: ResourceVerb;
  readonly query: URLSearchParams;
}

/** Reads the method and the request target (path and query). */
export function parseCall(method: string, target: string): Call {
  const mark = target.indexOf('?');
  const query = new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1));
  const route = parseRoute(mark < 0 ? target : target.slice(0, mark));
  return { method, route, query, action: actionOf(method, route, query) };
}

function actionOf(method: string, route: Route, query: URLSearchParams): Action | null {
  if (route.kind === 'accessReview' && method === 'POST') {
    const [group, resource] = ['authorization.k8s.io', 'selfsubjectaccessreviews'];
    return { verb: 'create', group, resource, subresource: '', namespace: '', name: '' };
  }
  if (route.kind !== 'resource') return null;
  const verb = verbOf(method, route, query);
  if (verb === undefined) return null;
  const { type, namespace, name, subresource } = route;
  // A namespace is authorized as a part of itself.
  const scope = type.plural === 'namespaces' ? name : namespace;
  return { verb, group: type.group, resource: type.plural, subresource, namespace: scope, name };
}

export function resourceCall(call: Call): ResourceCall | null {
  if (call.route.kind !== 'resource' || call.action === null) return null;
  const { type, namespace, name, subresource } = call.route;
  return { type, namespace, name, subresource, verb: call.action.verb as ResourceVerb, query: call.query };
}
