import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { StoredLease } from './identify.ts';
import { type LeaseRow, Observation, rowOf } from './standing.ts';
import { jsonOf, textOf } from './table.ts';

const narrow = { wide: false };

function leaseOf(name: string, pod?: string): StoredLease {
  const ofMember = { 'leasegate.dev/lease': 'member', 'leasegate.dev/election': 'web' };
  return {
    metadata: {
      ...{ namespace: 'shop', name, uid: name, resourceVersion: '1' },
      ...(pod !== undefined && { labels: ofMember, annotations: { 'leasegate.dev/pod': pod } }),
    },
    spec: { holderIdentity: `${name}_1`, leaseDurationSeconds: 15, leaseTransitions: 1 },
  };
}

const rowAt = (ms: number, atLeast: boolean, ...named: Parameters<typeof leaseOf>): LeaseRow =>
  rowOf(leaseOf(...named), { ms, by: 'observed', atLeast });

test('a member is known by its pod, in its line and in the summary', () => {
  const text = textOf([rowAt(60_000, false, 'web-hash', 'web-0')], narrow);
  expect(text).toMatch(/^shop +web-hash +member +web-0 +60s ago +LATE$/m);
  expect(text).toMatch(/\n1 Lease; 1 late member: web-0\n$/);
});

test('a pod’s name that is none does not reach the terminal as it is', () => {
  expect(textOf([rowAt(60_000, false, 'web-hash', '\u001b[2J')], narrow)).not.toContain('\u001b');
  expect(textOf([rowAt(60_000, false, 'web-hash', '\u001b[2J')], { wide: true })).not.toContain('\u001b');
});

test('nobody is said to be in time who was not seen to be', () => {
  const observation = new Observation();
  const lease = { ...leaseOf('web'), spec: { ...leaseOf('web').spec, renewTime: 't1' } };
  observation.see(lease, 0);
  expect(textOf([rowOf(lease, observation.ageOf(lease, 1))], narrow)).toContain(
    '\n1 Lease; 1 not seen to be renewed yet\n',
  );
  expect(textOf([rowAt(1, true, 'a'), rowAt(60_000, true, 'b')], narrow)).toContain(
    '\n2 Leases; 1 expired leader-election: b; 1 not seen to be renewed yet\n',
  );
  expect(textOf([rowAt(1, false, 'a')], narrow)).toContain('\n1 Lease, none late or expired\n');
});

test('every field of the JSON stands in docs/leases.md', () => {
  const row = rowAt(1, false, 'web-hash', 'web-0');
  const { leases } = JSON.parse(jsonOf([{ ...row, nameOf: { workload: 'Deployment.apps/web', verified: true } }]));
  const documented = readFileSync(join(import.meta.dirname, '../../docs/leases.md'), 'utf8');
  const names = (value: object): string[] =>
    Object.entries(value).flatMap(([name, inner]) => [name, ...(inner instanceof Object ? names(inner) : [])]);
  expect(names(leases[0]).filter((name) => !documented.includes(`\`${name}\``))).toEqual([]);
  expect(names(leases[0])).toContain('atLeast');
});
