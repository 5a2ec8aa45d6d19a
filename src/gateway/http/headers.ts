import type { IncomingHttpHeaders } from 'node:http';

/**
 * What belongs to one connection and is never passed on (RFC 9110 section 7.6.1, and 11.7 for what is said to a proxy), in
 * either direction. `te` and `trailer` have rules of their own.
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** What a sender may not make vanish by naming it in `Connection`: message framing and routing depend on it. */
const NEVER_LISTED: ReadonlySet<string> = new Set(['host', 'content-length', 'transfer-encoding']);

/**
 * Ours; what others send under this name is a forgery, whatever stands between the words: WSGI, CGI, Rack and PHP tell `-` from `_`
 * no more.
 */
const RESERVED = /^leasegate[^a-z0-9]/;
const FORWARDED_PREFIX = 'x-forwarded-';
const LIKE_FORWARDED = /^x[^a-z0-9]forwarded[^a-z0-9]/;

/** `replace`: what the client claims is dropped. `append`: its claims are kept, its address is added. `keep`: as they are. */
export type ForwardedRule = 'replace' | 'append' | 'keep';

export interface RequestHeaderContext {
  readonly identity: string;
  /** Of the term under which the request goes to the local application; null when it goes to another replica. */
  readonly fencingToken: string | null;
  /** The client's, as its socket tells; undefined when that is closed already. */
  readonly remoteAddress: string | undefined;
  readonly forwarded: ForwardedRule;
  /** Whether trailers follow the body, so that `Trailer` may say so. */
  readonly announcesTrailers: boolean;
}

/** The headers of a request on their way inwards: flat, `[name, value, ...]`, in the client's order and spelling. */
export function requestHeaders(
  raw: readonly string[],
  connection: string | undefined,
  context: RequestHeaderContext,
): string[] {
  const listed = connectionOptions(connection);
  const { forwarded } = context;
  const headers: string[] = [];
  let host = '';
  let forwardedFor = '';
  let claimsHost = false;
  let claimsProto = false;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!;
    const value = raw[index + 1]!;
    const key = name.toLowerCase();
    if (HOP_BY_HOP.has(key)) {
      if (key === 'te' && acceptsTrailers(value)) headers.push(name, 'trailers');
      continue;
    }
    if (key === 'expect' || RESERVED.test(key) || listed?.has(key)) continue;
    if (key === 'trailer' && !context.announcesTrailers) continue;
    if (key === 'host') host = value;
    else if (key === 'forwarded' && forwarded === 'replace') continue;
    else if (key.startsWith(FORWARDED_PREFIX)) {
      if (forwarded === 'replace') continue;
      if (key === 'x-forwarded-for') {
        forwardedFor = forwardedFor === '' ? value : `${forwardedFor}, ${value}`;
        continue;
      }
      if (key === 'x-forwarded-host') claimsHost = true;
      else if (key === 'x-forwarded-proto') claimsProto = true;
    } else if (LIKE_FORWARDED.test(key)) continue;
    headers.push(name, value);
  }
  const address = plainAddress(context.remoteAddress);
  if (forwardedFor === '') forwardedFor = address;
  else if (forwarded === 'append') forwardedFor += `, ${address}`;
  headers.push('X-Forwarded-For', forwardedFor);
  if (!claimsHost && host !== '') headers.push('X-Forwarded-Host', host);
  if (!claimsProto) headers.push('X-Forwarded-Proto', 'http');
  if (context.fencingToken !== null) {
    headers.push('Leasegate-Fencing-Token', context.fencingToken, 'Leasegate-Identity', context.identity);
  }
  return headers;
}

export interface ResponseHeaderContext {
  /** Whether a body follows in chunks, after which alone trailers can be sent. */
  readonly chunked: boolean;
  /** Whether the answer comes from a peer, whose word on its own leadership counts; an application's does not. */
  readonly fromPeer: boolean;
}

/** The headers of an answer on their way to the client: flat, in the order in which they came, names in lower case. */
export function responseHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  { chunked, fromPeer }: ResponseHeaderContext,
): string[] {
  const listed = connectionOptions(joined(headers.connection));
  const kept: string[] = [];
  for (const key in headers) {
    if (HOP_BY_HOP.has(key) || listed?.has(key)) continue;
    if (key === 'trailer' && !chunked) continue;
    if (key === REFUSED_HEADER && !fromPeer) continue;
    const value = headers[key];
    if (typeof value === 'string') kept.push(key, value);
    else if (value !== undefined) for (const each of value) kept.push(key, each);
  }
  return kept;
}

/** Trailers that may be passed on: none that belongs to the connection, frames or routes a message, or is reserved. */
export function trailers(fields: Readonly<Record<string, string | string[] | undefined>>): [string, string][] {
  return Object.entries(fields).flatMap(([name, value]) => {
    const key = name.toLowerCase();
    if (HOP_BY_HOP.has(key) || NEVER_LISTED.has(key) || RESERVED.test(key)) return [];
    if (key === 'trailer' || LIKE_FORWARDED.test(key) || key === 'authorization' || key === 'set-cookie') return [];
    return [value ?? []].flat().map((each): [string, string] => [name, each]);
  });
}

/** With it a peer says that it refused a request before reading any of it, because it does not lead. */
export const REFUSED_HEADER = 'leasegate-refused';
export const REFUSED_NOT_LEADER = 'not-leader';

/** The header names that `Connection` lists; null where it lists none, as nearly always. */
function connectionOptions(connection: string | undefined): ReadonlySet<string> | null {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return null;
  const names = connection.toLowerCase().split(',');
  return new Set(names.map((name) => name.trim()).filter((name) => !NEVER_LISTED.has(name)));
}

function joined(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.join(',');
}

function acceptsTrailers(te: string): boolean {
  return te.split(',').some((coding) => coding.trim().toLowerCase() === 'trailers');
}

/** An IPv4 client of a listener for both families, in the form that everybody knows. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}

/** Whether the request asks to change to a protocol that a tunnel can carry. */
export function wantsTunnel({ upgrade }: IncomingHttpHeaders, httpVersion: string): boolean {
  // HTTP/1.0 knows no upgrade (RFC 9110 section 7.8). Within an h2c connection every rule of this gateway could be evaded.
  return upgrade !== undefined && httpVersion === '1.1' && !/(?:^|[\s,])h2c?(?:$|[\s,/])/i.test(upgrade);
}
