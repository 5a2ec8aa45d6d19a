import { type ApiObject, isObject, type JsonObject } from './object.ts';
import { jsonPatch, mergePatch } from './patch.ts';
import { apiVersion, type ResourceType } from './resources/resource-type.ts';
import { decode, type ObjectSchema } from './schema.ts';
import { badRequest, fail, invalid, ok, type Result, type Status, status, unsupportedMediaType } from './status.ts';
import { goMap, strategicMerge } from './strategic-merge.ts';

/** How to treat fields that no type knows: drop and warn, drop, or refuse. */
export type FieldValidation = 'Warn' | 'Ignore' | 'Strict';

export interface Body {
  /** As the header says, parameters included; empty when there is none. */
  readonly contentType: string;
  readonly text: string;
}

/** The warnings of a request, sent as `Warning` headers. */
export type Warnings = string[];

interface Typed {
  readonly kind: string;
  readonly group: string;
  readonly version: string;
  readonly schema: ObjectSchema;
}

const mediaType = (body: Body): string => body.contentType.split(';', 1)[0]!.trim().toLowerCase();

/** Parses JSON; undefined when it is none. */
function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** Reads the object of a POST or PUT, still in its own API version. */
export function readObject(
  body: Body,
  type: Typed,
  validation: FieldValidation,
  warnings: Warnings,
): Result<ApiObject> {
  if (!['', 'application/json'].includes(mediaType(body))) {
    const why = 'the body of the request was in an unknown format - accepted media types include: application/json';
    return fail(unsupportedMediaType(why));
  }
  const parsed = parseJson(body.text);
  const value = parsed?.value ?? {};
  if (parsed === undefined || !isObject(value)) {
    const excerpt = body.text === '' ? '<empty>' : body.text.slice(0, 27);
    const why = `couldn't get version/kind; json parse error: the body is no JSON object (${excerpt})`;
    return fail(badRequest(`the object provided is unrecognized (must be of type ${type.kind}): ${why}`));
  }
  const mistaken = typeProblem(value, type);
  return mistaken === null ? decodeObject(value, type, validation, warnings) : fail(badRequest(mistaken));
}

function typeProblem(value: JsonObject, type: Typed): string | null {
  const expected = apiVersion(type);
  const kind = value.kind ?? type.kind;
  const version = value.apiVersion ?? expected;
  if (kind !== type.kind || (version !== expected && !String(version).startsWith(`${type.group}/`))) {
    return `${kind} in version "${type.version}" cannot be handled as a ${type.kind}: no kind "${kind}" is registered for version "${version}" in scheme "pkg/runtime/scheme.go:111"`;
  }
  if (version === expected) return null;
  return `the API version in the data (${version}) does not match the expected API version (${expected})`;
}

function decodeObject(
  value: JsonObject,
  type: Typed,
  validation: FieldValidation,
  warnings: Warnings,
): Result<ApiObject> {
  const decoded = decode(type.schema, value);
  const unknown = decoded.unknown.map((path) => `unknown field "${path}"`);
  const strict = validation === 'Strict' && unknown.length > 0 ? `strict decoding error: ${unknown.join(', ')}` : null;
  const error = decoded.error ?? strict;
  if (error !== null) {
    return fail(badRequest(`${type.kind} in version "${type.version}" cannot be handled as a ${type.kind}: ${error}`));
  }
  if (validation === 'Warn') warnings.push(...unknown);
  return ok(decoded.value as unknown as ApiObject);
}

const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';

/** From an object as the client sees it to the patched one. */
export type Patch = (current: JsonObject) => Result<ApiObject>;

/** Reads the body of a PATCH: merge, strategic merge or JSON patch, by its media type. */
export function readPatch(
  body: Body,
  type: ResourceType,
  validation: FieldValidation,
  warnings: Warnings,
): Result<Patch> {
  const format = mediaType(body);
  if (![MERGE, STRATEGIC, JSON_PATCH].includes(format)) {
    return fail(unsupportedMediaType('415: Unsupported Media Type', {}));
  }
  const patch = parseJson(body.text)?.value;
  if (format === JSON_PATCH ? !Array.isArray(patch) : !isObject(patch)) {
    return fail(badRequest('error decoding patch: the body is not of the form that its media type names'));
  }
  return ok((current) => {
    const patched = applyPatch(format, current, patch, type);
    if (!patched.ok) return patched;
    const object = isObject(patched.value) ? patched.value : {};
    const { error } = decode(type.schema, object);
    if (error === null) return decodeObject(object, type, validation, warnings);
    return fail(
      format === STRATEGIC ? unfitting(goMap(patch), strategicError(error)) : unfitting(JSON.stringify(object), error),
    );
  });
}

function applyPatch(format: string, current: JsonObject, patch: unknown, type: ResourceType): Result<unknown> {
  if (format === MERGE) return ok(mergePatch(current, patch));
  if (format === STRATEGIC) return strategicMerge(current, patch as JsonObject, type.schema);
  const patched = jsonPatch(current, patch as unknown[]);
  const why = 'the server rejected our request due to an error in our request';
  return patched === undefined ? fail(status(422, 'Invalid', why, {})) : ok(patched);
}

/** A patch that leads to something of the wrong type; `value` is what the real server quotes of it. */
function unfitting(value: string, error: string): Status {
  const message = `Invalid value: ${JSON.stringify(value)}: ${error}`;
  return invalid({ group: '', kind: '' }, '', [{ reason: 'FieldValueInvalid', message, field: 'patch' }]);
}

/** Strategic merge patches are decoded by another decoder, of fewer words. */
const strategicError = (error: string): string =>
  error.replace(/^json: cannot unmarshal .* of type /, 'unrecognized type: ');
