import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { address, formatAddress, isLoopback, overlap, parseAddress } from './address.ts';

const at = (text: string) => {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Error(`${text} ${parsed.message}`);
  return parsed.value;
};

describe('addresses', () => {
  test.each([
    ['127.0.0.1:4040', '127.0.0.1', 4040],
    ['localhost:0', 'localhost', 0],
    ['[::1]:4040', '::1', 4040],
    [':4041', '', 4041],
    ['my-host.example:65535', 'my-host.example', 65_535],
  ])('%s is read', (text, host, port) => {
    expect(at(text)).toEqual({ host, port });
  });

  test.each([
    ['', 'is not an address'],
    ['127.0.0.1', 'is not an address'],
    ['127.0.0.1:', 'is not an address'],
    ['127.0.0.1:http', 'is not an address'],
    ['127.0.0.1:-1', 'is not an address'],
    ['127.0.0.1:4040 ', 'is not an address'],
    ['[::1]', 'is not an address'],
    ['4040', 'has no host'],
    ['127.0.0.1:65536', 'has a port above 65535'],
    ['http://127.0.0.1:4040', 'is a URL'],
    ['::1', 'is an IPv6 address without brackets'],
    ['::1:4040', 'is an IPv6 address without brackets'],
    ['[127.0.0.1]:4040', 'holds no IPv6 address in its brackets'],
    ['[]:4040', 'holds no IPv6 address in its brackets'],
    ['*:4040', 'has a host that is neither an IP address nor a name'],
    ['127.0.0.256:4040', 'has a host that is neither an IP address nor a name'],
    ['my_host:4040', 'has a host that is neither an IP address nor a name'],
  ])('%j is refused: it %s', (text, message) => {
    expect(parseAddress(text)).toMatchObject({ ok: false, message });
  });

  test('every address survives being written and read', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('', 'localhost', 'my-host.example'));
    fc.assert(
      fc.property(host, fc.nat({ max: 65_535 }), (name, port) => {
        expect(parseAddress(formatAddress({ host: name, port }))).toEqual({ ok: true, value: { host: name, port } });
      }),
    );
  });

  test.each(['127.0.0.1:1', '127.8.9.10:1', 'localhost:1', '[::1]:1', '[0:0:0:0:0:0:0:1]:1', '[::ffff:127.0.0.1]:1'])(
    '%s is loopback',
    (text) => {
      expect(isLoopback(at(text))).toBe(true);
    },
  );

  test.each([':1', '0.0.0.0:1', '[::]:1', '10.0.0.1:1', '[fe80::1%eth0]:1', '[::ffff:10.0.0.1]:1', '127.example:1'])(
    '%s is not loopback',
    (text) => {
      expect(isLoopback(at(text))).toBe(false);
    },
  );

  test('where loopback is asked for, another address is refused with the local one', () => {
    expect(address({ loopbackOnly: true }).parse('0.0.0.0:4040')).toMatchObject({
      ok: false,
      message: 'is not a loopback address, and what it serves changes state',
      remedy: 'use 127.0.0.1:4040',
    });
  });

  test.each(['4050', '127.0.0.1', '::1', '*:4050', 'http://127.0.0.1:4050', '0.0.0.0:4050'])(
    'where loopback is asked for, what is advised instead of %j is taken',
    (text) => {
      const type = address({ loopbackOnly: true });
      const refusal = type.parse(text);
      const advised = refusal.ok ? [] : (refusal.remedy.match(/\S*:\d+/g) ?? []);
      expect(advised).not.toHaveLength(0);
      for (const one of advised) expect(type.parse(one), one).toMatchObject({ ok: true });
    },
  );

  test('elsewhere a port alone is answered with every address too', () => {
    expect(address().parse('4050')).toMatchObject({ remedy: 'write 127.0.0.1:4050, or :4050 for every address' });
  });

  test.each([
    ['127.0.0.1:4040', '127.0.0.1:4040', true],
    ['127.0.0.1:4040', '0.0.0.0:4040', true],
    ['127.0.0.1:4040', ':4040', true],
    ['[::]:4040', '127.0.0.1:4040', true],
    ['localhost:4040', '127.0.0.1:4040', true],
    ['127.0.0.1:4040', '127.0.0.1:4041', false],
    ['127.0.0.1:4040', '10.0.0.1:4040', false],
    ['127.0.0.1:0', '0.0.0.0:0', false],
  ])('%s and %s want the same port: %s', (a, b, expected) => {
    expect(overlap(at(a), at(b))).toBe(expected);
    expect(overlap(at(b), at(a))).toBe(expected);
  });
});
