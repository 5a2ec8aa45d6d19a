import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { duration, formatDuration, parseDuration } from './duration.ts';
import { DURATION_MS_MAX } from './timing-rules.ts';

/** Texts that are durations, nearly are, or are durations elsewhere. */
const count = fc.oneof(
  fc.nat({ max: 999_999_999 }).map(String),
  fc.constantFrom('0', '00', '007', '1', '59', '60', '999999999', '1000000000', '9223372036854775807', '１', '', '1.5'),
  fc.constantFrom('.5', '3.', '1e3', '0x1', '-1', '+1', '1_000', '0.000001', '9007199254740993'),
);
const unit = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('h', 'm', 's', 'ms') },
  { weight: 1, arbitrary: fc.constantFrom('us', 'µs', 'μs', 'ns', 'd', 'H', 'S', 'min', 'sec', '', ' s', 's ', 'ｓ') },
);
const piece = fc.tuple(count, unit).map((parts) => parts.join(''));
const wellFormed = fc
  .tuple(
    ...(['h', 'm', 's', 'ms'] as const).map((name) => fc.option(fc.nat({ max: 99_999 }).map((n) => `${n}${name}`))),
  )
  .map((parts) => parts.join(''));
const anyText = fc.oneof(
  wellFormed,
  fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join('')),
  fc.string({ unit: fc.constantFrom('1', '9', '.', 'h', 'm', 's', ' ', '-'), maxLength: 8 }),
  fc.string({ unit: 'binary', maxLength: 8 }),
);

/** What the documentation says, a character at a time, in integers of any size. Null: no duration. */
function model(text: string): bigint | null {
  const larger = ['h', 'm', 's', 'ms'];
  const unitMs = [3_600_000n, 60_000n, 1_000n, 1n];
  let sumMs = 0n;
  let nextUnit = 0;
  let at = 0;
  const take = (wanted: string): string => {
    let taken = '';
    while (at < text.length && wanted.includes(text[at]!)) taken += text[at++];
    return taken;
  };
  while (at < text.length) {
    const digits = take('0123456789');
    const index = larger.indexOf(take('abcdefghijklmnopqrstuvwxyz'));
    if (digits.length < 1 || digits.length > 9 || index < nextUnit) return null;
    sumMs += BigInt(digits) * unitMs[index]!;
    nextUnit = index + 1;
  }
  return text === '' ? null : sumMs;
}

/** Go's time.ParseDuration, in nanoseconds. Null: refused there, an overflow of int64 included. */
function goDuration(text: string): bigint | null {
  const UNIT_NS = { ns: 1n, us: 1_000n, µs: 1_000n, μs: 1_000n, ms: 10n ** 6n, s: 10n ** 9n, m: 6n * 10n ** 10n };
  const unitNs = new Map<string, bigint>([...Object.entries(UNIT_NS), ['h', 36n * 10n ** 11n]]);
  const unsigned = text.replace(/^[-+]/, '');
  if (unsigned === '0') return 0n;
  const pieces = [...unsigned.matchAll(/([0-9]*)(?:\.([0-9]*))?([^.0-9]+)/gy)];
  if (pieces.length === 0 || pieces.map(([whole]) => whole).join('') !== unsigned) return null;
  let sum = 0n;
  for (const [, digits = '', fraction = '', name = ''] of pieces) {
    const scale = unitNs.get(name);
    if (digits + fraction === '' || scale === undefined) return null;
    sum += BigInt(digits || 0) * scale + (BigInt(fraction || 0) * scale) / 10n ** BigInt(fraction.length);
  }
  return sum >= 2n ** 63n ? null : text.startsWith('-') ? -sum : sum;
}

describe('for any text', () => {
  test('a duration is read exactly as documented, and anything else is refused with what to write instead', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const expected = model(text);
        const parsed = parseDuration(text);
        if (parsed.ok) expect(BigInt(parsed.value)).toBe(expected);
        else {
          expect(expected).toBeNull();
          expect(parsed.message).toMatch(/^(is|has) /);
          expect(parsed.remedy).toMatch(/\b\d+(s|ms)\b/);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("what an option takes means the same to Go's programs; fractions and smaller units are never rounded away", () => {
    const type = duration({ minMs: 0, maxMs: DURATION_MS_MAX });
    fc.assert(
      fc.property(anyText, (text) => {
        const parsed = type.parse(text);
        if (parsed.ok) expect(goDuration(text)).toBe(BigInt(parsed.value) * 1_000_000n);
      }),
      { numRuns: 2_000 },
    );
  });

  test('an advice for a number without a unit is accepted', () => {
    fc.assert(
      fc.property(fc.nat({ max: 999_999_999 }), (number) => {
        const parsed = parseDuration(String(number));
        const advised = parsed.ok ? [] : (parsed.remedy.match(/\d+[a-z]+/g) ?? []);
        expect(advised.map((text) => parseDuration(text).ok)).toEqual([true, true]);
      }),
    );
  });
});

const ms = fc.oneof(fc.nat({ max: 5_000 }), fc.nat({ max: DURATION_MS_MAX }), fc.nat({ max: 10 ** 9 }));
const bounds = fc.boolean().chain((wholeSeconds) => {
  const step = wholeSeconds ? 1_000 : 1;
  return fc.tuple(ms, ms).map(([a, b]) => ({
    minMs: Math.floor(Math.min(a, b) / step) * step,
    maxMs: Math.ceil(Math.max(a, b) / step) * step,
    ...(wholeSeconds && { wholeSeconds: true as const }),
  }));
});

describe('for any bounds', () => {
  test('exactly the durations within them are taken, and what is advised instead of another one is taken', () => {
    const near = bounds.chain((limits) => {
      const nearBound = fc.constantFrom(limits.minMs - 1, limits.minMs, limits.maxMs, limits.maxMs + 1);
      return fc.tuple(
        fc.constant(limits),
        fc.oneof(
          ms,
          nearBound.map((value) => Math.max(0, value)),
        ),
      );
    });
    fc.assert(
      fc.property(near, ([limits, valueMs]) => {
        const type = duration(limits);
        const parsed = type.parse(formatDuration(valueMs));
        const { minMs, maxMs, wholeSeconds = false } = limits;
        const within = valueMs >= minMs && valueMs <= maxMs && (!wholeSeconds || valueMs % 1_000 === 0);
        expect(parsed.ok).toBe(within);
        if (parsed.ok) expect(parsed.value).toBe(valueMs);
        else {
          const advised = parsed.remedy.match(/\d[\da-z]*/g) ?? [];
          expect(advised).not.toEqual([]);
          for (const text of advised) expect(type.parse(text), text).toMatchObject({ ok: true });
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
