import type { Timers } from '../ports/clock.ts';
import { delay } from '../ports/delay.ts';
import type { ClusterReadings, PodReading, Reading, StoredLease, WorkloadKind } from '../ports/doctor.ts';
import { WORKLOAD_KINDS } from '../ports/doctor.ts';
import { clockOffsetMs, judgeClock } from './clock.ts';
import { judgeDisruption } from './disruption.ts';
import { type Finding, ok } from './finding.ts';
import { judgeLease, looksStale, storedDurationMs } from './lease.ts';
import { judgeNamespace } from './namespace.ts';
import { accessesOf, type Need, needsOf } from './needs.ts';
import type { Plan } from './plan.ts';
import { hasGate, isLabelled, judgePod } from './pod.ts';
import { type Answered, judgeRights } from './rights.ts';
import { judgeRollout, type Owner, replicasOf } from './rollout.ts';
import { judgeServer } from './server.ts';
import { judgeService } from './service.ts';

export interface ExaminationPorts {
  readonly cluster: ClusterReadings;
  /** Wall clock of this machine. */
  readonly nowWallMs: () => number;
  readonly timers: Timers;
}

/**
 * Looks at all that `plan` needs of the cluster, and changes nothing. Without an API server to ask, what it says is all there is
 * to say. A Lease that looks expired is looked at for as long as it lasts, 30 s at most; everything else takes a few requests.
 */
export async function examine(plan: Plan, ports: ExaminationPorts): Promise<Finding[]> {
  const { cluster } = ports;
  const server = await cluster.server();
  const tokenExpiresWallMs = server.version.ok ? null : await cluster.tokenExpiresWallMs();
  const offsetMs = clockOffsetMs(server);
  const reached = judgeServer(server, plan, tokenExpiresWallMs);
  if (!server.version.ok) return offsetMs === null ? reached : [...reached, judgeClock(offsetMs)];

  const [user, exists, lease, pod] = await Promise.all([
    cluster.user(),
    cluster.namespaceExists(plan.lease.namespace),
    cluster.lease(plan.lease.namespace, plan.lease.name),
    plan.pod === null ? NOT_ASKED : cluster.pod(plan.podNamespace, plan.pod.name),
  ]);
  const userName = user.ok ? user.value : null;
  const foundPod = pod.ok ? pod.value : null;
  const circumstances = {
    leaseThere: lease.ok && lease.value !== null,
    labelled: isLabelled(foundPod, plan),
  };
  const rights = await Promise.all(needsOf(plan, circumstances).map((need) => ask(need, cluster)));
  const anyRight = rights.some(({ need, answers }) => {
    return need.resource === 'leases' && answers.some((answer) => !answer.ok || answer.value);
  });
  const serverWallMs = () => ports.nowWallMs() - (offsetMs ?? 0);
  const looked = await lookTwice(lease, plan, ports, serverWallMs);

  return [
    ...reached,
    judgeClock(offsetMs),
    judgeNamespace(plan, { exists, user: userName, anyRight }),
    ...judgeRights(rights, userName),
    ...judgeLease(looked.lease, plan, { serverWallMs: serverWallMs(), renewedMeanwhile: looked.renewedMeanwhile }),
    ...judgePod(pod, plan),
    ...(await examineService(plan, cluster)),
    ...(foundPod !== null && (hasGate(foundPod) || plan.publishers.includes('readiness-gate'))
      ? await examineWorkload(foundPod, plan, cluster)
      : []),
  ];
}

const NOT_ASKED: Reading<null> = { ok: true, value: null };

async function ask(need: Need, cluster: ClusterReadings): Promise<Answered> {
  return { need, answers: await Promise.all(accessesOf(need).map((access) => cluster.allowed(access))) };
}

const LOOK_INTERVAL_MS = 1_000;
const LOOKING_MS_MAX = 30_000;

interface Looked {
  readonly lease: Reading<StoredLease | null>;
  readonly renewedMeanwhile: boolean | null;
}

/** Whether a Lease whose time says that it has expired is renewed all the same: the clocks, too, may be wrong. */
async function lookTwice(
  first: Reading<StoredLease | null>,
  { lease: { namespace, name } }: Plan,
  { cluster, timers }: ExaminationPorts,
  serverWallMs: () => number,
): Promise<Looked> {
  if (!first.ok || first.value === null || !looksStale(first.value, serverWallMs())) {
    return { lease: first, renewedMeanwhile: null };
  }
  const before = first.value;
  const looks = Math.ceil(Math.min(storedDurationMs(before), LOOKING_MS_MAX) / LOOK_INTERVAL_MS);
  for (let look = 0; look < looks; look += 1) {
    await delay(LOOK_INTERVAL_MS, timers);
    const lease = await cluster.lease(namespace, name);
    if (!lease.ok || lease.value === null) return { lease, renewedMeanwhile: null };
    if (lease.value.spec?.renewTime !== before.spec?.renewTime) {
      return { lease, renewedMeanwhile: looksStale(lease.value, serverWallMs()) ? true : null };
    }
  }
  return { lease: first, renewedMeanwhile: false };
}

async function examineService({ slice, podNamespace }: Plan, cluster: ClusterReadings): Promise<Finding[]> {
  if (slice === null) return [];
  return judgeService(await cluster.service(podNamespace, slice.service), slice.service, podNamespace);
}

async function examineWorkload(pod: PodReading, plan: Plan, cluster: ClusterReadings): Promise<Finding[]> {
  const owner = await ownerOf(pod, plan, cluster);
  if (owner === null) return [];
  if (!owner.ok) {
    const { message } = owner.failure;
    return [
      ok(
        'ROLLOUT_UNKNOWN',
        `what would replace this pod can't be read, so its rollouts are not judged: ${message}`,
        ELSEWHERE,
      ),
    ];
  }
  const budgets = await cluster.disruptionBudgets(plan.podNamespace);
  const disruption = budgets.ok
    ? judgeDisruption(budgets.value, pod, replicasOf(owner.value))
    : [ok('DISRUPTION_UNKNOWN', `PodDisruptionBudgets can't be read: ${budgets.failure.message}`, ELSEWHERE)];
  return [judgeRollout(owner.value), ...disruption];
}

const ELSEWHERE = 'the sidecar needs no such right: run the doctor with your own kubeconfig';

/** Follows the owners upwards, as far as the kinds are known. Null: nothing known owns it. */
async function ownerOf(
  pod: PodReading,
  { podNamespace }: Plan,
  cluster: ClusterReadings,
): Promise<Reading<Owner> | null> {
  let owner: Owner | null = null;
  let { metadata } = pod as { readonly metadata: PodReading['metadata'] };
  for (let level = 0; level < WORKLOAD_KINDS.length; level += 1) {
    const reference = metadata.ownerReferences?.find(({ controller }) => controller);
    const kind = WORKLOAD_KINDS.find((each): each is WorkloadKind => each === reference?.kind);
    if (reference === undefined || kind === undefined) break;
    const workload = await cluster.workload(podNamespace, kind, reference.name);
    if (!workload.ok) return workload;
    if (workload.value === null) break;
    owner = { kind, workload: workload.value };
    metadata = workload.value.metadata;
  }
  return owner && { ok: true, value: owner };
}
