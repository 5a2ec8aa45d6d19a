import { dnsSubdomain, SUBDOMAIN_LENGTH_MAX } from '../config/names.ts';
import { formatWorkload, workloadLeaseName } from '../naming/workload-lease.ts';
import { ELECTION_LABEL, electionKey, GATE_CONDITION } from '../publish/names.ts';
import { type Change, isEditable, valueAt } from './change.ts';
import type { Value } from './emit.ts';
import { budgetHazard, type Hazard, rolloutHazards } from './hazards.ts';
import type { Manifest, ObjectValue } from './manifests.ts';
import type { InjectOptions } from './options.ts';
import { podWarnings, refuseUnfit } from './pod-checks.ts';
import type { Election, Rights } from './rbac.ts';
import { type Code, Refused } from './report.ts';
import { planService } from './services.ts';
import type { Settings } from './settings.ts';
import { sidecarOf, TOKEN_VOLUME_SOURCE } from './sidecar.ts';
import type { Workload } from './workload.ts';

/** A workload with all that shall be done for it. */
export interface Plan {
  readonly workload: Workload;
  readonly election: Election;
  /** By object: the workload itself, and its Service. */
  readonly changes: ReadonlyMap<Manifest, readonly Change[]>;
  readonly rights: Rights;
}

/** Reports a finding; the offset is that of its place in the text. */
export type Say = (code: Code, subject: string, offset: number | null, message: string, remedy: string | null) => void;

interface Planning {
  /** All of the input: Services and budgets are looked for there. */
  readonly manifests: readonly Manifest[];
  readonly options: InjectOptions;
  readonly settings: Settings;
  readonly say: Say;
}

/** @throws Refused where the workload can't be injected at all */
export function planOf(workload: Workload, { manifests, options, settings, say }: Planning): Plan {
  const { manifest, podSpecPath, podSpec } = workload;
  refuseUnfit(workload, settings);
  for (const hazard of hazardsOf(workload, manifests, options, settings))
    say(hazard.code, manifest.subject, manifest.start, hazard.message, hazard.remedy);
  const election = electionOf(workload, options);
  const item = (key: string, value: Value, first = false): Change => ({
    kind: 'under',
    path: podSpecPath,
    key,
    entry: { kind: 'item', value, first },
    before: 'containers',
  });
  const gates: unknown[] = Array.isArray(podSpec.readinessGates) ? podSpec.readinessGates : [];
  const gated = gates.some((gate) => (gate as ObjectValue | null)?.conditionType === GATE_CONDITION);
  const named = serviceAccountOf(podSpec) !== undefined || election.serviceAccount === 'default';
  // Both names of it: the API server fills in the old one, and where apply did not write that, taking the new one out again would
  // leave pods that ask for a service account that is gone.
  const account = ['serviceAccountName', 'serviceAccount'].map(
    (key) => ({ kind: 'pair', path: podSpecPath, key, value: election.serviceAccount, before: 'containers' }) as const,
  );
  // The Lease is in the namespace of its pods, whichever that is.
  const key = electionKey({ lease: { namespace: '', name: election.leaseName }, namespace: '' });
  const membership = membershipOf(workload, key);
  const changes: Change[] = [
    ...(membership === null ? [] : [membership]),
    ...(named ? [] : account),
    ...(options.publish.includes('readiness-gate') && !gated
      ? [item('readinessGates', { conditionType: GATE_CONDITION })]
      : []),
    item('initContainers', sidecarOf(election.leaseName, options, settings), options.position === 'first'),
    { kind: 'under', path: podSpecPath, key: 'volumes', entry: { kind: 'item', value: TOKEN_VOLUME_SOURCE } },
  ];
  const service = planService(manifests, workload, options);
  for (const { code, message, remedy } of service.findings) {
    const subject = code === 'SERVICE_ROUTED' ? service.manifest!.subject : manifest.subject;
    say(code, subject, (service.manifest ?? manifest).start, message, remedy);
  }
  const position = options.position === 'first' ? 'before' : 'after';
  const others = (Array.isArray(podSpec.initContainers) ? podSpec.initContainers : [])
    .map((each) => each?.name)
    .join(', ');
  const names = [election.leaseName, ...options.furtherLeases];
  const leases = `${names.length > 1 ? 'Leases' : 'Lease'} ${names.join(', ')}`;
  const placed = others === '' ? '' : `, ${position} ${others}`;
  say('INJECTED', manifest.subject, manifest.start, `sidecar for ${leases}${placed}`, null);
  if (membership === null && !isMember(workload, key)) {
    say(
      'LABEL_NOT_ADDED',
      manifest.subject,
      manifest.start,
      `its pod template can't be given the label ${ELECTION_LABEL}, by which monitoring, network and admission policy find its pods`,
      `add ${ELECTION_LABEL}: ${key} to the labels of the template where you use those`,
    );
  }
  if (election.ownServiceAccount) {
    say(
      'SERVICE_ACCOUNT_CHANGED',
      manifest.subject,
      manifest.start,
      `its pods had the service account "default"; now they have ${election.serviceAccount}, whose token only the sidecar gets`,
      'if the application needs what "default" has (a token, imagePullSecrets, a cloud identity), keep that: --service-account default',
    );
  }
  const all = new Map<Manifest, readonly Change[]>([[manifest, changes]]);
  if (service.manifest !== null && service.changes.length > 0) all.set(service.manifest, service.changes);
  return { workload, election, changes: all, rights: options };
}

