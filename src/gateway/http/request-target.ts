import type { IncomingMessage } from 'node:http';

/** The request as it may be passed on, or why it is refused with 400; with 431 where it has too many headers. */
export type RequestCheck = { readonly path: string } | { readonly refused: string } | 'too-many-headers';

/** Characters of a host and port; what is beyond them is read differently by different servers. */
const AUTHORITY = /^[A-Za-z0-9._~!$&'()*+;=%:[\]-]*$/;
const ABSOLUTE = /^https?:\/\/([^/?#]*)([^#]*)$/i;
const DECIMAL = /^\d{1,15}$/;
/** Bytes are bounded by node:http, which does not count what stands between names and values. */
const HEADERS_MAX = 256;

/**
 * What node:http lets through although servers may read it in more than one way. It has refused already what it can't parse,
 * a message with both or several lengths among that.
 */
export function checkRequest({ method, url = '', httpVersion, headers, rawHeaders }: IncomingMessage): RequestCheck {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return { refused: `HTTP/${httpVersion} is not spoken here` };
  if (rawHeaders.length > 2 * HEADERS_MAX) return 'too-many-headers';
  const { host = '', 'transfer-encoding': coding, 'content-length': length } = headers;
  if (coding !== undefined) {
    if (httpVersion === '1.0') return { refused: 'HTTP/1.0 has no Transfer-Encoding' };
    if (coding.toLowerCase() !== 'chunked') return { refused: 'the only Transfer-Encoding taken is chunked' };
    if (length !== undefined) return { refused: 'a message has a Content-Length or a Transfer-Encoding, not both' };
  }
  if (length !== undefined && !DECIMAL.test(length)) return { refused: 'the Content-Length is no number' };
  const hosts = countOf(rawHeaders, 'host');
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1')) return { refused: 'a request has one Host' };
  if (!AUTHORITY.test(host)) return { refused: 'the Host is no host' };

  if (url.startsWith('/')) return url.includes('#') ? { refused: 'a request target has no fragment' } : { path: url };
  if (url === '*' && method === 'OPTIONS') return { path: url };
  const absolute = ABSOLUTE.exec(url);
  if (absolute === null) return { refused: 'the request target is neither a path nor a URL' };
  const [, authority = '', rest = ''] = absolute;
  if (normalised(authority) !== normalised(host))
    return { refused: 'the URL of the request names another host than Host' };
  return { path: rest.startsWith('/') ? rest : `/${rest}` };
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
