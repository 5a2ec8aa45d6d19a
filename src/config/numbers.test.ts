import { describe, expect, test } from 'vitest';
import { boolean, byteSize, integer } from './numbers.ts';

const said = (parsed: ReturnType<ReturnType<typeof integer>['parse']>) =>
  parsed.ok ? parsed.value : `${parsed.message}; ${parsed.remedy}`;

describe('a whole number', () => {
  const type = integer({ min: 1, max: 10 });
  test.each([
    ['1', 1],
    ['10', 10],
    ['0', 'is too small; use 1 or more'],
    ['11', 'is too large; use 10 or less'],
    ['1.5', 'is not a whole number; write a number from 1 to 10'],
    ['-1', 'is not a whole number; write a number from 1 to 10'],
    ['1e1', 'is not a whole number; write a number from 1 to 10'],
    ['９', 'is not a whole number; write a number from 1 to 10'],
  ])('%j is %j', (text, result) => expect(said(type.parse(text))).toBe(result));
});

describe('a size', () => {
  const type = byteSize({ min: 1024, max: 1024 * 1024 });
  test.each([
    ['16KiB', 16_384],
    ['1MiB', 1_048_576],
    ['2000B', 2_000],
    ['1000B', 'is too small; use 1KiB or more'],
    ['2MiB', 'is too large; use 1MiB or less'],
    ['16384', 'has no unit; write a size from 1KiB to 1MiB, such as 4KiB'],
    ['16kb', 'is not a size; write a size from 1KiB to 1MiB, such as 4KiB'],
  ])('%j is %j', (text, result) => expect(said(type.parse(text))).toBe(result));

  test.each([1_024, 1_025, 16_384, 1_048_576])('of %d bytes is read back as it is written', (bytes) => {
    expect(type.parse(type.format(bytes))).toEqual({ ok: true, value: bytes });
  });
});

test.each([
  ['true', true],
  ['false', false],
])('%j is %j, and what only looks like it is refused', (text, value) => {
  expect(boolean.parse(text)).toEqual({ ok: true, value });
  for (const odd of [text.toUpperCase(), `${text} `, '1', '0', 'yes', 'no', ''])
    expect(boolean.parse(odd).ok).toBe(false);
});
