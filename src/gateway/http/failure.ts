/**
 * Why a server gave no answer, or no whole one. `unreachable`: no connection came about. `reset`: it broke. `invalid`: what came is
 * no HTTP. `unsendable`: the request can't be said in HTTP. The timeouts: until connected, and until the head of the answer.
 */
export type FailureKind =
  | 'unreachable'
  | 'reset'
  | 'invalid'
  | 'unsendable'
  | 'connect-timeout'
  | 'response-timeout'
  | 'aborted';

const KINDS: Readonly<Record<string, FailureKind>> = {
  CONNECT_TIMEOUT: 'connect-timeout',
  UND_ERR_HEADERS_TIMEOUT: 'response-timeout',
  RESPONSE_TIMEOUT: 'response-timeout',
  ECONNREFUSED: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EMFILE: 'unreachable',
  ENOTFOUND: 'unreachable',
  EAI_AGAIN: 'unreachable',
  UND_ERR_HEADERS_OVERFLOW: 'invalid',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'invalid',
  UND_ERR_INVALID_ARG: 'unsendable',
  UND_ERR_NOT_SUPPORTED: 'unsendable',
  ERR_INVALID_CHAR: 'invalid',
  ERR_HTTP_INVALID_STATUS_CODE: 'invalid',
  BODY_ABORTED: 'aborted',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'aborted',
};

/** What undici and node:http say by their error codes. */
export function failureOf(error: unknown): FailureKind {
  const { name, code, message, syscall } = error as Readonly<Record<string, unknown>>;
  // Not all of undici's parser errors have a code.
  if (name === 'HTTPParserError') return 'invalid';
  if (typeof code !== 'string') return 'reset';
  // Of an established connection the same is said when its other side is gone.
  if (code === 'ETIMEDOUT') return syscall === 'connect' ? 'connect-timeout' : 'reset';
  if (code.startsWith('HPE_')) return 'invalid';
  // undici's words for an answer that nobody asked for, or a switch of protocols likewise.
  if (code === 'UND_ERR_SOCKET' && (message === 'bad response' || message === 'bad upgrade')) return 'invalid';
  return KINDS[code] ?? 'reset';
}
