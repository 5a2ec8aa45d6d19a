import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type LeaseServer, renderKubeconfig, startLeaseServer } from '../../src/lease-server/index.ts';
import { bundleCli, CliProcess } from './cli-process.ts';

const TEST_MS_MAX = 30_000;
const LEASE = 'my-lease';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';

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
  await fetch(server.url + LEASES, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ metadata: { name: LEASE } }),
  });
  writeFileSync(kubeconfig, renderKubeconfig({ server: server.url }));
});
afterEach(() => server.abort());

function startReplica(podName: string, ...options: string[]): CliProcess {
  const usual = ['--api-listen', '127.0.0.1:0', '--probe-listen', '127.0.0.1:0', '--lease-name', LEASE];
  return new CliProcess(cli.script, ['run', '--kubeconfig', kubeconfig, ...usual, ...options], { POD_NAME: podName });
}

async function holder(): Promise<string> {
  const answer = await fetch(`${server.url}${LEASES}/${LEASE}`);
  return ((await answer.json()) as { spec: { holderIdentity: string } }).spec.holderIdentity;
}

/** An application that listens until it is told not to. */
async function application() {
  const listener = createServer((socket) => socket.on('error', () => {}));
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  return {
    url: `tcp://127.0.0.1:${port}`,
    connected: () => new Promise((resolve) => listener.once('connection', resolve)),
    close: () => listener.close(),
  };
}

test(
  'told to end with its application, the leader holds the Lease until the application’s port is closed',
  async () => {
    const app = await application();
    await using leader = startReplica('web-0', '--shutdown-wait-for', app.url);
    await leader.printed(/"LEADING"/);
    await using standby = startReplica('web-1');
    await standby.printed(/"LEADER_CHANGED"/);
    leader.signal('SIGTERM');
    await leader.printed(/"STOP_PUT_OFF"/);
    await app.connected();
    await app.connected();
    expect(await holder()).toMatch(/^web-0_/);
    expect(leader.out).not.toContain('"STOPPING"');
    app.close();
    expect(await leader.exited).toEqual({ code: 0, signal: null });
    expect(leader.out).toMatch(/"code":"STOPPING","signal":"SIGTERM","after":"port-closed"/);
    expect(leader.out).toContain('"RELEASED"');
    await standby.printed(/"LEADING"/);
  },
  TEST_MS_MAX,
);

test(
  'a second signal, a second or more later, ends the wait and not the process; one right after the first does not count',
  async () => {
    const app = await application();
    await using leader = startReplica('web-0', '--shutdown-wait-for', app.url);
    await leader.printed(/"LEADING"/);
    const firstMs = performance.now();
    const again = setInterval(() => leader.signal('SIGTERM'), 50);
    await leader.printed(/"STOPPING"/);
    clearInterval(again);
    expect(performance.now() - firstMs).toBeGreaterThan(900);
    expect(await leader.exited).toEqual({ code: 0, signal: null });
    expect(leader.out).toContain('"after":"signal"');
    expect(await holder()).toBe('');
    app.close();
  },
  TEST_MS_MAX,
);

test(
  'a standby that is told to end does not begin to lead, although it waits',
  async () => {
    await using leader = startReplica('web-0');
    await leader.printed(/"LEADING"/);
    await using standby = startReplica('web-1', '--shutdown-delay', '3s');
    await standby.printed(/"LEADER_CHANGED"/);
    standby.signal('SIGTERM');
    await standby.printed(/"PAUSED"/);
    leader.signal('SIGTERM');
    await leader.exited;
    expect(await standby.exited).toEqual({ code: 0, signal: null });
    expect(standby.out).toContain('"after":"delay"');
    expect(standby.out).not.toContain('"LEADING"');
    expect(await holder()).toBe('');
  },
  TEST_MS_MAX,
);
