import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LeaseContent } from '../election/index.ts';
import { decodeLease, encodeLease } from './codec.ts';
import { HOLDER_ADDRESS, HOLDER_ADDRESS_OF } from './lease-annotations.ts';

/** Times as other electors and other versions write them; the election compares them as text. */
const time = fc.oneof(
  fc.constantFrom(
    ...[
      '2026-01-02T03:04:05Z',
      '2026-01-02T03:04:05.123Z',
      '2026-01-02T03:04:05.123456Z',
      '2026-01-02T03:04:05.123456789Z',
    ],
    ...['2026-01-02T03:04:05.123456+02:00', '2026-01-02t03:04:05.123456z', '2026-12-31T23:59:60.000000Z'],
    ...['0001-01-01T00:00:00.000000Z', '9999-12-31T23:59:59.999999Z', '10000-01-01T00:00:00.000000Z', '', 'yesterday'],
  ),
  fc.string(),
);
const extra = fc.dictionary(
  fc.constantFrom('strategy', 'labels', 'ownerReferences', 'fromTheFuture', 'status', '__proto__', 'constructor'),
  fc.jsonValue({ maxDepth: 2 }),
);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const stored = fc
  .record({
    extras: fc.tuple(extra, extra, extra),
    version: fc.bigInt({ min: 1n, max: 2n ** 64n }).map(String),
    spec: fc.record({
      holderIdentity: optional(fc.constantFrom('', 'a_u_1', 'b', '__proto__')),
      leaseDurationSeconds: optional(fc.integer({ min: 1, max: 2 ** 31 - 1 })),
      renewTime: optional(fc.option(time)),
      acquireTime: optional(fc.option(time)),
      leaseTransitions: optional(fc.nat({ max: 2 ** 31 - 1 })),
    }),
    addressOf: optional(fc.constantFrom('a_u_1', 'b', '')),
  })
  .map(({ extras: [outer, inMetadata, inSpec], version, spec, addressOf }) => {
    const annotations = {
      other: '1',
      ...(addressOf !== undefined && { [HOLDER_ADDRESS]: 'ip', [HOLDER_ADDRESS_OF]: addressOf }),
    };
    return {
      ...outer,
      metadata: { ...inMetadata, uid: 'u', resourceVersion: version, annotations },
      spec: { ...inSpec, ...spec },
    };
  });
const content = fc.record<LeaseContent>({
  holder: fc.constantFrom('a_u_1', ''),
  leaseDurationSeconds: fc.integer({ min: 1, max: 3_600 }),
  renewTime: fc.constant('2026-01-02T03:04:05.123456Z'),
  acquireTime: time,
  transitions: fc.nat(),
  holderAddress: fc.constantFrom(null, '10.0.0.7'),
  holderPriority: fc.constantFrom(null, -1, 0, 9),
  nextHolder: fc.constantFrom('', 'b_u_1'),
});

test("another elector's Lease is read as it stands, its times to the letter, and what is not ours goes back untouched", () => {
  fc.assert(
    fc.property(stored, content, (object, next) => {
      const before = structuredClone(object);
      const record = decodeLease(object)!;
      const { spec, metadata } = object;
      expect([record.renewTime, record.acquireTime]).toEqual([spec.renewTime ?? null, spec.acquireTime ?? null]);
      expect([record.uid, record.resourceVersion, record.holder]).toEqual([
        'u',
        metadata.resourceVersion,
        spec.holderIdentity ?? '',
      ]);
      expect(record.leaseDurationMs).toBe((spec.leaseDurationSeconds ?? 0) * 1_000);

      const written = encodeLease(record, next);
      const again = decodeLease(written)!;
      const { leaseDurationSeconds, holderAddress, holderPriority, nextHolder, ...same } = next;
      expect(again).toMatchObject({ ...same, uid: record.uid, resourceVersion: record.resourceVersion });
      expect(again.leaseDurationMs).toBe(leaseDurationSeconds * 1_000);
      expect(again.holderAddress).toBe(next.holder === '' ? null : holderAddress);
      expect(again.holderPriority).toBe(next.holder === '' ? null : holderPriority);
      expect(again.nextHolder).toBe(next.holder === '' ? nextHolder : '');
      const { annotations: _, ...foreign } = metadata;
      expect(written).toMatchObject({ ...object, metadata: foreign, spec: { ...spec, ...written.spec } });
      expect(written.metadata.annotations?.other).toBe('1');
      expect(object).toEqual(before);
    }),
    { numRuns: 500 },
  );
});

test('whatever JSON an answer holds, it is a Lease or it is none; nothing is thrown', () => {
  const near = fc.record({
    metadata: fc.oneof(
      fc.jsonValue(),
      fc.record({ uid: fc.jsonValue(), resourceVersion: fc.string(), annotations: fc.jsonValue() }),
    ),
    spec: fc.jsonValue(),
  });
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), near), (body) => {
      const record = decodeLease(body);
      if (record !== null) expect([typeof record.uid, typeof record.resourceVersion]).toEqual(['string', 'string']);
    }),
    { numRuns: 500 },
  );
});
