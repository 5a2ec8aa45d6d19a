import { isIP, isIPv6 } from 'node:net';
import { SUBDOMAIN } from './names.ts';
import { accepted, type Parsed, refused, type ValueType } from './value-type.ts';

/** Where to listen. */
export interface Address {
  /** IP address without brackets, or a name. Empty: every address of both families, which is what `listen` makes of it. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

interface Reach {
  /** It is to connect to: "every address" means nothing. */
  readonly toConnect?: true;
  /** Only addresses that nobody outside this machine (in Kubernetes: this pod) reaches are taken. */
  readonly loopbackOnly?: true;
}

/** Reads `127.0.0.1:4040`, `localhost:4040`, `[::1]:4040` or `:4041`. What it advises is within `reach`; what it takes may not be. */
export function parseAddress(text: string, { loopbackOnly, toConnect }: Reach = {}): Parsed<Address> {
  const oneHost = loopbackOnly || toConnect;
  const example = toConnect ? 3000 : 4040;
  const examples = `write host:port, such as 127.0.0.1:${example}${oneHost ? ` or [::1]:${example}` : ', [::1]:4040 or :4041'}`;
  if (text.includes('://')) return refused('is a URL', examples);
  if (/^\d{1,5}$/.test(text)) {
    return refused('has no host', `write 127.0.0.1:${text}${oneHost ? '' : `, or :${text} for every address`}`);
  }
  if (isIPv6(text)) return refused('is an IPv6 address without brackets', examples);

  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d+)$/.exec(text);
  if (match === null) return refused('is not an address', examples);
  const [, bracketed, plain, digits] = match;
  if (bracketed !== undefined && !isIPv6(bracketed)) return refused('holds no IPv6 address in its brackets', examples);
  if (plain && !isHost(plain)) return refused('has a host that is neither an IP address nor a name', examples);
  const port = Number(digits);
  if (port > 65_535) return refused('has a port above 65535', 'use a port from 1 to 65535, or 0 for any free one');
  return accepted({ host: bracketed ?? plain ?? '', port });
}

/** The text that {@link parseAddress} reads back. */
export function formatAddress({ host, port }: Address): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A name that ends in digits only is a mistyped IPv4 address (the URL standard draws the same line). */
function isHost(text: string): boolean {
  return isIP(text) !== 0 || (text.length <= 253 && SUBDOMAIN.test(text) && !/(^|\.)\d+$/.test(text));
}

/** Whether only this machine (in Kubernetes: only this pod) can reach the address. */
export function isLoopback({ host }: Address): boolean {
  if (host === 'localhost') return true;
  // The URL parser brings every spelling of an IPv6 address into one; it takes no zones, and no loopback has one.
  if (isIPv6(host) && !host.includes('%')) {
    const { hostname } = new URL(`http://[${host}]`);
    return hostname === '[::1]' || /^\[::ffff:7f[0-9a-f]{2}:/.test(hostname);
  }
  return isIP(host) === 4 && host.startsWith('127.');
}

/** Whether two listeners would want the same port of the same address. */
export function overlap(a: Address, b: Address): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  const named = a.host === 'localhost' || b.host === 'localhost';
  return a.host === b.host || isWildcard(a) || isWildcard(b) || (named && isLoopback(a) && isLoopback(b));
}

function isWildcard({ host }: Address): boolean {
  return host === '' || host === '0.0.0.0' || host === '::';
}

/** Addresses to listen on; with `loopbackOnly` none that another pod could reach. */
export function address(reach: Reach = {}): ValueType<Address> {
  return {
    placeholder: 'HOST:PORT',
    accepts: `${reach.loopbackOnly ? 'loopback ' : ''}address \`host:port\`; port 0 takes any free one`,
    format: formatAddress,
    parse(text) {
      const parsed = parseAddress(text, reach);
      if (!parsed.ok || !reach.loopbackOnly || isLoopback(parsed.value)) return parsed;
      const local = `127.0.0.1:${parsed.value.port}`;
      return refused('is not a loopback address, and what it serves changes state', `use ${local}`);
    },
  };
}

/** An address to connect to: both parts are needed. */
export const targetAddress: ValueType<Address> = {
  placeholder: 'HOST:PORT',
  accepts: 'address `host:port`',
  format: formatAddress,
  parse(text) {
    const parsed = parseAddress(text, { toConnect: true });
    if (!parsed.ok) return parsed;
    const { host, port } = parsed.value;
    if (host === '' || isWildcard({ host, port })) {
      return refused('names nobody to connect to', `in the same pod write 127.0.0.1:${port || 3000}`);
    }
    return port === 0 ? refused('has no port to connect to', 'use a port from 1 to 65535') : parsed;
  },
};
