import type { Cause } from './validation.ts';

/** A cause that is no field's. */
export interface OtherCause {
  readonly reason: string;
  readonly message: string;
}

/** A `Status` of kind Failure, as kube-apiserver 1.36 words it. `reason` is absent where the real server sends none. */
export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Record<string, never>;
  readonly status: 'Failure';
  readonly message: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code: number;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly (Cause | OtherCause)[];
  readonly retryAfterSeconds?: number;
}

/** An expected failure is a value: what the API server would answer. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Status };

export const ok = <T>(value: T): Result<T> => ({ ok: true, value });
export const fail = (error: Status): { readonly ok: false; readonly error: Status } => ({ ok: false, error });

/** The names that messages and details use: `leases` or `Lease`, and the group (empty for core). */
export interface Noun {
  readonly group: string;
  readonly kind: string;
}

export function status(code: number, reason: string, message: string, details?: StatusDetails): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason !== '' && { reason }),
    ...(details !== undefined && { details }),
    code,
  };
}

const qualified = (noun: Noun): string => (noun.group === '' ? noun.kind : `${noun.kind}.${noun.group}`);

const detailsOf = (noun: Noun, name: string): StatusDetails => ({
  ...(name !== '' && { name }),
  ...(noun.group !== '' && { group: noun.group }),
  ...(noun.kind !== '' && { kind: noun.kind }),
});

export const badRequest = (message: string): Status => status(400, 'BadRequest', message);

export const unauthorized = (): Status => status(401, 'Unauthorized', 'Unauthorized');

export const forbidden = (noun: Noun, name: string, why: string): Status =>
  status(
    403,
    'Forbidden',
    `${qualified(noun)}${name === '' ? '' : ` "${name}"`} is forbidden: ${why}`,
    detailsOf(noun, name),
  );

export const notFound = (noun: Noun, name: string): Status =>
  status(404, 'NotFound', `${qualified(noun)} "${name}" not found`, detailsOf(noun, name));

export const noSuchResource = (): Status =>
  status(404, 'NotFound', 'the server could not find the requested resource', {});

export const methodNotAllowed = (): Status =>
  status(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

export const notAcceptable = (): Status =>
  status(406, 'NotAcceptable', '406: Not Acceptable\n\nAvailable representations: application/json', {});

export const alreadyExists = (noun: Noun, name: string): Status =>
  status(409, 'AlreadyExists', `${qualified(noun)} "${name}" already exists`, detailsOf(noun, name));

export const conflict = (noun: Noun, name: string, why: string): Status =>
  status(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(noun)} "${name}": ${why}`,
    detailsOf(noun, name),
  );

/** A list at an exact version that is gone. */
export const expired = (): Status => status(410, 'Expired', 'The resourceVersion for the provided list is too old.');

/** The object of a watch's ERROR event when the events after `since` are no longer kept. */
export const tooOld = (since: number, oldest: number): Status =>
  status(410, 'Expired', `too old resource version: ${since} (${oldest})`);

export const tooLarge = (): Status =>
  status(413, 'RequestEntityTooLarge', 'Request entity too large: limit is 3145728');

export const unsupportedMediaType = (message: string, details?: StatusDetails): Status =>
  status(415, 'UnsupportedMediaType', message, details);

export function invalid(noun: Noun, name: string, causes: readonly Cause[]): Status {
  const problems = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const list = problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`;
  return status(422, 'Invalid', `${qualified(noun)} "${name}" is invalid: ${list}`, {
    ...detailsOf(noun, name),
    causes,
  });
}

/** A resourceVersion that this server has not reached: the real one waits 3 s for it, then answers so. */
export const versionTooLarge = (asked: number, current: number): Status =>
  status(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });

/** Errors that the real server did not foresee: 500 without a reason. */
export const unforeseen = (message: string): Status => status(500, '', message);
