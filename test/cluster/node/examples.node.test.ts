import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster } from './cluster.ts';
import { disturbances } from './disturbances.ts';
import { ADMISSION_POLICY, Example, exampleNames, shippedExample } from './example.ts';
import { Killer } from './killer.ts';
import { Table } from './table.ts';

let cluster: Cluster;
let killer: Killer;
let policyIsOurs = false;
const table = new Table('What happens', exampleNames);

beforeAll(async () => {
  cluster = await Cluster.connect();
  // All that follows happens under it. One that is there already stays.
  const policies = await cluster.kubectl('get', '--ignore-not-found', '--output=name', '--kustomize', ADMISSION_POLICY);
  policyIsOurs = policies.trim() === '';
  if (policyIsOurs) await cluster.kubectl('apply', '--kustomize', ADMISSION_POLICY);
  killer = new Killer(cluster);
});
afterAll(async () => {
  await killer?.close();
  if (policyIsOurs) await cluster.kubectl('delete', '--kustomize', ADMISSION_POLICY);
  await cluster?.close();
  console.log(`\nTime without service, and requests that were not served; overlap is 0 in each:\n\n${table}`);
});

describe.each(exampleNames)('the example %s, three replicas', (name) => {
  let example: Example;
  beforeAll(async () => {
    example = new Example(cluster, await shippedExample(cluster, name));
    await example.start();
  });
  afterAll(() => example?.close());

  test('exactly one leads', async () => {
    expect(await example.leading()).toEqual([await example.leader()]);
  });

  test('its doctor finds nothing wrong', async () => {
    const doctor = await example.kubectl(
      'exec',
      await example.leader(),
      '-c',
      'leasegate',
      '--',
      'leasegate',
      'doctor',
    );
    expect(doctor).toContain('no errors, no warnings');
  });

  test.each(disturbances)('$name: it comes back, and no two serve', async (disturbance) => {
    await disturbance.apply(example, cluster, killer);
    await example.settled(disturbance.replicas);
    const verdict = await example.verdict();
    const { withoutServiceMs, failed } = verdict;
    const cell = withoutServiceMs === 0 ? 'none' : `${(withoutServiceMs / 1000).toFixed(2)} s`;
    table.set(disturbance.name, name, name === 'polling' ? cell : `${cell} (${failed})`);
    expect(verdict.overlapMs).toBe(0);
    expect(await example.leading()).toEqual([await example.leader()]);
  });
});
