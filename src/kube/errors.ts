import { type KubeReply, TransportError } from './transport.ts';

/** What went wrong with a request, in codes that metrics, logs and the election share. */
export interface Failure {
  readonly code:
    | 'unauthorized'
    | 'forbidden'
    | 'not-found'
    | 'namespace-missing'
    | 'conflict'
    | 'already-exists'
    | 'gone'
    | 'invalid'
    | 'throttled'
    | 'server-error'
    | 'unexpected'
    | 'no-credentials'
    | 'unreachable'
    | 'reset'
    | 'timeout';
  /** The API server's own words, or the network's. */
  readonly message: string;
  /** True when the request may have taken effect all the same. */
  readonly mayHaveHappened: boolean;
  readonly retryAfterMs: number | null;
  /** What the operator can do, where that depends on more than the code. */
  readonly remedy?: string;
}

/** The object that a request names. */
export interface NamedObject {
  readonly resource: string;
  readonly name: string;
}

/** The fields of a Kubernetes `Status` body that matter here. */
interface StatusBody {
  readonly kind?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly kind?: string; readonly name?: string };
}

/** Names a reply that is no success. Only of an object that was asked for by name can it be said that it is `not-found`. */
export function failureOf(reply: KubeReply, asked: NamedObject | null): Failure {
  const status: StatusBody = typeof reply.body === 'object' && reply.body !== null ? reply.body : {};
  const code = codeOf(reply.status, status, asked);
  return {
    code,
    message:
      status.message ?? (typeof reply.body === 'string' ? reply.body.slice(0, 200).trim() : `HTTP ${reply.status}`),
    // A timeout inside the API server, or a proxy's 502, says nothing about what etcd did.
    mayHaveHappened: code === 'server-error',
    retryAfterMs: reply.retryAfterMs,
  };
}

/** Names an error thrown by the transport; anything else is a defect and is thrown again. */
export function failureOfError(error: unknown): Failure {
  if (!(error instanceof TransportError)) throw error;
  return {
    code: error.code,
    message: error.message,
    mayHaveHappened: error.code === 'reset' || error.code === 'timeout',
    retryAfterMs: null,
    ...(error.remedy === null ? {} : { remedy: error.remedy }),
  };
}

function codeOf(httpStatus: number, status: StatusBody, asked: NamedObject | null): Failure['code'] {
  switch (httpStatus) {
    case 401:
      return 'unauthorized';
    case 403:
      return 'forbidden';
    case 404:
      return missing(status, asked);
    case 409:
      return status.reason === 'AlreadyExists' ? 'already-exists' : 'conflict';
    case 410:
      return 'gone';
    case 400:
    case 422:
      return 'invalid';
    case 429:
      return 'throttled';
    default:
      return httpStatus >= 500 ? 'server-error' : 'unexpected';
  }
}

/** A wrong address, a gateway, an API server without the API group all answer 404: none of them knows whether there is a Lease. */
function missing({ kind, reason, details }: StatusBody, asked: NamedObject | null): Failure['code'] {
  if (kind !== 'Status' || reason !== 'NotFound') return 'unexpected';
  if (details?.kind === 'namespaces') return 'namespace-missing';
  return asked !== null && details?.kind === asked.resource && details.name === asked.name ? 'not-found' : 'unexpected';
}
