import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatMicroTime } from '../election/timing.ts';
import { type Precision, parseTime } from './time.ts';

/** Two digits, mostly a number of that range or just beside it. */
const two = (min: number, max: number) =>
  fc
    .oneof({ weight: 12, arbitrary: fc.integer({ min, max }) }, fc.constantFrom(0, min - 1, max + 1, 60, 99))
    .map((number) => String(Math.max(0, number)).padStart(2, '0'));
const often = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ weight: 4 * others.length, arbitrary: fc.constant(usual) }, fc.constantFrom(...others));
const year = fc.oneof(
  fc.constantFrom(
    '0000',
    '0001',
    '0002',
    '1900',
    '1969',
    '1970',
    '2000',
    '2023',
    '2024',
    '2100',
    '9999',
    '10000',
    '24',
    '２０２４',
  ),
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 9_999 }).map((number) => String(number).padStart(4, '0')) },
);
const fraction = fc.oneof(
  { weight: 3, arbitrary: fc.stringMatching(/^[.,][0-9]{6}$/) },
  fc.constantFrom('.000000', '.999999', ',000001'),
  fc.constantFrom('', '.', '.0', '.123', '.123456789', '.1234567', ';123456', '.12345６'),
);
const zone = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('Z', '+00:00', '-00:00', '+02:00', '-11:30') },
  fc
    .tuple(fc.constantFrom('+', '-'), two(0, 24), two(0, 60))
    .map(([sign, hours, minutes]) => `${sign}${hours}:${minutes}`),
  fc.constantFrom('', 'z', 'z0', 'ZZ', '+0200', '+02', '02:00', ' Z', 'UTC', '\u221202:00'),
);
const pieces = fc.record({
  year,
  month: two(1, 12),
  day: two(1, 31),
  between: often('T', 't', ' ', '_', ''),
  hour: two(0, 23),
  minute: two(0, 59),
  second: two(0, 59),
  fraction,
  zone,
});
type Pieces = typeof pieces extends fc.Arbitrary<infer T> ? T : never;
const textOf = ({ year, month, day, between, hour, minute, second, fraction, zone }: Pieces) =>
  `${year}-${month}-${day}${between}${hour}:${minute}:${second}${fraction}${zone}`;

const isLeap = (year: number) => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
const daysIn = (year: number, month: number) =>
  month === 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;

/** Go's time.Parse and Format by calendar arithmetic on the pieces. Undefined: refused; null: Go's zero time. */
function model(given: Pieces, precision: Precision): string | null | undefined {
  const ascii = /^[0-9]+$/;
  if (given.year.length !== 4 || !ascii.test(given.year) || given.between !== 'T') return undefined;
  const rightFraction = precision === 'micros' ? /^[.,][0-9]{6}$/ : /^([.,][0-9]+)?$/;
  const zone = /^(?:Z|([+-])([0-9]{2}):([0-9]{2}))$/.exec(given.zone);
  if (!rightFraction.test(given.fraction) || zone === null) return undefined;
  let [year, month, day] = [given.year, given.month, given.day].map(Number) as [number, number, number];
  const [hour, minute, second] = [given.hour, given.minute, given.second].map(Number) as [number, number, number];
  const [offsetHours, offsetMinutes] = [Number(zone[2] ?? 0), Number(zone[3] ?? 0)];
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 59 || offsetHours > 24 || offsetMinutes > 60) return undefined;
  let minutes = hour * 60 + minute - (zone[1] === '-' ? -1 : 1) * (offsetHours * 60 + offsetMinutes);
  for (; minutes < 0; minutes += 1_440) {
    day -= 1;
    if (day > 0) continue;
    [year, month] = month === 1 ? [year - 1, 12] : [year, month - 1];
    day = daysIn(year, month);
  }
  for (; minutes >= 1_440; minutes -= 1_440) {
    day += 1;
    if (day <= daysIn(year, month)) continue;
    [year, month] = month === 12 ? [year + 1, 1] : [year, month + 1];
    day = 1;
  }
  const pad = (number: number, width = 2) => `${number < 0 ? '-' : ''}${String(Math.abs(number)).padStart(width, '0')}`;
  const micros = precision === 'micros' ? given.fraction.slice(1) : '';
  const isZero = year === 1 && month === 1 && day === 1 && minutes === 0 && second === 0 && Number(micros) === 0;
  const time = [Math.floor(minutes / 60), minutes % 60, second].map((number) => pad(number)).join(':');
  return isZero ? null : `${pad(year, 4)}-${pad(month)}-${pad(day)}T${time}${micros && `.${micros}`}Z`;
}

describe('a time from anywhere', () => {
  test.each<Precision>(['micros', 'seconds'])(
    'in %s is read exactly as Go reads it, or refused in words',
    (precision) => {
      fc.assert(
        fc.property(pieces, (given) => {
          const text = textOf(given);
          const expected = model(given, precision);
          const parsed = parseTime(text, precision);
          if (parsed.ok) expect(parsed.value).toBe(expected);
          else {
            expect(expected).toBeUndefined();
            expect(parsed.error).toMatch(
              /^parsing time ".*": (cannot parse|extra text|[a-z ]+ out of range)|^parsing time ".*" as /s,
            );
          }
        }),
        { numRuns: 2_000 },
      );
    },
  );

  test('that is no time at all is refused too, never thrown at', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom<Precision>('micros', 'seconds'), (text, precision) => {
        expect(parseTime(text, precision)).toMatchObject({ ok: false });
      }),
    );
  });

  test('once read is read back as the same', () => {
    fc.assert(
      fc.property(pieces, (given) => {
        const parsed = parseTime(textOf(given), 'micros');
        // Years of more or less than four digits are written as Go writes them, which nobody reads.
        if (parsed.ok && parsed.value?.length === '0001-01-01T00:00:00.000000Z'.length) {
          expect(parseTime(parsed.value, 'micros')).toEqual(parsed);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

test('what an election writes is stored to the microsecond', () => {
  const micros = fc.oneof(
    fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
    fc.integer({ min: Date.UTC(2020), max: Date.UTC(2060) }).map((ms) => ms * 1_000),
  );
  fc.assert(
    fc.property(micros, (epochMicros) => {
      const text = formatMicroTime(epochMicros);
      expect(parseTime(text, 'micros')).toEqual({ ok: true, value: text });
      expect(BigInt(Date.parse(`${text.slice(0, 23)}Z`)) * 1_000n + BigInt(text.slice(23, 26))).toBe(
        BigInt(epochMicros),
      );
    }),
    { numRuns: 500 },
  );
});
