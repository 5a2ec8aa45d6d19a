import { expect, it } from 'vitest';
import { parseTime } from './time.ts';

it.for([
  ['0001-01-01T00:00:00.000000Z', null],
  ['0001-01-01T01:00:00,000000+01:00', null],
  ['0001-01-01T00:00:00.000001Z', '0001-01-01T00:00:00.000001Z'],
  ['0001-06-01T00:00:00.000000Z', '0001-06-01T00:00:00.000000Z'],
  ['0000-12-31T23:59:59.999999Z', '0000-12-31T23:59:59.999999Z'],
  ['0000-01-01T00:00:00.000000+01:00', '-0001-12-31T23:00:00.000000Z'],
  ['9999-12-31T23:59:59.999999-23:59', '10000-01-01T23:58:59.999999Z'],
  ['2024-01-01T00:00:00.000000+24:60', '2023-12-30T23:00:00.000000Z'],
] as const)('only the zero time is none: %s is kept as %s', ([text, value]) => {
  expect(parseTime(text, 'micros')).toEqual({ ok: true, value });
});

it.for([
  ['2024-01-01T00:00:00.000000+25:00', 'time zone offset hour out of range'],
  ['2024-01-01T00:00:00.000000-00:61', 'time zone offset minute out of range'],
  ['2024-01-01T00:00:00.000000+99:99', 'time zone offset minute out of range'],
  ['2024-02-30T25:00:00.000000Z', 'hour out of range'],
  ['2024-13-01T00:00:00.000000', 'month out of range'],
  ['2024-02-30T00:00:00.000000+25:00', 'time zone offset hour out of range'],
  ['2024-02-30T00:00:00.000000Z', 'day out of range'],
  ['2024-02-30T00:00:00.000000Zx', 'extra text: "x"'],
] as const)('%s is refused for what Go finds first: %s', ([text, error]) => {
  expect(parseTime(text, 'micros')).toEqual({ ok: false, error: `parsing time "${text}": ${error}` });
});
