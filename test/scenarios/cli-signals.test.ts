import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type LeaseServer, renderKubeconfig, startLeaseServer } from '../../src/lease-server/index.ts';
import { bundleCli, CliProcess } from './cli-process.ts';

const TEST_MS_MAX = 30_000;
const TOKEN = 'replica';
const LEASE = 'my-lease';

let cli: Awaited<ReturnType<typeof bundleCli>>;
let server: LeaseServer;
let kubeconfig: string;

beforeAll(async () => {
  cli = await bundleCli();
  kubeconfig = join(dirname(cli.script), 'kubeconfig');
}, TEST_MS_MAX);
afterAll(() => cli[Symbol.dispose]());

beforeEach(async () => {
  server = await startLeaseServer({ listen: '127.0.0.1:0' });
  const created = await fetch(`${server.url}/apis/coordination.k8s.io/v1/namespaces/default/leases`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ metadata: { name: LEASE } }),
  });
  expect(created.status).toBe(201);
  writeFileSync(kubeconfig, renderKubeconfig({ server: server.url, token: TOKEN }));
});
afterEach(() => server.abort());

const USUAL = ['--api-listen', '127.0.0.1:0', '--probe-listen', '127.0.0.1:0', '--lease-name', LEASE];

function startReplica({
  script = cli.script,
  options = [],
  stdout = 'pipe',
}: {
  script?: string;
  options?: readonly string[];
  stdout?: 'pipe' | number;
} = {}): CliProcess {
  const env = { POD_NAME: 'web-0' };
  return new CliProcess(script, ['run', '--kubeconfig', kubeconfig, ...USUAL, ...options], env, stdout);
}

async function holder(): Promise<string | undefined> {
  const answer = await fetch(`${server.url}/apis/coordination.k8s.io/v1/namespaces/default/leases/${LEASE}`);
  return ((await answer.json()) as { spec?: { holderIdentity?: string } }).spec?.holderIdentity;
}

/** For a process whose output can't be read. */
async function leading(): Promise<void> {
  await vi.waitFor(async () => expect(await holder()).toMatch(/^web-0_/), { timeout: 10_000, interval: 20 });
}

/** The writing end of a pipe that is full and that nobody reads. */
function fullPipe(): { readonly fd: number } & Disposable {
  const path = join(dirname(cli.script), 'pipe');
  execFileSync('mkfifo', [path]);
  const filler = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const fill = (bytes: number) => {
    try {
      for (;;) writeSync(filler, Buffer.alloc(bytes));
    } catch (error) {
      expect(error).toMatchObject({ code: 'EAGAIN' });
    }
  };
  fill(4_096);
  fill(1);
  const fd = openSync(path, constants.O_WRONLY);
  return {
    fd,
    [Symbol.dispose]: () => {
      closeSync(fd);
      closeSync(filler);
      rmSync(path);
    },
  };
}

/** The CLI as a process that gets a SIGTERM before the first line of the program has run. */
function signalledAtStart(): string {
  const main = join(dirname(cli.script), 'main.js');
  const script = join(dirname(cli.script), 'signalled.js');
  const signalled = join(dirname(cli.script), 'signalled-main.js');
  const [opening = '', ...rest] = readFileSync(main, 'utf8').split('\n');
  writeFileSync(signalled, [`${opening} process.kill(process.pid, 'SIGTERM');`, ...rest].join('\n'));
  writeFileSync(script, readFileSync(cli.script, 'utf8').replace("'main.js'", "'signalled-main.js'"));
  return script;
}

test(
  'a SIGTERM that comes before the program has been loaded ends it with 0, without a wait or a single request',
  async () => {
    await using replica = startReplica({ script: signalledAtStart(), options: ['--shutdown-delay', '1h'] });
    expect(await replica.exited).toEqual({ code: 0, signal: null });
    expect(replica.out).toContain('"code":"STOPPING"');
    expect(replica.out).not.toContain('"code":"STARTED"');
    expect(server.traffic.total(TOKEN)).toBe(0);
  },
  TEST_MS_MAX,
);

test(
  'a second signal ends at once a process that still tries to free the Lease; one right after the first does not count',
  async () => {
    await using replica = startReplica();
    await replica.printed(/"LEADING"/);
    server.faults.inject({ kind: 'cut-off' }, { token: TOKEN });
    const firstMs = performance.now();
    replica.signal('SIGTERM');
    await replica.printed(/"STOPPING"/);
    const again = setInterval(() => replica.signal('SIGTERM'), 50);
    expect(await replica.exited).toEqual({ code: 143, signal: null });
    clearInterval(again);
    expect(performance.now() - firstMs).toBeGreaterThan(900);
    expect(replica.out).not.toMatch(/"RELEASE/);
  },
  TEST_MS_MAX,
);

test(
  'with an API server that does not answer, SIGTERM ends with 0 soon after the time for freeing the Lease is over',
  async () => {
    const timings = ['--lease-duration', '3s', '--renew-deadline', '2s', '--retry-period', '500ms'];
    await using replica = startReplica({ options: timings });
    await replica.printed(/"LEADING"/);
    server.faults.inject({ kind: 'cut-off' }, { token: TOKEN });
    const startMs = performance.now();
    replica.signal('SIGTERM');
    expect(await replica.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - startMs).toBeLessThan(5_000);
    expect(replica.out).toMatch(/"RELEASE_FAILED"/);
  },
  TEST_MS_MAX,
);

test(
  'a full pipe that nobody reads keeps it neither from leading, nor from freeing the Lease and ending',
  async () => {
    using pipe = fullPipe();
    await using replica = startReplica({ stdout: pipe.fd });
    await leading();
    replica.signal('SIGTERM');
    expect(await replica.exited).toEqual({ code: 0, signal: null });
    expect(await holder()).toBe('');
  },
  TEST_MS_MAX,
);

test(
  'it leads on when the reader of its log is gone',
  async () => {
    await using replica = startReplica();
    replica.closeStdout();
    await leading();
    replica.signal('SIGTERM');
    expect(await replica.exited).toEqual({ code: 0, signal: null });
    expect(await holder()).toBe('');
  },
  TEST_MS_MAX,
);
