import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { freshRenewTime } from './content.ts';
import { formatMicroTime } from './timing.ts';

/** Every microsecond that a double tells from the next: the years 1684 to 2255. */
const micros = fc.oneof(
  fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
  fc.integer({ min: Date.UTC(2020), max: Date.UTC(2060) }).map((ms) => ms * 1_000),
  fc
    .tuple(fc.integer({ min: 1684, max: 2254 }), fc.integer({ min: -2_000_000, max: 2_000_000 }))
    .map(([year, more]) => Date.UTC(year + 1, 0) * 1_000 + more),
  fc.integer({ min: -3, max: 3 }).map((seconds) => seconds * 1_000_000 - 1),
);

/** Microseconds since the epoch, by counting days rather than with a Date. */
function read(text: string): bigint {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{6})Z$/.exec(text);
  if (match === null) throw new Error(`no MicroTime: ${text}`);
  const [year, month, day, hour, minute, second, fraction] = match.slice(1).map(BigInt) as [
    ...[bigint, bigint, bigint, bigint],
    ...[bigint, bigint, bigint],
  ];
  const isLeap = year % 4n === 0n && (year % 100n !== 0n || year % 400n === 0n);
  const before = year - 1n;
  const leapDays = before / 4n - before / 100n + before / 400n;
  const monthDays = [31n, isLeap ? 29n : 28n, 31n, 30n, 31n, 30n, 31n, 31n, 30n, 31n, 30n, 31n];
  const daysBefore = monthDays.slice(0, Number(month) - 1).reduce((sum, days) => sum + days, 0n);
  const EPOCH_DAYS = 719_162n;
  const days = before * 365n + leapDays + daysBefore + day - 1n - EPOCH_DAYS;
  return (((days * 24n + hour) * 60n + minute) * 60n + second) * 1_000_000n + fraction;
}

describe('a MicroTime', () => {
  test('has exactly six fractional digits and says exactly its microsecond', () => {
    fc.assert(
      fc.property(micros, (epochMicros) => {
        const text = formatMicroTime(epochMicros);
        expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
        expect(read(text)).toBe(BigInt(epochMicros));
      }),
      { numRuns: 2_000 },
    );
  });

  test('orders as text as its microseconds do', () => {
    const near = fc
      .tuple(micros, fc.integer({ min: 0, max: 3_000_000 }))
      .map(([a, more]) => [a, Math.min(a + more, 2 ** 53 - 1)]);
    fc.assert(
      fc.property(fc.oneof(near, fc.tuple(micros, micros)), ([a = 0, b = 0]) => {
        const [one, other] = [formatMicroTime(a), formatMicroTime(b)];
        expect([one < other, one === other]).toEqual([a < b, a === b]);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the time of a write', () => {
  test('is none of those that may be stored, and off by no more microseconds than there are of them', () => {
    const wallMs = fc.integer({ min: Date.UTC(1970), max: Date.UTC(2200) });
    const moved = fc.array(fc.oneof(fc.nat({ max: 6 }), fc.integer({ min: -9, max: 9_999 })), { maxLength: 8 });
    const stored = fc.tuple(wallMs, moved).map(([ms, offsets]) => {
      return { wallMs: ms, taken: offsets.map((offset) => formatMicroTime(ms * 1_000 + offset)) };
    });
    fc.assert(
      fc.property(stored, fc.constantFrom(null, '', '2026-01-01T00:00:00Z'), ({ wallMs, taken }, foreign) => {
        const time = freshRenewTime({ monoMs: 0, wallMs }, [...taken, foreign]);
        expect(taken).not.toContain(time);
        const late = read(time) - BigInt(wallMs) * 1_000n;
        expect(late >= 0n && late <= BigInt(taken.length)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
