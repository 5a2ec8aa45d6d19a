import { parseIdentity } from '../election/index.ts';
import type { Reading, StoredLease } from '../ports/doctor.ts';
import { error, type Finding, ok, skipped, warning } from './finding.ts';
import type { Plan } from './plan.ts';
import { inWords } from './words.ts';

/** Clocks of nodes differ by less, where anybody looks after them. */
const CLOCK_TOLERANCE_MS = 5_000;

/** How old the last renewal is: by the holder's clock, and the server's. Null where nobody holds it, or it does not say. */
export function ageMs({ spec }: StoredLease, serverWallMs: number): number | null {
  const renewedWallMs = Date.parse(spec?.renewTime ?? '');
  return spec?.holderIdentity && Number.isFinite(renewedWallMs) ? serverWallMs - renewedWallMs : null;
}

/** Whether its last renewal is too old, or yet to come: either the holder is gone, or its clock is off. A second look tells. */
export function looksStale(lease: StoredLease, serverWallMs: number): boolean {
  const age = ageMs(lease, serverWallMs);
  return age !== null && (age > storedDurationMs(lease) || age < -CLOCK_TOLERANCE_MS);
}

export function storedDurationMs({ spec }: StoredLease): number {
  return (spec?.leaseDurationSeconds ?? 0) * 1_000;
}

export interface LeaseSigns {
  readonly serverWallMs: number;
  /** Whether it was renewed between two looks; null where one was enough. */
  readonly renewedMeanwhile: boolean | null;
  /** Whether the caller is who has to be allowed to read it, and no finding of its own says what he may do. */
  readonly refusedAsReplica: boolean;
}

const FORBIDDEN =
  'let the one who asks have the rights of docs/deploying.md, or ask as somebody who has them: a replica with these credentials never leads';
const OTHERWISE = 'see whether this API server serves coordination.k8s.io/v1';

/** Who holds the Lease, since when, and who else writes to it. */
export function judgeLease(reading: Reading<StoredLease | null>, plan: Plan, signs: LeaseSigns): Finding[] {
  const { namespace, name } = plan.lease;
  if (!reading.ok) {
    const { code, message, remedy } = reading.failure;
    const what = `Lease ${namespace}/${name} can't be read: ${message}`;
    // A replica that may not read it is a finding of its own.
    return code === 'forbidden' && !signs.refusedAsReplica
      ? [skipped('LEASE_UNREADABLE', what, 'run the doctor as somebody who may')]
      : [error('LEASE_UNREADABLE', what, remedy ?? (code === 'forbidden' ? FORBIDDEN : OTHERWISE))];
  }
  const lease = reading.value;
  if (lease === null) {
    return [
      ok(
        'LEASE_ABSENT',
        `there is no Lease ${namespace}/${name}: the first replica creates it after ${inWords(plan.timings.leaseDurationMs)}`,
        plan.derived === null
          ? 'apply it with the manifests (deploy/base/lease.yaml), and the first replica leads at once'
          : `leave it to the first replica; or apply one named ${name}, without a spec, and that leads at once`,
      ),
    ];
  }
  const reserved = judgeOwner(lease, plan);
  if (reserved !== null) return [reserved];
  return [judgeHolder(lease, plan, signs), ...judgeWriters(lease, plan)];
}

const IDENTITY_LABEL = 'apiserver.kubernetes.io/identity';

/** Kubernetes' own heartbeats are Leases as well: whoever takes one over makes a node or an API server look alive, or dead. */
function judgeOwner(lease: StoredLease, { lease: { namespace, name } }: Plan): Finding | null {
  if (!isReserved(lease, namespace)) return null;
  return error(
    'LEASE_RESERVED',
    `Lease ${namespace}/${name} is the heartbeat of ${isOfNode(lease, namespace) ? 'a node' : 'an API server'}: an election on it harms the cluster`,
    'choose another name (LEASEGATE_LEASE_NAME), or namespace (LEASEGATE_NAMESPACE)',
  );
}

function isReserved(lease: StoredLease, namespace: string): boolean {
  return isOfNode(lease, namespace) || lease.metadata.labels?.[IDENTITY_LABEL] !== undefined;
}

function isOfNode({ metadata }: StoredLease, namespace: string): boolean {
  return namespace === 'kube-node-lease' || metadata.ownerReferences?.some(({ kind }) => kind === 'Node') === true;
}

function judgeHolder(lease: StoredLease, plan: Plan, { serverWallMs, renewedMeanwhile }: LeaseSigns): Finding {
  const { holderIdentity: holder = '', renewTime, leaseDurationSeconds, acquireTime } = lease.spec ?? {};
  const subject = `Lease ${plan.lease.namespace}/${plan.lease.name}`;
  if (holder === '') return ok('LEASE_FREE', `${subject} is free: nobody leads at the moment`);
  const identity = parseIdentity(holder);
  const age = ageMs(lease, serverWallMs);
  if (age === null || !leaseDurationSeconds || leaseDurationSeconds < 0) {
    return warning(
      'LEASE_MALFORMED',
      `${subject} names the holder ${quoted(holder)}, but ${age === null ? `no time of renewal (${quoted(renewTime ?? '')})` : 'no duration'}: no elector writes that`,
      'find out who wrote it (kubectl get lease --show-managed-fields), and have no spec in its manifest; a replica takes it over after its own lease duration',
    );
  }
  if (renewedMeanwhile === false) {
    return warning(
      'LEASE_EXPIRED',
      `${subject} is held by ${quoted(holder)}, who has not renewed it for ${inWords(age)}: nobody leads, and nobody takes over`,
      'start replicas, or see in their logs why they do not campaign (NO_CANDIDATE, PAUSED, API_FORBIDDEN)',
    );
  }
  if (identity === null) {
    return warning(
      'LEASE_HOLDER_FOREIGN',
      `${subject} is held by ${quoted(holder)}, which is no replica of Leasegate${annotationsOf(lease)}: another program elects with it`,
      'where that is not intended (a group that mixes electors), choose another name: LEASEGATE_LEASE_NAME, and resourceNames in the Role',
    );
  }
  if (renewedMeanwhile === true) {
    return warning(
      'LEASE_HOLDER_CLOCK_OFF',
      `${subject} is held by pod ${identity.podName} and renewed, but with times that are ${inWords(age)} ${age > 0 ? 'behind' : 'ahead of'} the API server's: other tools may think it expired`,
      "set the clock of that pod's node (chrony, systemd-timesyncd)",
    );
  }
  const since = acquireTime === undefined ? '' : `, since ${acquireTime}`;
  return ok(
    'LEASE_HELD',
    `${subject} is held by pod ${identity.podName}${since}, renewed ${inWords(Math.max(0, age))} ago`,
  );
}

