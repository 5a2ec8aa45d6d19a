import type { Body } from './body.ts';
import { isObject } from './object.ts';
import type { Preconditions } from './ownership.ts';
import { badRequest, fail, ok, type Result } from './status.ts';

export interface DeleteOptions {
  readonly preconditions: Preconditions;
  readonly dryRun: boolean;
}

/** Reads the body of a DELETE; an empty one asks for nothing. */
export function readDeleteOptions(body: Body): Result<DeleteOptions> {
  if (body.text === '') return ok({ preconditions: {}, dryRun: false });
  let options: unknown;
  try {
    options = JSON.parse(body.text);
  } catch {
    options = undefined;
  }
  if (!isObject(options)) return fail(badRequest('the body of the request is no JSON object'));
  if ((options.kind ?? 'DeleteOptions') !== 'DeleteOptions') {
    const registered = `no kind "${options.kind}" is registered for version "${options.apiVersion ?? ''}"`;
    return fail(badRequest(`${registered} in scheme "pkg/runtime/scheme.go:111"`));
  }
  const asked = isObject(options.preconditions) ? options.preconditions : {};
  const preconditions: Preconditions = {
    ...(typeof asked.uid === 'string' && { uid: asked.uid }),
    ...(typeof asked.resourceVersion === 'string' && { resourceVersion: asked.resourceVersion }),
  };
  return ok({ preconditions, dryRun: Array.isArray(options.dryRun) && options.dryRun.includes('All') });
}
