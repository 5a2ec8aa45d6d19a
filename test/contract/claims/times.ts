import { expect, it } from 'vitest';
import { expectStatus } from '../expectations.ts';
import type { NewClient } from '../lease-api-contract.ts';

const LAYOUT = '2006-01-02T15:04:05.000000Z07:00';

export function timeClaims(newClient: NewClient): void {
  it.for([
    ['2024-01-02T03:04:05.123456Z', '2024-01-02T03:04:05.123456Z'],
    ['2024-01-02T03:04:05.000000Z', '2024-01-02T03:04:05.000000Z'],
    ['2024-01-02T03:04:05.123456+02:00', '2024-01-02T01:04:05.123456Z'],
    ['2024-01-01T23:30:05.123456-01:30', '2024-01-02T01:00:05.123456Z'],
    ['2024-01-02T03:04:05,123456Z', '2024-01-02T03:04:05.123456Z'],
    ['0001-01-01T00:00:00.000000Z', null],
    [null, undefined],
  ] as const)('takes the time %s, kept as %s', async ([sent, kept]) => {
    const client = await newClient();
    const created = await client.post(client.leases, { metadata: { name: 'x' }, spec: { renewTime: sent } });
    expect([created.status, created.body.spec.renewTime]).toEqual([201, kept]);
  });

  it.for([
    ['2024-01-02T03:04:05.000Z', '.000Z', '.000000'],
    ['2024-01-02T03:04:05Z', 'Z', '.000000'],
    ['2024-01-02T03:04:05.1234567Z', '7Z', 'Z07:00'],
    ['2024-01-02T03:04:05.123456789Z', '789Z', 'Z07:00'],
    ['2024-01-02t03:04:05.123456z', 't03:04:05.123456z', 'T'],
    ['2024-01-02 03:04:05.123456Z', ' 03:04:05.123456Z', 'T'],
    ['', '', '2006'],
    ['x', 'x', '2006'],
  ] as const)('refuses the time %j with 400: exactly six fractional digits', async ([sent, rest, piece]) => {
    const client = await newClient();
    for (const field of ['renewTime', 'acquireTime']) {
      expectStatus(await client.post(client.leases, { metadata: { name: 'x' }, spec: { [field]: sent } }), {
        code: 400,
        reason: 'BadRequest',
        message: `Lease in version "v1" cannot be handled as a Lease: parsing time "${sent}" as "${LAYOUT}": cannot parse "${rest}" as "${piece}"`,
      });
    }
  });

  it.for([
    ['2024-13-01T03:04:05.123456Z', 'month'],
    ['2024-02-31T03:04:05.123456Z', 'day'],
    ['2024-01-02T25:04:05.123456Z', 'hour'],
    ['2024-01-02T03:60:05.123456Z', 'minute'],
    ['2024-01-02T03:04:60.123456Z', 'second'],
  ] as const)('refuses the time %s: %s out of range', async ([sent, unit]) => {
    const client = await newClient();
    expectStatus(await client.post(client.leases, { metadata: { name: 'x' }, spec: { renewTime: sent } }), {
      code: 400,
      reason: 'BadRequest',
      message: new RegExp(`: ${unit} out of range$`),
    });
  });
}
