import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dnsLabel, dnsSubdomain, oneOf, path, podNameOfHost, podUid } from './names.ts';

describe('names', () => {
  test.each(['a', 'my-app', '0', 'a'.repeat(63)])('%j is a label', (text) => {
    expect(dnsLabel.parse(text)).toEqual({ ok: true, value: text });
  });

  test.each(['', 'My-App', 'a.b', '-a', 'a-', 'a_b', 'a\n', 'a'.repeat(64)])('%j is no label', (text) => {
    expect(dnsLabel.parse(text)).toMatchObject({ ok: false, message: 'is not a DNS-1123 label' });
  });

  test.each(['my-app', 'a.b-c.d', 'a'.repeat(253)])('%j is a subdomain', (text) => {
    expect(dnsSubdomain.parse(text)).toEqual({ ok: true, value: text });
  });

  test.each(['', '.a', 'a.', 'a..b', 'a.-b', 'A', 'a_b', '$(APP)-lease', 'a'.repeat(254)])(
    '%j is no subdomain',
    (text) => {
      expect(dnsSubdomain.parse(text)).toMatchObject({ ok: false, message: 'is not a DNS-1123 subdomain' });
    },
  );

  test('a pod uid takes what Kubernetes writes, and no underscore', () => {
    expect(podUid.parse('6f1c3a52-0a4e-4c39-b9fd-3f2a1f0f9f11')).toMatchObject({ ok: true });
    expect(podUid.parse('0123456789abcdef0123456789abcdef')).toMatchObject({ ok: true });
    expect(podUid.parse('a_b')).toMatchObject({ ok: false });
    expect(podUid.parse('a'.repeat(129))).toMatchObject({ ok: false });
  });

  test('one of a few words is taken as it stands, others are refused with the list', () => {
    expect(oneOf(['http', 'tcp']).parse('tcp')).toEqual({ ok: true, value: 'tcp' });
    expect(oneOf(['http', 'tcp']).parse('TCP')).toMatchObject({ ok: false, remedy: 'use http, tcp' });
  });

  test('a path holds no NUL', () => {
    expect(path.parse('/a/b c')).toEqual({ ok: true, value: '/a/b c' });
    expect(path.parse('/a\0b')).toMatchObject({ ok: false });
  });

  test.each([
    ['node-1.example', 'node-1.example'],
    ["Anna's MacBook_Pro.local", 'anna-s-macbook-pro.local'],
    ['--x--..y-', 'x.y'],
    ['___', 'host'],
    ['', 'host'],
    ['x'.repeat(300), 'x'.repeat(253)],
  ])('host name %j becomes the pod name %j', (hostname, name) => {
    expect(podNameOfHost(hostname)).toBe(name);
  });

  test('every host name becomes a valid pod name', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 300, unit: fc.constantFrom('a', 'Z', '0', '-', '.', '_', ' ', 'é', 'İ') }),
        (hostname) => {
          expect(dnsSubdomain.parse(podNameOfHost(hostname)).ok).toBe(true);
        },
      ),
    );
  });
});
