import type { RemovalOutcome, RequestFailure } from '../ports/request-failure.ts';
import type { CallResult, CallTarget, KubeClient } from './client.ts';
import type { Failure } from './errors.ts';

/** How a request about one object ended, as a value: nothing of this rejects. */
export type ObjectOutcome<Ok, Failed> = Ok | { readonly kind: 'absent' } | { readonly kind: 'conflict' } | Failed;

/** `ok` makes the outcome of what a successful request answered, `otherwise` that of a failure. */
export function outcomeOf<Ok, Failed>(
  result: CallResult,
  ok: (body: unknown) => Ok,
  otherwise: (failure: Failure) => Failed,
): ObjectOutcome<Ok, Failed> {
  if (result.ok) return ok(result.body);
  switch (result.failure.code) {
    case 'not-found':
      return { kind: 'absent' };
    case 'conflict':
    case 'already-exists':
      return { kind: 'conflict' };
    default:
      return otherwise(result.failure);
  }
}

/** Deletes the object at `path`, if it still is what `preconditions` say. */
export async function removeObject(
  client: KubeClient,
  target: CallTarget,
  path: string,
  preconditions: { readonly uid: string; readonly resourceVersion?: string },
  timeoutMs: number,
): Promise<RemovalOutcome> {
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions };
  const result = await client.call(target, { method: 'DELETE', path, body, timeoutMs });
  if (result.ok || result.failure.code === 'not-found') return { kind: 'removed' };
  return result.failure.code === 'conflict' ? { kind: 'conflict' } : failed(result.failure);
}

/** What the ports are told of a failure. */
export function failed({ code, message, retryAfterMs }: Failure): RequestFailure {
  return { kind: 'failed', code, message, retryAfterMs };
}
