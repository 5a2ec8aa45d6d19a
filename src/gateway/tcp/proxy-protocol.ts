import { isIPv4, isIPv6, SocketAddress } from 'node:net';

/**
 * The PROXY protocol, version 2, as HAProxy specifies it (proxy-protocol.txt, sections 2.2 and 2.2.1): a binary header before
 * the first byte of a connection that tells who the client is.
 */
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const FIXED_BYTES = 16;
const VERSION_PROXY = 0x21;
const VERSION_LOCAL = 0x20;
const TCP4 = 0x11;
const TCP6 = 0x21;
const UNSPECIFIED = 0x00;
const ADDRESS_BYTES = { [TCP4]: 12, [TCP6]: 36 } as const;

/** First of the types that the specification leaves to applications (PP2_TYPE_MIN_CUSTOM): the term's fencing token, as text. */
export const TLV_FENCING_TOKEN = 0xe0;

/** Longest header that is read: addresses of both families, and room for what others add. */
const HEADER_BYTES_MAX = 536;

/** Who is connected with whom; addresses without zones. */
export interface Ends {
  readonly source: { readonly host: string; readonly port: number };
  readonly destination: { readonly host: string; readonly port: number };
}

/** The header to send before the first byte; `ends` null says that the connection is the proxy's own (`LOCAL`). */
export function formatProxyHeader(ends: Ends | null, fencingToken: string | null): Buffer {
  const tlv =
    fencingToken === null ? Buffer.alloc(0) : formatTlv(TLV_FENCING_TOKEN, Buffer.from(fencingToken, 'latin1'));
  const [family, addresses] = ends === null ? [UNSPECIFIED, Buffer.alloc(0)] : formatEnds(ends);
  const fixed = Buffer.alloc(FIXED_BYTES);
  SIGNATURE.copy(fixed);
  fixed[12] = ends === null ? VERSION_LOCAL : VERSION_PROXY;
  fixed[13] = family;
  fixed.writeUInt16BE(addresses.length + tlv.length, 14);
  return Buffer.concat([fixed, addresses, tlv]);
}

export type ProxyHeader =
  /** More bytes are needed. */
  | { readonly kind: 'partial' }
  | { readonly kind: 'invalid' }
  | { readonly kind: 'header'; readonly ends: Ends | null; readonly bytes: number };

/** Reads a header from the first bytes of a connection. Its TLVs are skipped: a peer's token says nothing here. */
export function readProxyHeader(data: Buffer): ProxyHeader {
  const compared = Math.min(data.length, SIGNATURE.length);
  if (!data.subarray(0, compared).equals(SIGNATURE.subarray(0, compared))) return { kind: 'invalid' };
  if (data.length < FIXED_BYTES) return { kind: 'partial' };
  const [version, family] = [data[12]!, data[13]!];
  const bytes = FIXED_BYTES + data.readUInt16BE(14);
  if ((version !== VERSION_PROXY && version !== VERSION_LOCAL) || bytes > HEADER_BYTES_MAX) return { kind: 'invalid' };
  if (data.length < bytes) return { kind: 'partial' };
  if (version === VERSION_LOCAL) return { kind: 'header', ends: null, bytes };
  if (family !== TCP4 && family !== TCP6) return { kind: 'invalid' };
  if (bytes < FIXED_BYTES + ADDRESS_BYTES[family]) return { kind: 'invalid' };
  return { kind: 'header', ends: readEnds(data.subarray(FIXED_BYTES), family), bytes };
}

function formatTlv(type: number, value: Buffer): Buffer {
  const head = Buffer.alloc(3);
  head[0] = type;
  head.writeUInt16BE(value.length, 1);
  return Buffer.concat([head, value]);
}

function formatEnds({ source, destination }: Ends): [family: number, addresses: Buffer] {
  const hosts = [source.host, destination.host].map(plain);
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(source.port, 0);
  ports.writeUInt16BE(destination.port, 2);
  // Both ends are told in one family: of two, an IPv4 address goes as its IPv6 form.
  if (hosts.every((host) => isIPv4(host))) return [TCP4, Buffer.concat([...hosts.map(ipv4Bytes), ports])];
  return [TCP6, Buffer.concat([...hosts.map((host) => ipv6Bytes(isIPv4(host) ? `::ffff:${host}` : host)), ports])];
}

function readEnds(data: Buffer, family: typeof TCP4 | typeof TCP6): Ends {
  const size = family === TCP4 ? 4 : 16;
  const host = (at: number) => (family === TCP4 ? ipv4Text : ipv6Text)(data.subarray(at, at + size));
  return {
    source: { host: host(0), port: data.readUInt16BE(2 * size) },
    destination: { host: host(size), port: data.readUInt16BE(2 * size + 2) },
  };
}

/** Without the zone, and an IPv4 address as one also where a listener for both families shows it as `::ffff:10.0.0.1`. */
function plain(host: string): string {
  const [address = host] = host.split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  return mapped ?? address;
}

function ipv4Bytes(host: string): Buffer {
  return Buffer.from(host.split('.').map(Number));
}

function ipv4Text(bytes: Buffer): string {
  return [...bytes].join('.');
}

function ipv6Bytes(host: string): Buffer {
  if (!isIPv6(host)) throw new TypeError(`not an IP address: ${host}`);
  // The URL parser writes an IPv4 tail as groups.
  const [head = '', tail] = new URL(`http://[${host}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string | undefined) => (text ? text.split(':') : []);
  const [left, right] = [groups(head), groups(tail)];
  const all = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  const bytes = Buffer.alloc(16);
  all.forEach((group, index) => {
    bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * index);
  });
  return bytes;
}

function ipv6Text(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16));
  return new SocketAddress({ family: 'ipv6', address: groups.join(':') }).address;
}
