import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { Cluster } from './cluster.ts';
import { disturbances } from './disturbances.ts';
import { EXAMPLES, Example } from './example.ts';
import { Killer } from './killer.ts';

const execute = promisify(execFile);

/** The applications of `deploy/` before kustomize, and how `inject` makes them be led. */
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

/** Manifests without a word of Leasegate. */
async function plain(paths: readonly string[]): Promise<string> {
  const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
  return texts.join('---\n').replaceAll(/^.*leasegate\.dev.*\n/gm, '');
}

/** Runs this checkout's Leasegate. */
async function leasegate(input: string, ...args: string[]): Promise<string> {
  const [command = '', ...rest] = [...inject('leasegate'), ...args];
  const running = execute(command, rest);
  running.child.stdin?.end(input);
  return (await running).stdout;
}

describe.each(ways)('`inject` for $way', ({ way, files, options }) => {
  const paths = [`${way}/deployment.yaml`, ...files].map((file) => join(EXAMPLES, file));
  let example: Example;
  beforeAll(async () => {
    const manifests = await leasegate(await plain(paths), 'inject', '--image', cluster.image, ...options);
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
