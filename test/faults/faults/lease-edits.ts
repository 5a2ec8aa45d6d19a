import { expectStatus } from '../../cluster/replica/scene.ts';
import type { Fault, Stage } from '../fault.ts';
import { AFTER_THE_TAKEOVER_MS, takeoverWithinMs } from './bounds.ts';
import { onNetwork } from './on-network.ts';

/** Now, as the API server stores it. */
const microTime = (atMs = Date.now()) => new Date(atMs).toISOString().replace('Z', '000Z');

const STRANGER_SECONDS = 4;

/**
 * Edits that leave others a reason to wait. Whoever empties the holder by hand says that nobody leads, and vouches for the
 * application himself: another replica may then lead while answers that were given still hold.
 */
const edits: Readonly<Record<string, () => object>> = {
  'given to a stranger, for 4 s': () => ({
    holderIdentity: 'somebody-else',
    leaseDurationSeconds: STRANGER_SECONDS,
    renewTime: microTime(),
    acquireTime: microTime(),
  }),
  'renewTime set back by a day': () => ({ renewTime: microTime(Date.now() - 86_400_000) }),
  'leaseDurationSeconds set to 1': () => ({ leaseDurationSeconds: 1 }),
  'leaseTransitions set to 0': () => ({ leaseTransitions: 0 }),
};

async function deleteLease({ scene }: Stage): Promise<void> {
  await expectStatus(scene.controlPlane.admin.delete(scene.leasePath), 200);
}

export const leaseEdits: readonly Fault[] = [
  {
    name: 'the Lease is deleted',
    reach: 'scene',
    recoversFrom: 'begin',
    recoversWithinMs: takeoverWithinMs(),
    prepare: async (stage) => ({
      strike: async () => {
        await deleteLease(stage);
        await stage.lasting(2_000);
      },
    }),
  },
  onNetwork({
    name: 'the Lease of a leader that is cut off is deleted',
    recoversFrom: 'begin',
    recoversWithinMs: takeoverWithinMs(),
    strike: async (stage, { relayOf }) => {
      const leader = stage.leader();
      relayOf(leader).goSilent();
      await deleteLease(stage);
      await stage.untilAnotherLeads(leader);
      await stage.lasting(AFTER_THE_TAKEOVER_MS);
      await relayOf(leader).mend();
    },
  }),
  ...Object.entries(edits).map(
    ([edit, specOf]): Fault => ({
      name: `the Lease is edited by hand: ${edit}`,
      reach: 'scene',
      recoversFrom: 'begin',
      recoversWithinMs: takeoverWithinMs(),
      prepare: async (stage) => ({
        strike: async () => {
          const { admin } = stage.scene.controlPlane;
          await expectStatus(admin.patch(stage.scene.leasePath, { spec: specOf() }), 200);
          await stage.lasting(2_000);
        },
      }),
    }),
  ),
];
