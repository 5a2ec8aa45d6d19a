import { describe, expect, test } from 'vitest';
import { lease } from './driver.fixture.ts';
import { compareResourceVersions, type LeaseRecord, sameRenewal } from './record.ts';

describe('the order of resourceVersions', () => {
  test('is that of their numbers, whatever their length', () => {
    const ordered = ['9', '10', '99', '100', '101', '9007199254740993', '18446744073709551616'];
    expect([...ordered].reverse().sort(compareResourceVersions)).toEqual(ordered);
  });

  test('tells equal ones', () => {
    expect(compareResourceVersions('42', '42')).toBe(0);
  });
});

describe('the same renewal', () => {
  const differences: [string, Partial<LeaseRecord>][] = [
    ['another uid', { uid: 'lease-2' }],
    ['another holder', { holder: 'c' }],
    ['another renewTime, if only by a microsecond', { renewTime: '2026-01-01T00:00:00.000001Z' }],
    ['another acquireTime', { acquireTime: '2026-01-01T00:00:00.000001Z' }],
    ['other transitions', { transitions: 4 }],
    ['another duration', { leaseDurationMs: 16_000 }],
  ];
  test.each(differences)('is not seen in %s', (_, fields) => {
    expect(sameRenewal(lease(), lease(fields))).toBe(false);
  });

  test('is seen although a label or the version changed: that is no sign of life', () => {
    expect(sameRenewal(lease(), lease({ resourceVersion: '200', raw: { metadata: {} } }))).toBe(true);
  });
});
