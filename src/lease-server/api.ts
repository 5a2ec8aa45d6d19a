import { type Action, accessReviewSchema, denied, reviewAccess } from './access.ts';
import { type Body, readObject, type Warnings } from './body.ts';
import { type Call, type ResourceCall, resourceCall } from './call.ts';
import { readDocument } from './discovery.ts';
import type { JsonObject } from './object.ts';
import { readSelection, readVersion, readWatchQuery } from './options.ts';
import { apiVersion, present } from './resources/resource-type.ts';
import {
  expired,
  fail,
  methodNotAllowed,
  noSuchResource,
  notAcceptable,
  ok,
  type Result,
  type Status,
} from './status.ts';
import type { LeaseStore } from './store.ts';
import type { WatchQuery } from './watch.ts';
import { create, remove, update, type Write } from './write.ts';

export interface Request {
  readonly call: Call;
  /** The Accept header; empty when there is none. */
  readonly accept: string;
  readonly body: Body;
  /** Who asks, for the words of a refusal. */
  readonly user: string;
}

/** What a request meets: the wall clock, and what the user may do. */
export interface Circumstances {
  readonly nowMs: number;
  readonly allows: (action: Action) => boolean;
}

export type Answer =
  | { readonly kind: 'json'; readonly code: number; readonly body: JsonObject | Status; readonly warnings: Warnings }
  | { readonly kind: 'text'; readonly code: number; readonly text: string }
  | { readonly kind: 'watch'; readonly query: WatchQuery };

const json = (code: number, body: JsonObject | Status, warnings: Warnings = []): Answer => ({
  kind: 'json',
  code,
  body,
  warnings,
});
const refusal = (error: Status): Answer => json(error.code, error);
const READABLE = /^$|\*\/\*|application\/(?:json|\*)/;

/**
 * Answers a request to the API as kube-apiserver 1.36 does. Synchronous and pure but for the store's state: the HTTP server
 * wraps it, and a simulation may call it directly.
 */
export function answer(store: LeaseStore, request: Request, circumstances: Circumstances): Answer {
  const { call, user } = request;
  const { route, action } = call;
  if (route.kind === 'unknownPath') return { kind: 'text', code: 404, text: '404 page not found\n' };
  if (route.kind === 'unknownResource') return refusal(noSuchResource());
  if (route.kind === 'document') return documentAnswer(call.method, route.path);
  if (action === null) return refusal(methodNotAllowed());
  if (route.kind !== 'accessReview' && !circumstances.allows(action)) return refusal(denied(user, action));
  if (!READABLE.test(request.accept)) return refusal(notAcceptable());
  if (route.kind === 'accessReview') return accessAnswer(request, circumstances);
  const asked = resourceCall(call);
  return asked === null ? refusal(methodNotAllowed()) : resourceAnswer(store, asked, request.body, circumstances.nowMs);
}

function documentAnswer(method: string, path: string): Answer {
  if (method !== 'GET') return refusal(methodNotAllowed());
  const content = readDocument(path);
  return typeof content === 'string' ? { kind: 'text', code: 200, text: content } : json(200, content);
}

function accessAnswer(request: Request, { allows }: Circumstances): Answer {
  const group = 'authorization.k8s.io';
  const type = { kind: 'SelfSubjectAccessReview', group, version: 'v1', schema: accessReviewSchema };
  const review = readObject(request.body, type, 'Ignore', []);
  if (!review.ok) return refusal(review.error);
  const reviewed = reviewAccess({ ...review.value }, allows);
  return reviewed.ok ? json(201, reviewed.value) : refusal(reviewed.error);
}

function resourceAnswer(store: LeaseStore, call: ResourceCall, body: Body, nowMs: number): Answer {
  const write: Write = { call, body, nowMs, warnings: [] };
  const written = (result: ReturnType<typeof create>): Answer =>
    result.ok ? json(result.value.created ? 201 : 200, result.value.object, write.warnings) : refusal(result.error);
  switch (call.verb) {
    case 'watch': {
      const query = readWatchQuery(call);
      return query.ok ? { kind: 'watch', query: query.value } : refusal(query.error);
    }
    case 'list':
      return single(list(store, call));
    case 'get':
      return single(get(store, call));
    case 'create':
      return written(create(store, write));
    case 'update':
    case 'patch':
      return written(update(store, write));
    case 'delete':
      return single(remove(store, write));
  }
}

const single = (result: Result<JsonObject>): Answer => (result.ok ? json(200, result.value) : refusal(result.error));

function get(store: LeaseStore, call: ResourceCall): Result<JsonObject> {
  const version = readVersion(call.query, store.resourceVersion);
  if (!version.ok) return version;
  const found = store.get(call);
  return found.ok ? ok(present(call.type, found.value)) : found;
}

function list(store: LeaseStore, call: ResourceCall): Result<JsonObject> {
  const { type, query } = call;
  const version = readVersion(query, store.resourceVersion);
  if (!version.ok) return version;
  const exactly = query.get('resourceVersionMatch') === 'Exact';
  if (exactly && version.value !== store.resourceVersion) return fail(expired());
  const selects = readSelection(call);
  if (!selects.ok) return selects;
  const found = store.list(type, call.namespace).filter(selects.value);
  return ok({
    kind: `${type.kind}List`,
    apiVersion: apiVersion(type),
    metadata: { resourceVersion: String(store.resourceVersion) },
    items: found.map((object) => type.fromStored(object)),
  });
}
