import { createHash } from 'node:crypto';

/** Length of every {@link identityHash}: 128 bits, five to a letter. */
export const HASH_LENGTH = 26;

const HASH_BYTES = 16;
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
