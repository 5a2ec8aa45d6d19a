import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { bundleCli, CliProcess } from './cli-process.ts';

let cli: Awaited<ReturnType<typeof bundleCli>>;
let directory: string;

beforeAll(async () => {
  cli = await bundleCli();
}, 30_000);
afterAll(() => cli[Symbol.dispose]());

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'leasegate-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('leasegate run leads on leasegate lease-server, with the kubeconfig that it wrote', async () => {
  const kubeconfig = join(directory, 'kubeconfig');
  await using server = new CliProcess(cli.script, [
    'lease-server',
    '--listen',
    '127.0.0.1:0',
    '--kubeconfig-out',
    kubeconfig,
  ]);
  const [, url] = await server.printed(/on (http:\/\/127\.0\.0\.1:\d+) .*\n/);
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'my-lease' } };
  const created = await fetch(`${url}/apis/coordination.k8s.io/v1/namespaces/default/leases`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(lease),
  });
  expect(created.status).toBe(201);

  const listen = ['--api-listen', '127.0.0.1:0', '--probe-listen', '127.0.0.1:0'];
  const use = ['--kubeconfig', kubeconfig, '--lease-name', 'my-lease', '--namespace', 'default'];
  await using replica = new CliProcess(cli.script, ['run', ...use, ...listen], { POD_NAME: 'web-0' });
  const [, api] = await replica.printed(/"local":"([^"]+)"/);
  await replica.printed(/"code":"LEADING"/);
  const answer = (await (await fetch(`http://${api}/leader`)).json()) as { isLeader: boolean; leader: { pod: string } };
  expect(answer).toMatchObject({ isLeader: true, leader: { pod: 'web-0' } });

  replica.signal('SIGTERM');
  expect(await replica.exited).toEqual({ code: 0, signal: null });
  server.signal('SIGTERM');
  expect(await server.exited).toEqual({ code: 0, signal: null });
  expect(server.err).toBe('');
}, 20_000);
