import { type Body, readObject, readPatch, type Warnings } from './body.ts';
import type { ResourceCall } from './call.ts';
import { readDeleteOptions } from './delete-options.ts';
import type { ApiObject, JsonObject } from './object.ts';
import { readWriteParameters, type WriteParameters } from './options.ts';
import { pluralNoun, present } from './resources/resource-type.ts';
import { badRequest, fail, notFound, ok, type Result, type Status } from './status.ts';
import type { LeaseStore, Target } from './store.ts';

/** A request that changes an object. `warnings` is added to. */
export interface Write {
  readonly call: ResourceCall;
  readonly body: Body;
  readonly nowMs: number;
  readonly warnings: Warnings;
}

export interface WriteAnswer {
  readonly object: JsonObject;
  readonly created: boolean;
}

export function create(store: LeaseStore, { call, body, nowMs, warnings }: Write): Result<WriteAnswer> {
  const { type, namespace, query } = call;
  const parameters = readWriteParameters(query, 'CreateOptions');
  if (!parameters.ok) return parameters;
  const object = readObject(body, type, parameters.value.fieldValidation, warnings);
  if (!object.ok) return object;
  const misplaced = namespaceProblem(call, object.value);
  if (misplaced !== null) return fail(misplaced);
  const { dryRun } = parameters.value;
  const created = store.create(type, namespace, type.toStored(object.value), { nowMs, dryRun });
  return created.ok ? ok({ object: present(type, created.value), created: true }) : created;
}

/** PUT and PATCH. */
export function update(store: LeaseStore, write: Write): Result<WriteAnswer> {
  const { call, nowMs } = write;
  const replaces = call.verb === 'update';
  const parameters = readWriteParameters(call.query, replaces ? 'UpdateOptions' : 'PatchOptions');
  if (!parameters.ok) return parameters;
  const reviser = replaces ? replacement(write, parameters.value) : patching(write, parameters.value);
  if (!reviser.ok) return reviser;
  const revision = { revise: reviser.value, subresource: call.subresource, replaces };
  const written = store.update(call, revision, { nowMs, dryRun: parameters.value.dryRun });
  if (!written.ok) return written;
  return ok({ object: present(call.type, written.value.object), created: written.value.created });
}

type Reviser = (current: ApiObject | undefined) => Result<ApiObject>;

function replacement({ call, body, warnings }: Write, parameters: WriteParameters): Result<Reviser> {
  const object = readObject(body, call.type, parameters.fieldValidation, warnings);
  if (!object.ok) return object;
  const placed = inPlace(call, object.value);
  return placed.ok ? ok(() => placed) : placed;
}

function patching({ call, body, warnings }: Write, parameters: WriteParameters): Result<Reviser> {
  const patch = readPatch(body, call.type, parameters.fieldValidation, warnings);
  if (!patch.ok) return patch;
  return ok((current) => {
    if (current === undefined) return fail(notFound(pluralNoun(call.type), call.name));
    const patched = patch.value(present(call.type, current));
    return patched.ok ? inPlace(call, patched.value) : patched;
  });
}

/** The object as stored, if it is the one that the path names. */
function inPlace(call: ResourceCall, object: ApiObject): Result<ApiObject> {
  const misplaced = nameProblem(call, object) ?? namespaceProblem(call, object);
  return misplaced === null ? ok(call.type.toStored(object)) : fail(misplaced);
}

/** The object where it has content that may matter yet, else a Status of kind Success. */
export function remove(store: LeaseStore, { call, body, nowMs }: Write): Result<JsonObject> {
  const parameters = readWriteParameters(call.query, 'DeleteOptions');
  if (!parameters.ok) return parameters;
  const asked = readDeleteOptions(body);
  if (!asked.ok) return asked;
  const dryRun = parameters.value.dryRun || asked.value.dryRun;
  const removed = store.delete(call, asked.value.preconditions, { nowMs, dryRun });
  if (!removed.ok) return removed;
  const { metadata } = removed.value;
  const remains = typeof metadata.deletionTimestamp === 'string';
  return ok(call.type.deleteAnswersObject || remains ? present(call.type, removed.value) : success(call, metadata.uid));
}

function success({ type, name }: Target, uid = ''): JsonObject {
  const { group, kind } = pluralNoun(type);
  const details = { name, ...(group !== '' && { group }), kind, uid };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}

function nameProblem(call: ResourceCall, { metadata }: ApiObject): Status | null {
  const { name } = metadata;
  if (name === call.name) return null;
  return badRequest(
    name === undefined
      ? `the name of the object (${call.name} based on URL) was undeterminable: name must be provided`
      : `the name of the object (${name}) does not match the name on the URL (${call.name})`,
  );
}

function namespaceProblem({ type, namespace }: ResourceCall, { metadata }: ApiObject): Status | null {
  const given = metadata.namespace ?? '';
  if (given === '' || given === (type.namespaced ? namespace : '')) return null;
  return badRequest('the namespace of the provided object does not match the namespace sent on the request');
}
