import { createHash } from 'node:crypto';

const NAME_LENGTH_MAX = 253;
const LABEL_VALUE_LENGTH_MAX = 63;
const HASH_BYTES = 16;
/** Of {@link identityHash}: 128 bits, five to a letter. */
const HASH_LENGTH = 26;
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/**
 * Lowercase base32 without padding of the first 16 bytes of SHA-256 over the parts, each behind its length as a big-endian
 * u16: different splits of one text never collide. kube-apiserver names its own identity Leases so.
 *
 * @throws RangeError for a part of more than 65535 bytes
 */
export function identityHash(parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes = Buffer.from(part);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    hash.update(length).update(bytes);
  }
  return base32(hash.digest().subarray(0, HASH_BYTES));
}

/** Where a member lives, as far as its Lease's name goes. */
export interface MemberPlace {
  /** Of the election: the Lease that is elected on. */
  readonly lease: { readonly namespace: string; readonly name: string };
  readonly hostname: string;
  /** Of the pod: two namespaces may have pods of one host name. */
  readonly namespace: string;
}

/**
 * The Lease of the member on this host: `<election>-<hash>`. The same host name gives the same Lease again, so that a restart
 * leaves none behind.
 */
export function memberLeaseName({ lease, hostname, namespace }: MemberPlace): string {
  const elsewhere = namespace === lease.namespace ? [] : [namespace];
  return `${memberPrefix(lease.name)}${identityHash([hostname, lease.name, ...elsewhere])}`;
}

/** Whether a Lease of this name can be one of this election's members. The election's own Lease never is. */
export function isMemberLeaseName(election: string, name: string): boolean {
  const prefix = memberPrefix(election);
  return name.startsWith(prefix) && /^[a-z2-7]{26}$/.test(name.slice(prefix.length));
}

/** A member's identity: new at each start, as a kube-apiserver's. `start` must never repeat. */
export function memberIdentity(leaseName: string, start: string): string {
  return `${leaseName}_${start}`;
}

/** The election's name as a value of a label; shortened, with a hash of all of it, where it is too long for one. */
export function electionLabel(election: string): string {
  if (election.length <= LABEL_VALUE_LENGTH_MAX) return election;
  return `${head(election, LABEL_VALUE_LENGTH_MAX - HASH_LENGTH - 1)}-${identityHash([election])}`;
}

/** The host name as a value of `kubernetes.io/hostname`: cut where it is too long; null when nothing of it can be one. */
export function hostnameLabel(hostname: string): string | null {
  const value = head(hostname, LABEL_VALUE_LENGTH_MAX);
  return /^[a-z0-9]([-\w.]*[a-z0-9])?$/i.test(value) ? value : null;
}

function memberPrefix(election: string): string {
  return `${head(election, NAME_LENGTH_MAX - HASH_LENGTH - 1)}-`;
}

/** At most so many characters, ending in one that names and labels may end in. */
function head(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : text.slice(0, lengthMax).replace(/[^a-z0-9]+$/i, '');
}

function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(value >>> bits) & 31];
    }
  }
  return bits > 0 ? text + BASE32[(value << (5 - bits)) & 31] : text;
}
