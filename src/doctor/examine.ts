import type { Clock, Timers } from '../ports/clock.ts';
import { delay } from '../ports/delay.ts';
import type {
  ClusterReadings,
  PodReading,
  Reading,
  ServiceAccount,
  StoredLease,
  WorkloadKind,
} from '../ports/doctor.ts';
import { WORKLOAD_KINDS } from '../ports/doctor.ts';
import { clockOffsetMs, judgeClock } from './clock.ts';
import { judgeCoordination } from './coordinated.ts';
import { judgeDisruption } from './disruption.ts';
import { type Finding, skipped } from './finding.ts';
import { judgeLease, judgeTimings, looksStale, storedDurationMs } from './lease.ts';
import { judgeName } from './lease-name.ts';
import { homeOf, judgeNamespace } from './namespace.ts';
import { accessesOf, type Need, needsOf } from './needs.ts';
import type { Plan } from './plan.ts';
import { hasGate, isLabelled, judgePod } from './pod.ts';
import { judgeLeasePolicy, LEASE_POLICY } from './policy.ts';
import { type Answered, judgeRights } from './rights.ts';
import { judgeRollout, type Owner, replicasOf } from './rollout.ts';
import { judgeServer } from './server.ts';
import { judgeService } from './service.ts';
import { judgeServiceAccount } from './service-account.ts';

export interface ExaminationPorts {
  readonly cluster: ClusterReadings;
  readonly clock: Clock;
  readonly timers: Timers;
}

/**
 * Looks at all that `plan` needs of the cluster, and changes nothing. Without an API server to ask, what it says is all there is
 * to say. It takes three requests one after another, and for a Lease that looks expired {@link LOOKING_MS_MAX} more: less than 30 s
 * where none takes longer than 4 s.
 */
export async function examine(plan: Plan, ports: ExaminationPorts): Promise<Finding[]> {
  const { cluster, clock } = ports;
  const { findings: reached, answered, offsetMs } = await examineServer(plan, cluster);
  if (!answered) return reached;

  const plans = plansOf(plan);
  const [user, exists, leases, pod] = await Promise.all([
    cluster.user(),
    cluster.namespaceExists(plan.lease.namespace),
    Promise.all(plans.map(({ lease: { namespace, name } }) => cluster.lease(namespace, name))),
    plan.pod === null ? NOT_ASKED : cluster.pod(plan.podNamespace, plan.pod.name),
  ]);
  const foundPod = pod.ok ? pod.value : null;
  const leasesThere = leases.every((lease) => lease.ok && lease.value !== null);
  const labelled = foundPod === null ? null : isLabelled(foundPod, plan);
  const needs = needsOf(plan, { leasesThere, labelled });
  const caller = user.ok ? user.value : null;
  const account = accountOf(plan, foundPod, caller);
  const serverWallMs = () => clock.now().wallMs - (offsetMs ?? 0);

  const [rights, policy, accountReading, looked, coordination, service, workload] = await Promise.all([
    Promise.all(needs.map((need) => ask(need, account, cluster))),
    mattersPolicy(plan) ? cluster.admissionPolicyBound(LEASE_POLICY) : null,
    account === null ? null : cluster.serviceAccount(account),
    Promise.all(leases.map((lease, index) => lookTwice(lease, plans[index]!, ports, serverWallMs))),
    plan.coordinated ? Promise.all([cluster.candidateApi(), cluster.electionController()]) : null,
    examineService(plan, cluster),
    examineWorkload(foundPod, plan, cluster),
  ]);
  const who = account === null ? caller : userOf(account);
  const anyRight = rights.some(({ need, answers }) => {
    return need.resource === 'leases' && answers.some((answer) => !answer.ok || answer.value);
  });
  const namespace = judgeNamespace(plan, { exists, user: who, anyRight });
  const known = [...reached, namespace];
  if (namespace.code === 'NAMESPACE_MISSING') return known;
  const refusedAsReplica = account === null && rights.some(({ answers }) => answers.some((answer) => !answer.ok));
  const judgeLooked = ({ lease, renewedMeanwhile }: Looked, index: number): Finding[] => {
    const own = plans[index]!;
    const signs = { serverWallMs: serverWallMs(), renewedMeanwhile, refusedAsReplica };
    return [...judgeLease(lease, own, signs), ...(lease.ok ? judgeName(lease.value, own) : [])];
  };
  return [
    ...known,
    ...(account === null || accountReading === null ? [] : judgeServiceAccount(account, accountReading, plan, policy)),
    ...judgeRights(rights, { user: who, replica: who !== null && homeOf(who) !== null }),
    ...(policy === null || !plan.members ? [] : judgeLeasePolicy(policy, plan)),
    ...looked.flatMap(judgeLooked),
    ...judgeTimings(
      looked.map(({ lease }) => lease),
      plan,
    ),
    ...(coordination === null ? [] : judgeCoordination({ version: coordination[0], controller: coordination[1] })),
    ...judgePod(pod, plan),
    ...service,
    ...workload,
  ];
}

