import { STANDARD } from '../../cluster/replica/replica.ts';
import type { ControlPlane } from '../../cluster/support/control-plane.ts';
import type { Fault, Stage } from '../fault.ts';
import { pastTheLeaseMs, takeoverWithinMs } from './bounds.ts';

/** How long the API server may need for its connection to etcd, once that answers again: gRPC waits longer after each try. */
const RECONNECTS_WITHIN_MS = 6_000;

function outage(
  name: string,
  recoversWithinMs: number,
  strike: (controlPlane: ControlPlane, lasting: () => Promise<void>, stage: Stage) => Promise<void>,
): Fault {
  return {
    name,
    reach: 'control-plane',
    recoversFrom: 'end',
    recoversWithinMs,
    prepare: async (stage) => ({
      strike: () => strike(stage.scene.controlPlane, () => stage.lasting(pastTheLeaseMs()), stage),
    }),
  };
}

export const controlPlane: readonly Fault[] = [
  outage('API server: SIGSTOP past the lease, then SIGCONT', takeoverWithinMs(), async (controlPlane, lasting) => {
    controlPlane.pauseApiServer();
    await lasting();
    controlPlane.resumeApiServer();
  }),
  outage('API server: SIGKILL, restarted', takeoverWithinMs(), async (controlPlane, lasting) => {
    await controlPlane.stopApiServer('at-once');
    await lasting();
    await controlPlane.startApiServer();
  }),
  outage('API server: SIGTERM, restarted at once', takeoverWithinMs(), async (controlPlane) => {
    await controlPlane.stopApiServer('gracefully');
    await controlPlane.startApiServer();
  }),
  outage(
    'etcd: SIGSTOP past the lease, then SIGCONT',
    takeoverWithinMs() + RECONNECTS_WITHIN_MS,
    async (controlPlane, lasting) => {
      controlPlane.pauseEtcd();
      await lasting();
      controlPlane.resumeEtcd();
    },
  ),
  outage('etcd: SIGKILL, restarted', takeoverWithinMs() + RECONNECTS_WITHIN_MS, async (controlPlane, lasting) => {
    await controlPlane.stopEtcd();
    await lasting();
    await controlPlane.startEtcd();
  }),
  // As etcd's documentation asks: the API server is stopped before, and started after.
  outage('etcd: restored from before the present term', takeoverWithinMs(), async (controlPlane, lasting, stage) => {
    const copy = await controlPlane.copyEtcd();
    const before = stage.leader();
    // It lives on, and finds itself named as the holder of the restored Lease.
    await before.api.post('/step-down');
    await stage.untilAnotherLeads(before);
    await controlPlane.stopApiServer('at-once');
    await controlPlane.stopEtcd();
    await lasting();
    await controlPlane.restoreEtcd(copy);
    stage.restoring();
    await controlPlane.startEtcd();
    await controlPlane.startApiServer();
  }),
  {
    name: 'etcd: restored from before the present term, so quickly that the present claim still runs (15 s, 10 s, 2 s)',
    reach: 'control-plane',
    timings: STANDARD,
    recoversFrom: 'end',
    recoversWithinMs: takeoverWithinMs(STANDARD),
    prepare: async (stage) => ({
      strike: async () => {
        const { controlPlane } = stage.scene;
        // Of the restore before, standbys wait out who led then; until that is over nobody else leads.
        await stage.lasting(pastTheLeaseMs(STANDARD));
        const copy = await controlPlane.copyEtcd();
        const before = stage.leader();
        await before.api.post('/step-down');
        const present = await stage.untilAnotherLeads(before);
        // Who stepped down leaves the Lease to the others for a while, and would not be what is tried here.
        await stage.lasting(12_000);
        await controlPlane.stopApiServer('at-once');
        await controlPlane.stopEtcd();
        await controlPlane.restoreEtcd(copy);
        stage.restoring();
        await controlPlane.startEtcd();
        await controlPlane.startApiServer();
        if (!present.leading) throw new Error('the restore took longer than the claim lasted: it has proved nothing');
      },
    }),
  },
];
