import type { Config } from '../config/load.ts';
import type { Coordination } from '../coordinated/coordination.ts';
import { type ElectionEvent, formatIdentity } from '../election/index.ts';
import { PodCandidates } from '../kube/candidates.ts';
import type { KubeClient } from '../kube/client.ts';
import { EventRecorder } from '../kube/events.ts';
import { LeaseWatch } from '../kube/lease-watch.ts';
import { LeaseStore } from '../kube/leases.ts';
import { Leadership } from '../leadership/leadership.ts';
import { formatWorkload } from '../naming/workload-lease.ts';
import type { Candidates } from '../ports/candidates.ts';
import type { Clock, Random, Timers } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import type { ClientMetrics, ElectionMetrics } from '../ports/metrics.ts';
import { ElectionRunner } from '../runner/runner.ts';
import { UNNAMABLE } from './coordinated.ts';
import { taggedLog } from './log.ts';

/** What all elections of a replica share. */
export interface ElectionPorts {
  readonly client: KubeClient;
  readonly metrics: ClientMetrics & { withElection(leadership: Leadership): ElectionMetrics };
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Logger;
}

/** What consumers may subscribe to before the election is held. */
export interface PreparedElection {
  readonly lease: Config['lease'];
  readonly leadership: Leadership;
  /** Its lines name the Lease where there are several. */
  readonly log: Logger;
  readonly events: EventRecorder;
  open(options: OpenOptions): Election;
}

export interface OpenOptions {
  /** Where the others find this replica while it leads; null: nowhere. */
  readonly holderAddress: string | null;
  /** How long work may drain when leadership is given up on purpose. */
  readonly drainMsMax: number;
  /** Null where the replicas decide among themselves who leads. */
  readonly coordination: Coordination | null;
  /** The loop met a state that can't be. */
  readonly onFatal: () => void;
}

/** One election that this replica takes part in; nothing of it is shared with another one. */
export interface Election extends Omit<PreparedElection, 'open'> {
  readonly runner: ElectionRunner;
  readonly candidates: Candidates;
}

type ElectionConfig = Pick<
  Config,
  'leases' | 'leaseNameOf' | 'pod' | 'start' | 'timings' | 'candidacy' | 'probeListen'
>;

/** One election on one of the Leases; asks nothing of the API server before its runner is started. */
export function prepareElection(
  lease: Config['lease'],
  config: ElectionConfig,
  { client, metrics: counts, log: common, clock, timers, random }: ElectionPorts,
): PreparedElection {
  const { leaseNameOf, pod, timings, candidacy } = config;
  const identity = formatIdentity(pod.name, pod.uid, config.start);
  const log = config.leases.length > 1 ? taggedLog(common, { lease: lease.name }) : common;
  const leadership = new Leadership({ identity, lease, timings, clock });
  const metrics = counts.withElection(leadership);
  const events = new EventRecorder({ client, lease, podName: pod.name, identity, clock, metrics: counts });

  const open = ({ holderAddress, drainMsMax, coordination, onFatal }: OpenOptions): Election => {
    const runner = new ElectionRunner({
      election: { identity, timings, holderAddress, candidacy, coordinated: coordination !== null },
      leases: new LeaseStore(client, lease, leaseNameOf && formatWorkload(leaseNameOf, lease.namespace)),
      watch: (dispatch) =>
        new LeaseWatch({
          client,
          lease,
          handlers: watchHandlers(dispatch),
          ...{ clock, timers, random, metrics },
          retryPeriodMs: timings.retryPeriodMs,
          requestTimeoutMs: timings.renewDeadlineMs / 2,
        }),
      ...{ leadership, clock, timers, random, metrics, log, drainMsMax },
      stands: (atMonoMs) => coordination?.stand(atMonoMs),
      announce: (what, leaseUid) => events.record(what, leaseUid),
      onFatal: (error) => {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        log.fatal({ code: 'ELECTION_FAILED', error: text }, 'the election loop failed');
        onFatal();
      },
    });
    leadership.subscribe(({ kind, answer }) => {
      if (kind !== 'leader-changed') return;
      const leader = answer.leader?.identity ?? null;
      log.info({ code: 'LEADER_CHANGED', leader }, leader === null ? 'nobody leads' : 'another replica leads');
    });
    const named = new PodCandidates({
      client,
      podNamespace: pod.namespace,
      lease,
      leaseUid: () => leadership.lease().uid,
      probePort: config.probeListen.port,
    });
    const candidates = coordination === null ? named : UNNAMABLE;
    return { lease, leadership, log, events, runner, candidates };
  };
  return { lease, leadership, log, events, open };
}

function watchHandlers(
  dispatch: (event: ElectionEvent) => void,
): ConstructorParameters<typeof LeaseWatch>[0]['handlers'] {
  return {
    observed: (record, source) => dispatch({ kind: 'observed', source, record }),
    deleted: (record) => dispatch({ kind: 'deleted', record }),
    absent: (resourceVersion) => dispatch({ kind: 'absent', resourceVersion }),
    watching: (up) => dispatch({ kind: 'watching', up }),
  };
}