/** What can be said without the name of the Lease. `unnamed` says why there is none. */
export async function examineUnnamed(
  plan: Pick<Plan, 'server' | 'timings'>,
  unnamed: Finding,
  { cluster }: ExaminationPorts,
): Promise<Finding[]> {
  const { findings, answered } = await examineServer(plan, cluster);
  return answered ? [...findings, unnamed] : findings;
}

/** Whether it answers, and whether the clocks agree. */
async function examineServer(plan: Pick<Plan, 'server' | 'timings'>, cluster: ClusterReadings) {
  const server = await cluster.server();
  const offsetMs = clockOffsetMs(server);
  const answered = server.version.ok;
  const reached = judgeServer(server, plan, answered ? null : await cluster.tokenExpiresWallMs());
  const timed = answered || offsetMs !== null ? [judgeClock(offsetMs, plan.timings)] : [];
  return { findings: [...reached, ...timed], answered, offsetMs };
}

/** As if each Lease were the only one. */
function plansOf(plan: Plan): readonly Plan[] {
  const { lease, furtherLeases } = plan;
  return [plan, ...furtherLeases.map((name) => ({ ...plan, lease: { ...lease, name }, derived: null }))];
}

const NOT_ASKED: Reading<null> = { ok: true, value: null };

/**
 * Whose rights count: those of the account that was named, else of the pod's. Null: the caller's own; by asking he shows that he is
 * there, and he has no right to read himself.
 */
function accountOf(plan: Plan, pod: PodReading | null, caller: string | null): ServiceAccount | null {
  const name = plan.serviceAccount ?? pod?.spec?.serviceAccountName;
  if (name === undefined) return null;
  const account = { namespace: plan.podNamespace, name };
  // Everybody may ask for his own rights; for those of others few may.
  return userOf(account) === caller ? null : account;
}

function userOf({ namespace, name }: ServiceAccount): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

async function ask(need: Need, account: ServiceAccount | null, cluster: ClusterReadings): Promise<Answered> {
  return { need, answers: await Promise.all(accessesOf(need).map((access) => cluster.allowed(access, account))) };
}

const LOOK_INTERVAL_MS = 1_000;
const LOOKING_MS_MAX = 12_000;

interface Looked {
  readonly lease: Reading<StoredLease | null>;
  readonly renewedMeanwhile: boolean | null;
}

