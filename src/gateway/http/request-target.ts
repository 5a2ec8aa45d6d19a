import type { IncomingMessage } from 'node:http';
import type { GatewayErrorCode } from './replies.ts';

/** The request as it may be passed on, or why it is refused. */
export type RequestCheck = { readonly path: string } | Refusal;

interface Refusal {
  readonly code: GatewayErrorCode;
  /** For people. */
  readonly detail?: string;
}

/** Characters of a host and port; what is beyond them is read differently by different servers. */
const AUTHORITY = /^[A-Za-z0-9._~!$&'()*+;=%:[\]-]*$/;
const ABSOLUTE = /^https?:\/\/([^/?#]*)([^#]*)$/i;
const DECIMAL = /^\d{1,15}$/;
/** Bytes are bounded by node:http, which does not count what stands between names and values. */
const HEADERS_MAX = 256;

/**
 * What node:http lets through although servers may read it in more than one way, or can't do what it asks for. It has refused
 * already what it can't parse, a message with both or several lengths among that.
 */
export function checkRequest(
  { method, url = '', httpVersion, headers, rawHeaders }: IncomingMessage,
  identity: string,
): RequestCheck {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return malformed(`HTTP/${httpVersion} is not spoken here`);
  if (rawHeaders.length > 2 * HEADERS_MAX) return { code: 'GATEWAY_HEADERS_TOO_LARGE' };
  // Only requests that this replica sent to its application carry its name: that leads back here.
  if (headers['leasegate-identity'] === identity) return { code: 'GATEWAY_LOOP' };
  const { host = '', 'transfer-encoding': coding, 'content-length': length, expect } = headers;
  if (expect !== undefined && httpVersion === '1.1' && expect.toLowerCase() !== '100-continue')
    return { code: 'GATEWAY_EXPECTATION_FAILED' };
  if (coding !== undefined) {
    if (httpVersion === '1.0') return malformed('HTTP/1.0 has no Transfer-Encoding');
    if (coding.toLowerCase() !== 'chunked') return malformed('the only Transfer-Encoding taken is chunked');
    if (length !== undefined) return malformed('a message has a Content-Length or a Transfer-Encoding, not both');
  }
  if (length !== undefined && !DECIMAL.test(length)) return malformed('the Content-Length is no number');
  const hosts = countOf(rawHeaders, 'host');
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1')) return malformed('a request has one Host');
  if (!AUTHORITY.test(host)) return malformed('the Host is no host');

  if (url.startsWith('/')) return url.includes('#') ? malformed('a request target has no fragment') : { path: url };
  if (url === '*' && method === 'OPTIONS') return { path: url };
  const absolute = ABSOLUTE.exec(url);
  if (absolute === null) return malformed('the request target is neither a path nor a URL');
  const [, authority = '', rest = ''] = absolute;
  if (normalised(authority) !== normalised(host))
    return malformed('the URL of the request names another host than Host');
  return { path: rest.startsWith('/') ? rest : `/${rest}` };
}

function malformed(detail: string): Refusal {
  return { code: 'GATEWAY_BAD_REQUEST', detail: `${detail}.` };
}

function countOf(rawHeaders: readonly string[], name: string): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const each = rawHeaders[index]!;
    if (each.length === name.length && each.toLowerCase() === name) count += 1;
  }
  return count;
}

function normalised(authority: string): string {
  return authority.toLowerCase().replace(/:(?:80)?$/, '');
}

/** Whether a body follows the head. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
