import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareResourceVersions } from './record.ts';

/** Decimal numbers without leading zeros, as API servers write them: near powers of ten and beyond what a double holds. */
const number = fc.oneof(
  fc.bigInt({ min: 0n, max: 200n }),
  fc.bigInt({ min: 0n, max: 2n ** 70n }),
  fc
    .tuple(fc.integer({ min: 0, max: 30 }), fc.constantFrom(-1n, 0n, 1n))
    .map(([power, more]) => 10n ** BigInt(power) + more),
  fc.constantFrom(2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n),
);
/** And what no API server should send. */
const text = fc.oneof(
  number.map(String),
  fc.tuple(fc.constantFrom('0', '00', '+', '-', ' '), number).map(([before, digits]) => before + digits),
  fc.constantFrom('', '0', '00', 'a', 'é', '１', '\ud800', '1e9', '0x10', '１２'),
  fc.string({ unit: 'binary', maxLength: 3 }),
);

describe('the order of resourceVersions', () => {
  test('is that of the numbers, however large they are', () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(Math.sign(compareResourceVersions(String(a), String(b)))).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
      { numRuns: 500 },
    );
  });

  test('is by length, then by the characters, also where a version is no number', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const shorter = a.length < b.length;
        const before = shorter || (a.length === b.length && a < b);
        expect(compareResourceVersions(a, b) < 0).toBe(before);
      }),
      { numRuns: 500 },
    );
  });

  test('is total whatever is compared: never two answers, never a circle, and only equal texts are equal', () => {
    fc.assert(
      fc.property(text, text, text, (a, b, c) => {
        const [ab, ba, bc, ac] = [
          compareResourceVersions(a, b),
          compareResourceVersions(b, a),
          compareResourceVersions(b, c),
          compareResourceVersions(a, c),
        ];
        expect(Math.sign(ab)).toBe(-Math.sign(ba) + 0);
        expect(ab === 0).toBe(a === b);
        if (ab <= 0 && bc <= 0) expect(ac).toBeLessThanOrEqual(0);
      }),
      { numRuns: 1_000 },
    );
  });

  test('sorts any list of versions in one way, whatever order they came in', () => {
    const twice = fc
      .uniqueArray(text, { maxLength: 12 })
      .chain((versions) =>
        fc.tuple(fc.constant(versions), fc.shuffledSubarray(versions, { minLength: versions.length })),
      );
    fc.assert(
      fc.property(twice, ([versions, shuffled]) => {
        expect(shuffled.toSorted(compareResourceVersions)).toEqual(versions.toSorted(compareResourceVersions));
      }),
    );
  });
});
