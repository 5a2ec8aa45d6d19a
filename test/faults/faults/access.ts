import { writeFile } from 'node:fs/promises';
import type { FaultProxy } from '../../cluster/replica/fault-proxy.ts';
import { shippedRules, withoutVerb } from '../../cluster/replica/role.ts';
import type { Fault, Stage } from '../fault.ts';
import { answering, behindProxy, status } from './behind-proxy.ts';
import { pastTheLeaseMs, takeoverWithinMs } from './bounds.ts';

/** Writes each pod's token file, as the kubelet does when it rotates. */
async function writeTokens({ scene }: Stage, tokenOf: (podName: string) => Promise<string>): Promise<Set<string>> {
  const pods = new Set(scene.replicas.map(({ podName }) => podName));
  const tokens = await Promise.all([...pods].map(async (pod) => ({ pod, token: await tokenOf(pod) })));
  await Promise.all(tokens.map(({ pod, token }) => writeFile(scene.tokenFile(pod), token)));
  return new Set(tokens.map(({ token }) => `Bearer ${token}`));
}

async function expiredTokenOf({ scene }: Stage, podName: string): Promise<string> {
  return scene.controlPlane.mintToken({
    namespace: scene.namespace,
    serviceAccount: podName,
    serviceAccountUid: await scene.serviceAccountUid(podName),
    expiresInSeconds: -3_600,
  });
}

export const access: readonly Fault[] = [
  {
    name: 'RBAC: the right to write is withdrawn, and given back',
    reach: 'scene',
    recoversFrom: 'end',
    recoversWithinMs: takeoverWithinMs(),
    prepare: async (stage) => ({
      strike: async () => {
        const rules = await shippedRules(stage.scene.leaseName);
        await stage.scene.setRules(withoutVerb(rules, 'leases', 'update'));
        await stage.lasting(pastTheLeaseMs());
        await stage.scene.setRules(rules);
      },
    }),
  },
  {
    name: 'RBAC: all rights are withdrawn, and given back',
    reach: 'scene',
    recoversFrom: 'end',
    recoversWithinMs: takeoverWithinMs(),
    prepare: async (stage) => ({
      strike: async () => {
        const rules = await shippedRules(stage.scene.leaseName);
        await stage.scene.setRules([]);
        await stage.lasting(pastTheLeaseMs());
        await stage.scene.setRules(rules);
      },
    }),
  },
  behindProxy({
    name: 'tokens are rotated, the old ones refused at once',
    recoversFrom: 'begin',
    recoversWithinMs: takeoverWithinMs(),
    strike: async (stage, proxy) => {
      const fresh = await writeTokens(stage, (pod) => stage.scene.tokenFor(pod));
      const refuseOthers: FaultProxy['fault'] = (_method, _path, { authorization = '' }) =>
        fresh.has(authorization) ? null : status(401);
      await answering(stage, proxy, refuseOthers, { forMs: pastTheLeaseMs(), cutWatches: false });
    },
  }),
  behindProxy({
    name: 'tokens expire; fresh ones come after the lease',
    recoversFrom: 'end',
    recoversWithinMs: takeoverWithinMs(),
    strike: async (stage, proxy) => {
      const expired = await writeTokens(stage, (pod) => expiredTokenOf(stage, pod));
      // What is in memory is worth nothing any more either; the expired ones are refused by the API server itself.
      const refuseOthers: FaultProxy['fault'] = (_method, _path, { authorization = '' }) =>
        expired.has(authorization) ? null : status(401);
      await answering(stage, proxy, refuseOthers, { forMs: pastTheLeaseMs(), cutWatches: false });
      await writeTokens(stage, (pod) => stage.scene.tokenFor(pod));
    },
  }),
];
