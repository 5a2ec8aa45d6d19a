import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { renderKubeconfig, startLeaseServer } from '../../src/lease-server/index.ts';
import { bundleCli, CliProcess } from './cli-process.ts';

/** How long a test with processes may take, on a busy machine. */
export const TEST_MS_MAX = 30_000;

const TOKEN = 'replica';
const LEASE = 'my-lease';
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';

/** Replicas as processes, and the API server that they share, with one free Lease. */
export async function openGroup() {
  const cli = await bundleCli();
  const server = await startLeaseServer({ listen: '127.0.0.1:0' });
  const kubeconfig = join(dirname(cli.script), 'kubeconfig');
  writeFileSync(kubeconfig, renderKubeconfig({ server: server.url, token: TOKEN }));
  return {
    /** Makes the Lease anew, free. */
    async freeLease(name = LEASE): Promise<void> {
      await fetch(`${server.url}${LEASES}/${name}`, { method: 'DELETE' });
      const body = JSON.stringify({ metadata: { name } });
      const headers = { 'Content-Type': 'application/json' };
      const created = await fetch(server.url + LEASES, { method: 'POST', headers, body });
      if (created.status !== 201) throw new Error(`the Lease was not made: ${await created.text()}`);
    },
    startReplica(podName: string, ...options: string[]): CliProcess {
      const usual = ['--api-listen', '127.0.0.1:0', '--probe-listen', '127.0.0.1:0'];
      if (!options.includes('--lease-name')) usual.push('--lease-name', LEASE);
      const argv = ['run', '--kubeconfig', kubeconfig, ...usual, ...options];
      return new CliProcess(cli.script, argv, { POD_NAME: podName });
    },
    /** Runs another command to its end. */
    async run(...argv: string[]): Promise<{ code: number | null; out: string; err: string }> {
      await using command = new CliProcess(cli.script, argv);
      const { code } = await command.exited;
      return { code, out: command.out, err: command.err };
    },
    /** Identity that holds the Lease; empty when it is free. */
    async holder(name = LEASE): Promise<string> {
      const answer = await fetch(`${server.url}${LEASES}/${name}`);
      return ((await answer.json()) as { spec: { holderIdentity: string } }).spec.holderIdentity;
    },
    /** No answer reaches any replica. Returns the way to mend it. */
    cutOff: (): (() => void) => server.faults.inject({ kind: 'cut-off' }, { token: TOKEN }),
    async close(): Promise<void> {
      await server.abort();
      cli[Symbol.dispose]();
    },
  };
}

/** An application that accepts connections until it is told not to. */
export async function startApplication(port = 0) {
  const listener = createServer((socket) => socket.on('error', () => {}).resume());
  await once(listener.listen(port, '127.0.0.1'), 'listening');
  const { port: taken } = listener.address() as AddressInfo;
  return {
    port: taken,
    url: `tcp://127.0.0.1:${taken}`,
    connected: () => once(listener, 'connection'),
    close: () => once(listener.close(), 'close'),
  };
}
