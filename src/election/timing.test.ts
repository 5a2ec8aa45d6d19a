import { describe, expect, test } from 'vitest';
import { TIMINGS } from './driver.fixture.ts';
import {
  clockJumped,
  clockJumpToleranceMs,
  formatMicroTime,
  requestTimeoutMs,
  validForMs,
  validityOf,
} from './timing.ts';

const basis = { monoMs: 1_000, wallMs: 500_000 };
const later = (monoMs: number, wallMs = monoMs) => ({ monoMs: basis.monoMs + monoMs, wallMs: basis.wallMs + wallMs });

describe('a claim to lead', () => {
  const validity = validityOf(basis, TIMINGS);

  test('holds for the renew deadline from before its write was sent', () => {
    expect(validForMs(validity, basis, 1_000)).toBe(10_000);
    expect(validForMs(validity, later(9_999), 1_000)).toBe(1);
    expect(validForMs(validity, later(10_000), 1_000)).toBe(0);
    expect(validForMs(validity, later(99_000), 1_000)).toBe(0);
  });

  test('is void once the clocks moved apart, and again valid if they meet', () => {
    expect(validForMs(validity, later(100, 1_101), 1_000)).toBe(0);
    expect(validForMs(validity, later(2_000, 999), 1_000)).toBe(0);
    expect(validForMs(validity, later(3_000, 3_900), 1_000)).toBe(7_000);
  });
});

describe('a clock jump', () => {
  test('is a difference beyond the tolerance, forward or backward', () => {
    expect(clockJumped(basis, later(5_000, 6_000), 1_000)).toBe(false);
    expect(clockJumped(basis, later(5_000, 6_001), 1_000)).toBe(true);
    expect(clockJumped(basis, later(5_000, 4_000), 1_000)).toBe(false);
    expect(clockJumped(basis, later(5_000, 3_999), 1_000)).toBe(true);
  });

  test('is tolerated up to a quarter of the safety margin, and never more than a second', () => {
    expect(clockJumpToleranceMs({ ...TIMINGS, leaseDurationMs: 12_000 })).toBe(500);
    expect(clockJumpToleranceMs(TIMINGS)).toBe(1_000);
    expect(clockJumpToleranceMs({ ...TIMINGS, leaseDurationMs: 60_000 })).toBe(1_000);
  });
});

describe('the bound of one request', () => {
  test('is half of what is left, so that a hung connection leaves time for another try', () => {
    expect(requestTimeoutMs(8_000)).toBe(4_000);
  });

  test('is no less than half a second, never more than what is left, and never nothing', () => {
    expect(requestTimeoutMs(800)).toBe(500);
    expect(requestTimeoutMs(300)).toBe(300);
    expect(requestTimeoutMs(0)).toBe(1);
    expect(requestTimeoutMs(-5)).toBe(1);
  });
});

describe('MicroTime', () => {
  test('has exactly six fractional digits', () => {
    expect(formatMicroTime(0)).toBe('1970-01-01T00:00:00.000000Z');
    expect(formatMicroTime(1_767_312_000_000_001)).toBe('2026-01-02T00:00:00.000001Z');
    expect(formatMicroTime(1_767_311_999_999_999)).toBe('2026-01-01T23:59:59.999999Z');
    expect(formatMicroTime(1_767_312_000_120_000)).toBe('2026-01-02T00:00:00.120000Z');
  });

  test('goes on before 1970, where a clock that was never set may stand', () => {
    expect(formatMicroTime(-1)).toBe('1969-12-31T23:59:59.999999Z');
  });
});
