import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ClientGoElector, startElector } from './client-go-elector.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { freePorts } from './free-ports.ts';

const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases';

let controlPlane: ControlPlane;
const electors: ClientGoElector[] = [];
beforeAll(async () => {
  controlPlane = await startControlPlane();
});
afterAll(async () => {
  for (const elector of electors) await elector.stop(0);
  await controlPlane?.close();
});

async function start(name: string, identity: string, listen?: string): Promise<ClientGoElector> {
  const elector = await startElector({
    kubeconfig: controlPlane.adminKubeconfig,
    directory: controlPlane.directory,
    namespace: 'default',
    name,
    identity,
    leaseDurationSeconds: 3,
    renewDeadlineMs: 2_000,
    retryPeriodMs: 500,
    ...(listen !== undefined && { listen }),
  });
  electors.push(elector);
  return elector;
}

async function eventNames(elector: ClientGoElector): Promise<string[]> {
  const events = await elector.events();
  return events.map(({ event }) => event).filter((event) => event !== 'new-leader');
}

const soon = { timeout: 15_000 };

describe("client-go's elector", () => {
  test('hands over on SIGTERM: the first stops before the second starts', async () => {
    const [port] = await freePorts(1);
    const first = await start('hand-over', 'first', `127.0.0.1:${port}`);
    await expect.poll(() => eventNames(first), soon).toEqual(['started']);
    expect(await (await fetch(`http://127.0.0.1:${port}/leader`)).json()).toEqual({ isLeader: true });
    const second = await start('hand-over', 'second');
    await expect.poll(() => second.events(), soon).toMatchObject([{ event: 'new-leader', leader: 'first' }]);

    await first.stop(10_000);
    await expect.poll(() => eventNames(second), soon).toEqual(['started']);
    const stopped = (await first.events()).find(({ event }) => event === 'stopped');
    const started = (await second.events()).find(({ event }) => event === 'started');
    expect(stopped?.t_mono_ms).toBeLessThan(started?.t_mono_ms ?? 0);
    expect(started?.t_mono_ms).toBeLessThan(Number(process.hrtime.bigint()) / 1e6);
  });

  test('campaigns again after it has lost the Lease to a foreign holder', async () => {
    const elector = await start('lost', 'tenacious');
    await expect.poll(() => eventNames(elector), soon).toEqual(['started']);
    await controlPlane.admin.patch(`${leases}/lost`, {
      spec: { holderIdentity: 'foreigner', leaseDurationSeconds: 3 },
    });
    await expect.poll(() => eventNames(elector), soon).toEqual(['started', 'stopped', 'started']);
  });
});
