import type { Config } from '../config/load.ts';
import type { Coordination } from '../coordinated/coordination.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Leadership } from '../leadership/leadership.ts';
import type { Candidates } from '../ports/candidates.ts';
import type { Clock, Random, Timers } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import { podOwner } from './pod-owner.ts';

export interface CoordinatedPorts {
  readonly leadership: Leadership;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Logger;
  readonly onUnavailable: () => void;
}

/** The part in a coordinated election that the options ask for, to be started; null without one. Its code is loaded only then. */
export async function openCoordination(
  { coordinated, lease, pod }: Pick<Config, 'coordinated' | 'lease' | 'pod'>,
  { client, ...ports }: CoordinatedPorts,
): Promise<Coordination | null> {
  if (coordinated === null) return null;
  const [{ createCoordination }, { openCandidateApi }] = await Promise.all([
    import('../coordinated/coordination.ts'),
    import('../kube/candidate-api.ts'),
  ]);
  const { clock, timers, random, leadership } = ports;
  const { appVersion, podGiven } = coordinated;
  const owner = podOwner({ lease, pod }, podGiven);
  const own = { lease, identity: leadership.identity, appVersion, owner };
  return createCoordination({ ...ports, openApi: () => openCandidateApi({ client, clock, timers, random }, own) });
}

/** Nobody but the API server says who is next. */
export const UNNAMABLE: Candidates = {
  find: async () => ({
    ok: false,
    code: 'TARGET_NOT_CHOSEN_HERE',
    message: 'Kubernetes chooses the next leader of a coordinated election: step down without naming one.',
  }),
};
