import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TestContext } from './context.fixture.ts';
import { leaseServer } from './lease-server.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'leasegate-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

async function refused(argv: readonly string[]): Promise<{ code: number; err: string }> {
  const context = new TestContext();
  const code = await leaseServer(argv, context);
  expect(context.out).toBe('');
  return { code, err: context.err };
}

describe('lease-server refuses', () => {
  test('an unknown option, with the nearest name', async () => {
    const { code, err } = await refused(['--kubeconfg-out', 'file']);
    expect(code).toBe(2);
    expect(err).toMatch(/^leasegate: OPTION_UNKNOWN --kubeconfg-out .*did you mean --kubeconfig-out\?\n$/);
  });

  test('an address that others can reach', async () => {
    const { code, err } = await refused(['--listen', '0.0.0.0:8001']);
    expect(code).toBe(2);
    expect(err).toMatch(/^leasegate: OPTION_INVALID --listen "0\.0\.0\.0:8001": is not a loopback address/);
  });

  test('a port in use, with the option and the remedy', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const address = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    const { code, err } = await refused(['--listen', address, '--kubeconfig-out', join(directory, 'kubeconfig')]);
    other.close();
    expect(code).toBe(1);
    expect(err).toContain(
      `leasegate: LISTEN_FAILED --listen: cannot listen on ${address}: the port is in use. Free it`,
    );
    expect(err).toContain('or choose another with --listen.\n');
    expect(() => statSync(join(directory, 'kubeconfig'))).toThrow('ENOENT');
  });

  test('a kubeconfig that cannot be written, with the reason and the remedy', async () => {
    const path = join(directory, 'missing', 'kubeconfig');
    const { code, err } = await refused(['--kubeconfig-out', path]);
    expect(code).toBe(1);
    expect(err).toBe(
      `leasegate: KUBECONFIG_UNWRITABLE --kubeconfig-out "${path}": cannot be written: the directory does not exist; name a file in a directory that exists and that you may write to\n`,
    );
    expect((await refused(['--kubeconfig-out', directory])).err).toContain('cannot be written: it is a directory;');
  });
});

describe('lease-server', () => {
  test('tells where it serves, that it forgets, and how to use it; then serves until a signal', async () => {
    const context = new TestContext();
    const path = join(directory, "it's a kubeconfig");
    const ended = leaseServer(['--kubeconfig-out', path], context);
    await context.printed;
    const [, url = ''] =
      /^Lease API server on (http:\/\/127\.0\.0\.1:\d+) \(state in memory only, gone when it ends\)\n/.exec(
        context.out,
      ) ?? [];
    const run = ` run --kubeconfig '${path.replace("'", "'\\''")}' --namespace default --lease-name my-lease`;
    const commands = context.out.split('\n').filter((line) => line.startsWith('  '));
    expect(commands).toEqual([
      expect.stringMatching(/^ {2}\S/),
      expect.stringContaining(`${run} --api-listen 127.0.0.1:4050 --probe-listen 127.0.0.1:4051`),
    ]);
    expect(commands[0]!.endsWith(run)).toBe(true);
    expect(context.out).toContain('With --lease NAME there is a free one at once.');
    expect(readFileSync(path, 'utf8')).toContain(url);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const leases = await fetch(`${url}/apis/coordination.k8s.io/v1/namespaces/default/leases`);
    expect(await leases.json()).toMatchObject({ kind: 'LeaseList', items: [] });

    context.signal('SIGTERM');
    expect(await ended).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
    expect(context.err).toBe('');
  });

  test('with names has those Leases from the start, free, and names them in the commands', async () => {
    const context = new TestContext({ npm_command: 'exec' });
    const ended = leaseServer(['--lease', 'other,demo', '--kubeconfig-out', join(directory, 'kubeconfig')], context);
    await context.printed;
    expect(context.out).toContain('Lease default/other is free, Lease default/demo is free: the first');
    expect(context.out).toMatch(/^ {2}POD_NAME=web-0 npx leasegate run .* --lease-name other,demo$/m);
    const [, url = ''] = / on (\S+) /.exec(context.out) ?? [];
    const lease = await fetch(`${url}/apis/coordination.k8s.io/v1/namespaces/default/leases/demo`);
    expect(lease.status).toBe(200);
    expect(((await lease.json()) as { spec: object }).spec).toEqual({});
    context.signal('SIGTERM');
    expect(await ended).toBe(0);
  });

  test('refuses a name that no Lease can have', async () => {
    const { code, err } = await refused(['--lease', 'My Lease']);
    expect(code).toBe(2);
    expect(err).toMatch(/^leasegate: OPTION_INVALID --lease "My Lease": /);
  });

  test('without a kubeconfig says how to get one', async () => {
    const context = new TestContext();
    const ended = leaseServer([], context);
    await context.printed;
    expect(context.out).toContain('--kubeconfig-out FILE');
    expect(context.out).not.toContain(' run --');
    context.signal('SIGINT');
    expect(await ended).toBe(0);
  });
});
