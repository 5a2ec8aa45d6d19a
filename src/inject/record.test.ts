import { describe, expect, test } from 'vitest';
import { checksum, find, formatRecord, parseRecord } from './record.ts';

const record = {
  owner: 'Deployment/web 1 100%',
  original: 0xffffffff,
  frame: { before: 5, behind: 1, sum: 7, replaced: '{}' },
  edits: [
    { at: 0, length: 3, sum: 0, replaced: '' },
    { at: 99, length: 1, sum: 1, replaced: ' ünïcode\r\n' },
  ],
};

describe('a record', () => {
  test('reads back as it was written, whatever the names', () => {
    expect(parseRecord(formatRecord(record))).toEqual(record);
  });

  test.each(['', 'v1', 'v2 a b 1+1:1', 'v1 Deployment/web xyz 1+1:1', 'v1 Deployment/web ab 1:1', null, 7])(
    '%j is none',
    (text) => {
      expect(parseRecord(text)).toBeNull();
    },
  );
});

describe('a place', () => {
  const text = 'abc---abc---abd';
  const wanted = { length: 3, sum: checksum('abc') };

  test('is where it is expected, if that is right', () => {
    expect(find(text, wanted, 0)).toBe(0);
    expect(find(text, wanted, 6)).toBe(6);
  });

  test('is the nearest one otherwise', () => {
    expect(find(text, wanted, 5)).toBe(6);
    expect(find(text, wanted, 2)).toBe(0);
    expect(find(text, wanted, -7)).toBe(0);
    expect(find(text, { length: 3, sum: checksum('abd') }, 0)).toBe(12);
  });

  test('is nowhere where nothing is like it', () => {
    expect(find(text, { length: 3, sum: checksum('xyz') }, 0)).toBe(-1);
    expect(find(text, { length: 99, sum: 0 }, 0)).toBe(-1);
  });
});
