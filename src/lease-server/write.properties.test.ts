import fc from 'fast-check';
import { expect, test } from 'vitest';
import { answer } from './api.ts';
import { parseCall } from './call.ts';
import { type Json, json } from './json.fixture.ts';
import type { JsonObject } from './object.ts';
import { namespace } from './resources/index.ts';
import { LeaseStore } from './store.ts';

const FORMATS = ['json-patch', 'merge-patch', 'strategic-merge-patch'];
/** Patches of a Lease, right and wrong, and other things. */
const field = fc.constantFrom(
  'metadata',
  'spec',
  'labels',
  'name',
  'uid',
  'resourceVersion',
  'holderIdentity',
  'leaseDurationSeconds',
  'renewTime',
  'kind',
  '$patch',
);
const leaseValue = fc.oneof(
  json,
  fc.constantFrom<Json>('x', 'n', 5, 0, '1', '2024-01-02T03:04:05.000000Z', { a: 'b' }),
);
const leasePatch = fc.oneof(
  fc.array(fc.tuple(field, leaseValue), { maxLength: 3 }).map((pairs) => Object.fromEntries(pairs)),
  fc
    .tuple(fc.constantFrom('metadata', 'spec'), fc.array(fc.tuple(field, leaseValue), { maxLength: 3 }))
    .map(([outer, pairs]) => ({ [outer]: Object.fromEntries(pairs) })),
  fc.array(
    fc.record(
      {
        op: fc.constantFrom('add', 'replace', 'remove', 'test', 'copy', 'move'),
        path: fc.tuple(fc.constantFrom('', '/metadata', '/spec'), field).map((names) => names.join('/')),
        from: fc.tuple(fc.constantFrom('', '/metadata', '/spec'), field).map((names) => names.join('/')),
        value: leaseValue,
      },
      { requiredKeys: ['op', 'path'] },
    ),
    { maxLength: 3 },
  ),
  json,
);

test('a PATCH of any content is answered, never thrown at; refused it changes nothing, taken it is what a GET then shows', () => {
  const path = '/apis/coordination.k8s.io/v1/namespaces/n/leases';
  const store = new LeaseStore({ random: () => 0.5 });
  const ask = (method: string, target: string, text = '', contentType = 'application/json') =>
    answer(
      store,
      { call: parseCall(method, target), accept: '', user: 'u', body: { contentType, text } },
      { nowMs: Date.UTC(2026, 0), allows: () => true },
    ) as { code: number; body: JsonObject };
  store.create(namespace, '', { metadata: { name: 'n' } }, { nowMs: 0 });
  ask('POST', path, JSON.stringify({ metadata: { name: 'x', labels: { a: '1' } }, spec: { holderIdentity: 'h' } }));
  const codes = new Set<number>();
  fc.assert(
    fc.property(
      fc.constantFrom(...FORMATS),
      fc.oneof(
        leasePatch.map((one) => JSON.stringify(one)),
        fc.string(),
      ),
      (format, text) => {
        // As text: what is stored must not be changed in place either.
        const before = JSON.stringify(ask('GET', `${path}/x`).body);
        const { code, body } = ask('PATCH', `${path}/x`, text, `application/${format}+json`);
        codes.add(code);
        expect([200, 400, 409, 422, 500]).toContain(code);
        // The real server's answer to a resourceVersion that is no number.
        if (code === 500) expect(body.message).toMatch(/^strconv\.ParseUint: |declared merge key/);
        expect(ask('GET', `${path}/x`).body).toEqual(code === 200 ? body : JSON.parse(before));
      },
    ),
    { numRuns: 1_000 },
  );
  expect([...codes]).toEqual(expect.arrayContaining([200, 400, 422]));
});
