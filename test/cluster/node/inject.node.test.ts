import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { Cluster } from './cluster.ts';
import { disturbances } from './disturbances.ts';
import { EXAMPLES, Example } from './example.ts';
import { Killer } from './killer.ts';

const execute = promisify(execFile);

/** Applications that know nothing of Leasegate, and how they are told to be led. Those of `deploy/` are plain before kustomize. */
const ways = [
  { way: 'label', files: ['polling/service.yaml'], options: ['--publish=label', '--service=web'] },
  {
    way: 'gateway',
    files: ['gateway/service.yaml'],
    options: ['--gateway=8080:3000', '--set=LEASEGATE_GATEWAY_STANDBY=forward'],
  },
  { way: 'readiness-gate', files: ['readiness-gate/service.yaml'], options: ['--publish=readiness-gate'] },
  {
    way: 'endpointslice',
    files: ['endpointslice/service.yaml'],
    options: ['--publish=endpointslice', '--service=web'],
  },
];
const DISTURBED_BY = ['`kubectl delete pod` of the leader', '`kubectl rollout restart`'];

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.connect();
});
afterAll(() => cluster?.close());

async function leasegate(...args: string[]): Promise<string> {
  const [command = '', ...rest] = [...inject('leasegate'), ...args];
  return (await execute(command, rest)).stdout;
}

describe.each(ways)('`inject` with $options', ({ way, files, options }) => {
  const paths = [`${way}/deployment.yaml`, ...files].map((file) => join(EXAMPLES, file));
  let example: Example;
  beforeAll(async () => {
    const manifests = await leasegate('inject', '--image', cluster.image, ...options, ...paths);
    example = new Example(cluster, { name: `inject-${way}`, way, lease: 'web', manifests });
    await example.start();
  });
  afterAll(() => example?.close());

  test('exactly one leads', async () => {
    expect(await example.leading()).toEqual([await example.leader()]);
  });

  test.each(disturbances.filter(({ name }) => DISTURBED_BY.includes(name)))(
    '$name: it comes back, and no two serve',
    async (disturbance) => {
      await disturbance.apply(example, cluster, new Killer(cluster));
      await example.settled(disturbance.replicas);
      expect((await example.verdict()).overlapMs).toBe(0);
    },
  );
});
