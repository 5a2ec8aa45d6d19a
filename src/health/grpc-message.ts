/**
 * The two messages of grpc.health.v1 (https://github.com/grpc/grpc/blob/master/doc/health-checking.md), each in the frame that
 * gRPC puts around messages: a byte that says whether it is compressed, its length in four bytes, itself.
 */

/** `HealthCheckRequest { string service = 1; }`, framed. */
export function checkRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  return Buffer.concat([frame, message]);
}

const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

/** The name of the status in a framed `HealthCheckResponse { ServingStatus status = 1; }`; null where it is no such message. */
export function servingStatus(framed: Buffer): string | null {
  if (framed.length < 5 || framed[0] !== 0 || framed.readUInt32BE(1) !== framed.length - 5) return null;
  const message = framed.subarray(5);
  // Default values are left out on the wire.
  let status = 0;
  for (let at = 0; at < message.length; ) {
    const tag = readVarint(message, at);
    const value = tag && readVarint(message, tag.next);
    if (!tag || !value) return null;
    if (tag.value === STATUS_TAG) status = value.value;
    // Other fields: a later version's. Those that are no numbers have their length here.
    const wireType = tag.value % 8;
    if (wireType === 0) at = value.next;
    else if (wireType === 2) at = value.next + value.value;
    else return null;
    if (at > message.length) return null;
  }
  return STATUSES[status] ?? `status ${status}`;
}

/** Field 1, a varint. */
const STATUS_TAG = 0x08;
const VARINT_BYTES_MAX = 5;

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value % 0x80) + 0x80, ...varint(Math.floor(value / 0x80))];
}

function readVarint(bytes: Buffer, at: number): { readonly value: number; readonly next: number } | null {
  let value = 0;
  for (let index = 0; index < VARINT_BYTES_MAX; index++) {
    const byte = bytes[at + index];
    if (byte === undefined) return null;
    value += (byte % 0x80) * 0x80 ** index;
    if (byte < 0x80) return { value, next: at + index + 1 };
  }
  return null;
}
