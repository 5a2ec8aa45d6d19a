import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { type Sidecar, startImage } from './run-image.ts';
import { output } from './shell.ts';

const LEASE = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'web' } };
const LISTEN = ['--api-listen', '127.0.0.1:0', '--probe-listen', '127.0.0.1:0'];

/** One container serves the embedded API server, another campaigns there, answers, and is told to end. */
export async function electAndRelease(scratch: string): Promise<void> {
  const sidecars: Sidecar[] = [];
  const start = (argv: readonly string[], shared: string): Sidecar => {
    const sidecar = startImage(argv, ['--volume', shared]);
    sidecars.push(sidecar);
    return sidecar;
  };
  const folder = join(scratch, 'shared');
  output('install', ['--directory', '--owner=65532', folder]);
  try {
    const server = start(
      ['lease-server', '--listen', '127.0.0.1:0', '--kubeconfig-out', '/shared/kubeconfig'],
      `${folder}:/shared`,
    );
    const [url = ''] = /http:\S+/.exec(await server.line('Lease API server')) ?? [];
    const leases = `${url}/apis/coordination.k8s.io/v1/namespaces/default/leases`;
    const created = await fetch(leases, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(LEASE),
    });
    assert.equal(created.status, 201);

    const replica = start(
      ['--lease-name', 'web', '--kubeconfig', '/shared/kubeconfig', ...LISTEN],
      `${folder}:/shared:ro`,
    );
    const { listen } = JSON.parse(await replica.line('"STARTED"')) as { listen: { local: string; probe: string } };
    await replica.line('"LEADING"');
    assert.equal((await getJson(`http://${listen.local}/leader`)).isLeader, true);
    assert.equal((await fetch(`http://${listen.probe}/healthz`)).status, 200);
    // The status page's framework is loaded when it is first asked for, from the read-only root.
    const page = await fetch(`http://${listen.local}/`, { headers: { Accept: 'text/html' } });
    assert.match(await page.text(), /<!doctype html>/i);

    // As `kubectl exec` would.
    const exec = (...argv: string[]) => replica.exec(['leasegate', ...argv, '--api', listen.local]);
    assert.match(exec('status'), /^leads +yes/m);
    assert.match(exec('step-down', '--immediate'), /^released/);
    assert.match(exec('status'), /^leads +no/m);
    await replica.line('"LEADING"');

    replica.terminate();
    assert.equal(await replica.exitCode, 0);
    const { spec } = (await getJson(`${leases}/web`)) as { spec: { holderIdentity: string } };
    assert.equal(spec.holderIdentity, '');
    server.terminate();
    assert.equal(await server.exitCode, 0);
  } finally {
    for (const sidecar of sidecars) sidecar.kill();
  }
}

async function getJson(url: string): Promise<Record<string, unknown>> {
  return (await (await fetch(url)).json()) as Record<string, unknown>;
}
