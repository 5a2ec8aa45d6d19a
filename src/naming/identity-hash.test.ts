import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HASH_LENGTH, identityHash } from './identity-hash.ts';

describe('the hash of an identity', () => {
  test.each([
    ['master-1', 'wj467rbl25eeviqacfhvg2yvnm'],
    ['node-a', 'kcaaxytsc3gyd2kyybqqvf4bl4'],
  ])('of kube-apiserver on %s is what kube-apiserver makes of it', (hostname, hash) => {
    expect(identityHash([hostname, 'kube-apiserver'])).toBe(hash);
  });

  test('tells different splits of one text apart', () => {
    const split = fc.tuple(fc.string(), fc.nat(), fc.nat()).filter(([text, one, other]) => {
      const length = text.length + 1;
      return one % length !== other % length;
    });
    const cut = (text: string, at: number) => [text.slice(0, at), text.slice(at)];
    fc.assert(
      fc.property(split, ([text, one, other]) => {
        const length = text.length + 1;
        expect(identityHash(cut(text, one % length))).not.toBe(identityHash(cut(text, other % length)));
      }),
    );
    expect(identityHash(['abc'])).not.toBe(identityHash(['abc', '']));
    expect(identityHash([])).not.toBe(identityHash(['']));
  });

  test('is always of one length, and of letters that every name may hold', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (parts) => {
        expect(identityHash(parts)).toMatch(new RegExp(`^[a-z2-7]{${HASH_LENGTH}}$`));
      }),
    );
  });
});
