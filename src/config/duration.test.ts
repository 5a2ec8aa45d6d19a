import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { duration, formatDuration, parseDuration } from './duration.ts';

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['15s', 15_000],
    ['1m', 60_000],
    ['1m30s', 90_000],
    ['1h', 3_600_000],
    ['1h2m3s4ms', 3_723_004],
    ['0s', 0],
  ])('%s is %d milliseconds', (text, durationMs) => {
    expect(parseDuration(text)).toEqual({ ok: true, value: durationMs });
  });

  test('a number without a unit is refused with both ways to mend it', () => {
    expect(parseDuration('15')).toEqual({
      ok: false,
      message: 'has no unit',
      remedy: 'write 15s for seconds or 15ms for milliseconds',
    });
  });

  test.each(['', ' 15s', '15s\n', '15 s', '1.5s', '-1s', '15S', '30s1m', '1s1s', 's', '15sec', '9999999999s', '１s'])(
    '%j is refused with examples',
    (text) => {
      expect(parseDuration(text)).toMatchObject({ ok: false, remedy: expect.stringContaining('1m30s') });
    },
  );

  test('every whole number of milliseconds survives being written and read', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 11 }), (durationMs) => {
        expect(parseDuration(formatDuration(durationMs))).toEqual({ ok: true, value: durationMs });
      }),
    );
  });

  test('bounds are refused with the nearest value that is accepted', () => {
    const bounded = duration({ minMs: 1_000, maxMs: 60_000, wholeSeconds: true });
    expect(bounded.parse('999ms')).toMatchObject({ ok: false, remedy: 'use 1s or more' });
    expect(bounded.parse('61s')).toMatchObject({ ok: false, remedy: 'use 1m or less' });
    expect(bounded.parse('1500ms')).toMatchObject({ ok: false, remedy: 'use 1s or 2s' });
    expect(bounded.parse('1s')).toEqual({ ok: true, value: 1_000 });
    expect(bounded.parse('1m')).toEqual({ ok: true, value: 60_000 });
  });
});
