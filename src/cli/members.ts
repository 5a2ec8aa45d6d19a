import type { Config } from '../config/load.ts';
import type { MembersConfig } from '../config/members-options.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Leadership } from '../leadership/leadership.ts';
import type { OwnMembership } from '../members/membership.ts';
import type { Clock, Random, Timers } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import { podOwner } from './pod-owner.ts';

export interface MembersPorts {
  readonly leadership: Leadership;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Logger;
  /** Of this program. */
  readonly version: string;
  /** Where the other replicas reach this one; null: nowhere. */
  readonly address: string | null;
  /** Names of the elections in which this replica would lead: asked at each heartbeat. */
  readonly campaigns: () => readonly string[];
}

/** The membership that the options ask for, to be started. Its code is loaded only then. */
export async function openMembership(
  { durationMs, intervalMs, podGiven }: MembersConfig,
  { lease, pod, start }: Pick<Config, 'lease' | 'pod' | 'start'>,
  { client, version, address, campaigns, ...ports }: MembersPorts,
): Promise<OwnMembership> {
  const [{ createMembership }, names, { HOSTNAME_LABEL }, { MemberLeaseStore }] = await Promise.all([
    import('../members/membership.ts'),
    import('../members/naming.ts'),
    import('../kube/member-codec.ts'),
    import('../kube/member-leases.ts'),
  ]);
  // A pod's name is its host name, and unlike that it is its own with `hostNetwork` and `hostname`, too.
  const leaseName = names.memberLeaseName({ lease, hostname: pod.name, namespace: pod.namespace });
  const hostname = names.hostnameLabel(pod.name);
  const { clock, timers, random, leadership } = ports;
  const since = new Date(clock.now().wallMs).toISOString();
  const leases = new MemberLeaseStore(
    { client, clock, timers, random },
    {
      namespace: lease.namespace,
      election: names.electionLabel(lease.name),
      isMember: (name) => names.isMemberLeaseName(lease.name, name),
      own: {
        labels: hostname === null ? {} : { [HOSTNAME_LABEL]: hostname },
        owner: podOwner({ lease, pod }, podGiven),
        profile: {
          ...{ pod: pod.name, address, version, candidate: leadership.identity, since },
          get campaigns() {
            return campaigns().join(',');
          },
        },
      },
    },
  );
  return createMembership({ ...ports, leaseName, start, durationMs, intervalMs, leases });
}