/** What makes its pods known as those of the election, as publishing would label them; null where that can't be written. */
function membershipOf({ manifest, podSpecPath }: Workload, election: string): Change | null {
  const template = podSpecPath.slice(0, -1);
  const path = [...template, 'metadata'];
  const metadata = valueAt(manifest.value, path);
  if (Object.hasOwn(metadata?.labels ?? {}, ELECTION_LABEL)) return null;
  const entry = { kind: 'pair', key: ELECTION_LABEL, value: election } as const;
  const whole = { labels: { [ELECTION_LABEL]: election } };
  const change: Change =
    metadata === undefined
      ? { kind: 'pair', path: template, key: 'metadata', value: whole, before: 'spec' }
      : { kind: 'under', path, key: 'labels', entry };
  return isEditable(change, manifest) ? change : null;
}

function isMember({ podLabels }: Workload, election: string): boolean {
  return podLabels[ELECTION_LABEL] === election;
}

function hazardsOf(
  workload: Workload,
  manifests: readonly Manifest[],
  options: InjectOptions,
  settings: Settings,
): Hazard[] {
  const { fewest, most } = scaleOf(workload, manifests);
  const warnings = [...podWarnings({ ...workload, replicas: fewest }, options, settings), ...rightsWarnings(options)];
  if (!options.publish.includes('readiness-gate')) return warnings;
  const largest = { ...workload, replicas: most };
  const budgets = manifests.filter(({ value }) => value.kind === 'PodDisruptionBudget');
  const blocked = budgets.map(({ value }) => budgetHazard(value, largest)).filter((hazard) => hazard !== null);
  return [...rolloutHazards(largest), ...blocked, ...warnings];
}

function rightsWarnings({ members, rbac }: InjectOptions): Hazard[] {
  if (!members || !rbac) return [];
  const message = 'heartbeats need the right to write and delete every Lease of the namespace: their names hold a hash';
  return [{ code: 'LEASE_RIGHTS_WIDE', message, remedy: 'apply deploy/admission-policy, which takes that back' }];
}

/** How many replicas there may be: what is written, or what an autoscaler of the input makes of it. */
function scaleOf(workload: Workload, manifests: readonly Manifest[]): { fewest: number | null; most: number | null } {
  const { kind, name, namespace, replicas } = workload;
  const scaler = manifests.find(({ value: { kind: own, metadata, spec } }) => {
    const elsewhere = metadata?.namespace !== undefined && namespace !== undefined && metadata.namespace !== namespace;
    const target = spec?.scaleTargetRef;
    return own === 'HorizontalPodAutoscaler' && target?.kind === kind && target?.name === name && !elsewhere;
  });
  if (scaler === undefined || replicas === null) return { fewest: replicas, most: replicas };
  const { minReplicas = 1, maxReplicas = replicas } = scaler.value.spec;
  return { fewest: Number(minReplicas), most: Math.max(Number(maxReplicas), replicas) };
}

const ROLE_SUFFIX = '-leasegate';

function serviceAccountOf({ serviceAccountName, serviceAccount }: ObjectValue): string | undefined {
  return serviceAccountName || serviceAccount || undefined;
}

function electionOf(
  { manifest, apiGroup, kind, name, namespace, podSpec }: Workload,
  options: InjectOptions,
): Election {
  if (name !== undefined && !dnsSubdomain.parse(name).ok) {
    const message = `its name ${JSON.stringify(name)} is none that Kubernetes takes`;
    throw new Refused('UNUSUAL_SHAPE', manifest.start, message, 'mend it; if it is a template, render it first');
  }
  const named = leaseOf({ apiGroup, kind, name }, options);
  if (named === null) {
    throw new Refused(
      'LEASE_NAME_MISSING',
      manifest.start,
      kind === 'Pod' && name !== undefined
        ? 'is made by no workload that its Lease could be named after'
        : 'has no name that its Lease could have',
      'give one: --lease-name NAME',
    );
  }
  const existing = serviceAccountOf(podSpec) ?? options.serviceAccount ?? undefined;
  // One of a kind in the namespace, as the Lease is: a Deployment and a CronJob may have one name.
  const roleName = `${named.leaseName}${ROLE_SUFFIX}`;
  if (existing === undefined && !dnsSubdomain.parse(roleName).ok) {
    const message = `its Lease has a name of ${named.leaseName.length} characters, behind which ${ROLE_SUFFIX} has no room: no service account can be called so`;
    const lengthMax = SUBDOMAIN_LENGTH_MAX - ROLE_SUFFIX.length;
    const remedy = `use up to ${lengthMax} characters (--lease-name NAME), or a service account of yours (--service-account NAME)`;
    throw new Refused('LEASE_NAME_LONG', manifest.start, message, remedy);
  }
  return {
    subject: manifest.subject,
    namespace,
    ...named,
    roleName,
    serviceAccount: existing ?? roleName,
    ownServiceAccount: existing === undefined,
  };
}

/** Null where the workload has no name to make it of. A pod that is its own is nothing that other pods could be of as well. */
function leaseOf(
  { apiGroup, kind, name }: Pick<Workload, 'apiGroup' | 'kind' | 'name'>,
  { leaseName, leaseNamePrefix }: InjectOptions,
): Pick<Election, 'leaseName' | 'leaseNameOf'> | null {
  if (leaseName !== null) return { leaseName, leaseNameOf: null };
  if (name === undefined) return null;
  if (leaseNamePrefix === null) return { leaseName: name, leaseNameOf: null };
  if (kind === 'Pod') return null;
  // The Lease is in the namespace of its workload, whichever that will be.
  const namespace = '';
  const workload = { apiGroup, kind, namespace, name };
  return {
    leaseName: workloadLeaseName(leaseNamePrefix, workload, namespace),
    leaseNameOf: formatWorkload(workload, namespace),
  };
}