/** Whether a Lease whose time says that it has expired is renewed all the same: the clocks, too, may be wrong. */
async function lookTwice(
  first: Reading<StoredLease | null>,
  { lease: { namespace, name } }: Plan,
  { cluster, clock, timers }: ExaminationPorts,
  serverWallMs: () => number,
): Promise<Looked> {
  if (!first.ok || first.value === null || !looksStale(first.value, serverWallMs())) {
    return { lease: first, renewedMeanwhile: null };
  }
  const before = first.value;
  const endMonoMs = clock.now().monoMs + Math.min(storedDurationMs(before), LOOKING_MS_MAX);
  while (clock.now().monoMs < endMonoMs) {
    await delay(LOOK_INTERVAL_MS, timers);
    const lease = await cluster.lease(namespace, name);
    if (!lease.ok || lease.value === null) return { lease, renewedMeanwhile: null };
    if (lease.value.spec?.renewTime !== before.spec?.renewTime) {
      return { lease, renewedMeanwhile: looksStale(lease.value, serverWallMs()) ? true : null };
    }
  }
  return { lease: first, renewedMeanwhile: false };
}

/** Whether the Role names other Leases than the one, or can name none. */
function mattersPolicy({ members, furtherLeases, derived }: Plan): boolean {
  return members || furtherLeases.length > 0 || derived !== null;
}

async function examineService({ slice, podNamespace }: Plan, cluster: ClusterReadings): Promise<Finding[]> {
  if (slice === null) return [];
  return judgeService(await cluster.service(podNamespace, slice.service), slice.service, podNamespace);
}

const ELSEWHERE = 'the sidecar needs no such right: run the doctor with your own kubeconfig and --pod';

const KIND_UNKNOWN = 'kind-unknown';
const BY_HAND = 'see whether its rollouts, and PodDisruptionBudgets, wait for pods that are Ready: one is at most';

/** Only where a readiness gate leaves one pod Ready. */
async function examineWorkload(pod: PodReading | null, plan: Plan, cluster: ClusterReadings): Promise<Finding[]> {
  if (pod === null || !(hasGate(pod) || plan.publishers.includes('readiness-gate'))) return [];
  const [owner, budgets] = await Promise.all([
    ownerOf(pod, plan, cluster),
    cluster.disruptionBudgets(plan.podNamespace),
  ]);
  if (owner === null) return [];
  if (!owner.ok) {
    const message = `what would replace this pod can't be read, so its rollouts are not judged: ${owner.failure.message}`;
    return [skipped('ROLLOUT_UNKNOWN', message, owner.failure.code === KIND_UNKNOWN ? BY_HAND : ELSEWHERE)];
  }
  const disruption = budgets.ok
    ? judgeDisruption(budgets.value, pod.metadata.labels ?? {}, replicasOf(owner.value))
    : [skipped('DISRUPTION_UNKNOWN', `PodDisruptionBudgets can't be read: ${budgets.failure.message}`, ELSEWHERE)];
  return [...judgeRollout(owner.value), ...disruption];
}

/** Follows the owners upwards. Null: nothing owns it. */
async function ownerOf(
  pod: PodReading,
  { podNamespace }: Plan,
  cluster: ClusterReadings,
): Promise<Reading<Owner> | null> {
  let owner: Owner | null = null;
  let metadata: PodReading['metadata'] = pod.metadata;
  for (let level = 0; level < WORKLOAD_KINDS.length; level += 1) {
    const reference = metadata.ownerReferences?.find(({ controller }) => controller);
    if (reference === undefined) break;
    // Others have kinds of the same name: OpenKruise a StatefulSet, for one.
    const ofApps = reference.apiVersion.startsWith('apps/');
    const kind = WORKLOAD_KINDS.find((each): each is WorkloadKind => ofApps && each === reference.kind);
    if (kind === undefined) {
      const message = `${reference.kind} ${reference.name} (${reference.apiVersion}) is of a kind that the doctor does not know`;
      return { ok: false, failure: { code: KIND_UNKNOWN, message, remedy: null } };
    }
    const workload = await cluster.workload(podNamespace, kind, reference.name);
    if (!workload.ok) return workload;
    if (workload.value === null) break;
    owner = { kind, workload: workload.value };
    metadata = workload.value.metadata;
  }
  return owner && { ok: true, value: owner };
}
