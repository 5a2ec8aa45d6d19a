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
    | 'unreachable'
    | 'reset'
    | 'timeout';
  /** The API server's own words, or the network's. */
  readonly message: string;
  /** True when the request may have taken effect all the same. */
  readonly mayHaveHappened: boolean;
  readonly retryAfterMs: number | null;
}

/** The fields of a Kubernetes `Status` body that matter here. */
interface StatusBody {
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly kind?: string };
}

/** Names a reply that is no success. */
export function failureOf(reply: KubeReply): Failure {
  const status: StatusBody = typeof reply.body === 'object' && reply.body !== null ? reply.body : {};
  const code = codeOf(reply.status, status);
  return {
    code,
    message: status.message ?? (typeof reply.body === 'string' ? reply.body.slice(0, 200) : `HTTP ${reply.status}`),
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
    mayHaveHappened: error.code !== 'unreachable',
    retryAfterMs: null,
  };
}

function codeOf(httpStatus: number, status: StatusBody): Failure['code'] {
  switch (httpStatus) {
    case 401:
      return 'unauthorized';
    case 403:
      return 'forbidden';
    case 404:
      return status.details?.kind === 'namespaces' ? 'namespace-missing' : 'not-found';
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