function judgeWriters(lease: StoredLease, plan: Plan): Finding[] {
  const subject = `Lease ${plan.lease.namespace}/${plan.lease.name}`;
  const findings: Finding[] = [];
  const { strategy } = lease.spec ?? {};
  if (strategy && !plan.coordinated) {
    findings.push(
      warning(
        'LEASE_COORDINATED',
        `${subject} has the strategy ${quoted(strategy)}: a controller of Kubernetes chooses its holder`,
        'choose another name (LEASEGATE_LEASE_NAME), or remove spec.strategy and its LeaseCandidates',
      ),
    );
  }
  if (specApplied(lease)) {
    findings.push(
      warning(
        'LEASE_SPEC_APPLIED',
        `${subject} was applied from a manifest with a spec: applied again, it overwrites who leads`,
        'remove the spec from the manifest (deploy/base/lease.yaml has none), and apply that',
      ),
    );
  }
  const foreign = foreignAnnotations(lease);
  if (foreign.length > 0) {
    findings.push(
      ok('LEASE_ANNOTATIONS_FOREIGN', `${subject} has annotations of others, which are kept: ${foreign.join(', ')}`),
    );
  }
  return findings;
}

/** Whether holders lead with these timings; one finding for all Leases of which that is so, none for those of Kubernetes. */
export function judgeTimings(
  readings: readonly Reading<StoredLease | null>[],
  { timings, lease: { namespace } }: Plan,
): Finding[] {
  const own = timings.leaseDurationMs;
  const judged = readings.flatMap((reading) =>
    reading.ok && (reading.value === null || !isReserved(reading.value, namespace)) ? [reading.value] : [],
  );
  if (judged.length === 0) return [];
  const differing = judged.flatMap((lease) => {
    const stored = lease === null ? 0 : storedDurationMs(lease);
    // A release writes one second, whatever the timings are.
    if (!lease?.spec?.holderIdentity || stored <= 0 || stored === own) return [];
    return [
      warning(
        'TIMINGS_DIFFER',
        `the holder of Lease ${namespace}/${lease.metadata.name} leads with a lease duration of ${stored / 1_000} s, these options say ${own / 1_000} s: that is safe, but takeovers take now the one, now the other`,
        `set LEASEGATE_LEASE_DURATION to one value in all replicas; while a change of it is rolled out there is nothing to do`,
      ),
    ];
  });
  if (differing.length > 0) return differing;
  const { renewDeadlineMs, renewIntervalMs } = timings;
  const rhythm = `renewed every ${inWords(renewIntervalMs)}, up to ${inWords(renewDeadlineMs)}`;
  return [ok('TIMINGS_OK', `a lease lasts ${inWords(own)}, and is ${rhythm}`)];
}

/** Of those who pack and deploy: they take no part in elections. */
const PACKAGING =
  /^(?:leasegate\.dev|kubectl\.kubernetes\.io|meta\.helm\.sh|helm\.sh|argocd\.argoproj\.io|kustomize\.toolkit\.fluxcd\.io|helm\.toolkit\.fluxcd\.io|config\.k8s\.io|config\.kubernetes\.io)\//;
const LISTED_MAX = 5;

function foreignAnnotations({ metadata }: StoredLease): string[] {
  const names = Object.keys(metadata.annotations ?? {}).filter((name) => !PACKAGING.test(name));
  return names.length > LISTED_MAX ? [...names.slice(0, LISTED_MAX), `${names.length - LISTED_MAX} more`] : names;
}

function annotationsOf(lease: StoredLease): string {
  const names = foreignAnnotations(lease);
  return names.length === 0 ? '' : ` (annotations ${names.join(', ')})`;
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** By kubectl's own note, or by a server-side apply that owns fields of the spec. */
function specApplied({ metadata }: StoredLease): boolean {
  const owned = metadata.managedFields?.some(
    ({ operation, fieldsV1 }) => operation === 'Apply' && Object.keys(fieldsV1?.['f:spec'] ?? {}).length > 0,
  );
  if (owned) return true;
  try {
    const applied = JSON.parse(metadata.annotations?.[LAST_APPLIED] ?? 'null') as { spec?: object | null } | null;
    return Object.keys(applied?.spec ?? {}).length > 0;
  } catch {
    return false;
  }
}

const SHOWN_LENGTH_MAX = 100;

/** Holders are anybody's text. */
function quoted(text: string): string {
  return JSON.stringify(text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text);
}
