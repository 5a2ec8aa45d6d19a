import type { LeaseVersion } from '../replica/lease-watch.ts';
import { until } from '../replica/until.ts';
import type { Deployment, Ending, RunningPod } from './deployment.ts';

/** One change of leaders, and what became of the Service's endpoints. Times are those at which a witness saw it. */
export interface FailOver {
  readonly how: Ending;
  readonly predecessor: RunningPod;
  readonly successor: RunningPod;
  /** When the leader was made to cease. */
  readonly endedMs: number;
  /** The predecessor's last hold on the Lease being given up; null where it never was. */
  readonly released: LeaseVersion | null;
  readonly acquired: LeaseVersion;
  /** The predecessor says no more that it leads; null where pods say nothing. */
  readonly unclaimed: Sight | null;
  /** The successor says that it does; likewise. */
  readonly claimed: Sight | null;
  /** The predecessor is no more among the endpoints. */
  readonly withdrawn: Sight;
  /** The successor is. */
  readonly served: Sight;
}

export interface Sight {
  readonly atMs: number;
  readonly revision: number;
}

const FAIL_OVER_TIMEOUT_MS = 30_000;

/** Ends the leader and waits until the Service's clients are sent to the next one. */
export async function failOver(deployment: Deployment, how: Ending): Promise<FailOver> {
  const { lease, service, claims, way } = deployment;
  const predecessor = await deployment.untilLeader();
  await deployment.untilServedBy(predecessor);
  const before = lease.versions.length;
  const { revision } = service.roster.moments.at(-1)!;
  const claimedAt = claims.roster.moments.at(-1)?.revision ?? 0;

  const endedMs = await deployment.end(predecessor, how);
  const { identity } = predecessor.replica;
  const acquired = await until('another one leads', FAIL_OVER_TIMEOUT_MS, () =>
    lease.versions.slice(before).find(({ holder }) => holder !== '' && holder !== identity),
  );
  const successor = deployment.podOf(acquired.holder);
  await deployment.untilServedBy(successor);
  const seen = <T>(what: string, sight: T | undefined): T => {
    if (sight === undefined) throw new Error(`${what} was not seen`);
    return sight;
  };
  const { name } = predecessor;
  const says = way.publish !== 'endpointslice';
  return {
    how,
    predecessor,
    successor,
    endedMs,
    released: lease.versions.slice(before).find(({ holder }) => holder === '') ?? null,
    acquired,
    claimed: says ? seen(`that ${successor.name} claims`, claims.roster.firstWith(successor.name, claimedAt)) : null,
    unclaimed: says ? seen(`that ${name} no more claims`, claims.roster.firstWithout(name, claimedAt)) : null,
    withdrawn: seen(`that ${name} no more serves`, service.roster.firstWithout(name, revision)),
    served: seen(`that ${successor.name} serves`, service.roster.firstWith(successor.name, revision)),
  };
}
