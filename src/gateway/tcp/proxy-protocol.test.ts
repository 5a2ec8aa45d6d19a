import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Ends, formatProxyHeader, readProxyHeader } from './proxy-protocol.ts';

const ends: Ends = {
  source: { host: '10.1.2.3', port: 56_324 },
  destination: { host: '10.9.8.7', port: 443 },
};

describe('a header', () => {
  test('is, byte for byte, what the specification says of IPv4', () => {
    expect(formatProxyHeader(ends, null).toString('hex')).toBe(
      `${'0d0a0d0a000d0a515549540a'}${'21'}${'11'}${'000c'}${'0a010203'}${'0a090807'}${'dc04'}${'01bb'}`,
    );
  });

  test('carries the fencing token as a custom TLV after the addresses', () => {
    const header = formatProxyHeader(ends, '48213');
    expect(header.readUInt16BE(14)).toBe(12 + 3 + 5);
    expect(header.subarray(28).toString('latin1')).toBe('\xe0\x00\x0548213');
  });

  test('tells both ends in IPv6 when one of them is, and a mapped address as IPv4', () => {
    const mixed = formatProxyHeader({ ...ends, source: { host: 'fd00::5', port: 1 } }, null);
    expect(mixed[13]).toBe(0x21);
    expect(mixed.subarray(16, 32).toString('hex')).toBe('fd000000000000000000000000000005');
    expect(mixed.subarray(32, 48).toString('hex')).toBe('00000000000000000000ffff0a090807');
    const mapped = { source: { host: '::ffff:10.1.2.3', port: 56_324 }, destination: ends.destination };
    expect(formatProxyHeader(mapped, null)).toEqual(formatProxyHeader(ends, null));
  });

  test('of the proxy itself tells no ends', () => {
    const local = formatProxyHeader(null, null);
    expect(local[12]).toBe(0x20);
    expect(readProxyHeader(local)).toEqual({ kind: 'header', ends: null, bytes: 16 });
  });
});

describe('reading', () => {
  const anyEnd = (host: fc.Arbitrary<string>) => fc.record({ host, port: fc.nat(65_535) });
  const anyEnds = fc.oneof(
    fc.record({ source: anyEnd(fc.ipV4()), destination: anyEnd(fc.ipV4()) }),
    fc.record({ source: anyEnd(fc.ipV6()), destination: anyEnd(fc.ipV6()) }),
  );

  test('gives back what was written, whatever follows, and needs all of it', () => {
    fc.assert(
      fc.property(anyEnds, fc.option(fc.stringMatching(/^\d{1,20}$/)), fc.uint8Array(), (written, token, rest) => {
        const header = formatProxyHeader(written, token);
        const read = readProxyHeader(Buffer.concat([header, rest]));
        if (read.kind !== 'header' || read.ends === null) throw new Error(read.kind);
        expect(read.bytes).toBe(header.length);
        expect(formatProxyHeader(read.ends, token)).toEqual(header);
        for (let length = 0; length < header.length; length += 1) {
          expect(readProxyHeader(header.subarray(0, length))).toEqual({ kind: 'partial' });
        }
      }),
      { numRuns: 200 },
    );
  });

  test('never throws, and takes nothing without the signature', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 600 }), (bytes) => {
        const read = readProxyHeader(Buffer.from(bytes));
        expect(read.kind).toBe(
          bytes.every((byte, index) => '\r\n\r\n\0\r\nQUIT\n'.charCodeAt(index) === byte) ? 'partial' : 'invalid',
        );
      }),
    );
  });

  test.for([
    ['another version', 12, 0x11],
    ['UDP', 13, 0x12],
    ['a length that no header has', 14, 0xff],
    ['too short a length for its addresses', 15, 0x0b],
  ] as const)('refuses %s', ([, at, value]) => {
    const header = Buffer.concat([formatProxyHeader(ends, null), Buffer.alloc(600)]);
    header[at] = value;
    expect(readProxyHeader(header)).toEqual({ kind: 'invalid' });
  });
});
