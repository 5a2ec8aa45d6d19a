import type {
  Access,
  ClusterReadings,
  DisruptionBudget,
  PodReading,
  Reading,
  ReadingFailure,
  ServerReading,
  ServiceAccount,
  ServiceAccountReading,
  StoredLease,
  Workload,
} from '../ports/doctor.ts';
import type { Service } from '../ports/publisher.ts';
import type { Plan } from './plan.ts';

export const NOW_MS = Date.parse('2026-01-01T00:00:00Z');
const REPLICA = 'system:serviceaccount:shop:web';

export const found = <T>(value: T): Reading<T> => ({ ok: true, value });
export const failed = (code: string, message = `it is ${code}`, remedy: string | null = null): Reading<never> => {
  const failure: ReadingFailure = { code, message, remedy };
  return { ok: false, failure };
};

/** A cluster in which all is well for {@link plan}; tests break what they are about. */
export class TestCluster implements ClusterReadings {
  serverReading: ServerReading = {
    version: found('v1.36.2'),
    dateWallMs: NOW_MS,
    sentWallMs: NOW_MS + 10,
    receivedWallMs: NOW_MS + 20,
  };
  userReading: Reading<string> = found(REPLICA);
  tokenExpires: number | null = null;
  /** What may not be done, as `verb resource` or `verb resource/name`; `*` for all. */
  denied: string[] = [];
  reviewFailure: Reading<never> | null = null;
  namespaceReading: Reading<boolean> = failed('forbidden');
  /** The last one is repeated. */
  leases: Reading<StoredLease | null>[] = [found(leaseOf({}))];
  /** By name. */
  furtherLeases: Record<string, Reading<StoredLease | null>> = {};
  podReading: Reading<PodReading | null> = found(podOf({}));
  serviceAccountReading: Reading<ServiceAccountReading | null> = found(accountOf({}));
  serviceReading: Reading<Service | null> = found(serviceOf({ ports: [{ port: 80 }] }));
  workloads: Record<string, Reading<Workload | null>> = {};
  policyReading: Reading<boolean> = found(true);
  candidateVersion: Reading<string | null> = found('v1beta1');
  controllerReading: Reading<boolean> = found(true);
  budgets: Reading<readonly DisruptionBudget[]> = found([]);
  readonly asked: { readonly access: Access; readonly serviceAccount: ServiceAccount | null }[] = [];

  server = async () => this.serverReading;
  user = async () => this.userReading;
  tokenExpiresWallMs = async () => this.tokenExpires;
  namespaceExists = async () => this.namespaceReading;
  lease = async (_namespace: string, name: string) => {
    const further = this.furtherLeases[name];
    if (further !== undefined) return further;
    return this.leases.length > 1 ? this.leases.shift()! : this.leases[0]!;
  };
  pod = async () => this.podReading;
  serviceAccount = async () => this.serviceAccountReading;
  service = async () => this.serviceReading;
  workload = async (_namespace: string, kind: string, name: string) => this.workloads[`${kind}/${name}`] ?? found(null);
  admissionPolicyBound = async () => this.policyReading;
  disruptionBudgets = async () => this.budgets;
  candidateApi = async () => this.candidateVersion;
  electionController = async () => this.controllerReading;

  async allowed(access: Access, serviceAccount: ServiceAccount | null): Promise<Reading<boolean>> {
    this.asked.push({ access, serviceAccount });
    const { verb, resource, name } = access;
    const asked = [`${verb} ${resource}`, `${verb} ${resource} ${name}`, '*'];
    return this.reviewFailure ?? found(!this.denied.some((each) => asked.includes(each)));
  }

  /** A Deployment with a ReplicaSet and this pod; only the leader is ever Ready. */
  deploy(spec: Workload['spec'], kind: 'Deployment' | 'StatefulSet' = 'Deployment'): void {
    const gates = { readinessGates: [{ conditionType: 'leasegate.dev/leader' }] };
    const owner = kind === 'Deployment' ? 'ReplicaSet' : kind;
    this.podReading = found(podOf(gates, { ownerReferences: [ownerOf(owner)] }));
    const ownerReferences = [ownerOf('Deployment')];
    this.workloads = {
      'ReplicaSet/web': found({ metadata: { ...meta('web'), ownerReferences }, spec: { replicas: 3 } }),
      [`${kind}/web`]: found({ metadata: meta('web'), ...(spec && { spec }) }),
    };
  }
}

export const ownerOf = (kind: string, apiVersion = 'apps/v1') => ({ apiVersion, kind, name: 'web', controller: true });

const meta = (name: string) => ({ name, uid: `uid-${name}` });

export function leaseOf(
  spec: StoredLease['spec'] | null,
  metadata: Partial<StoredLease['metadata']> = {},
): StoredLease {
  const held = {
    holderIdentity: 'web-1_uid-1_a1b2',
    leaseDurationSeconds: 15,
    acquireTime: '2025-12-31T23:00:00.000000Z',
    renewTime: '2025-12-31T23:59:59.000000Z',
  };
  return { metadata: { ...meta('web'), ...metadata }, ...(spec !== null && { spec: { ...held, ...spec } }) };
}

export function podOf(spec: PodReading['spec'], metadata: Partial<PodReading['metadata']> = {}): PodReading {
  return {
    metadata: { ...meta('web-0'), labels: { app: 'web' }, ...metadata },
    spec: { serviceAccountName: 'web', ...spec },
  };
}

export function accountOf(
  labels: Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>> = {},
): ServiceAccountReading {
  return { metadata: { ...meta('web'), labels, annotations } };
}

export function serviceOf(spec: Service['spec']): Service {
  return { metadata: { ...meta('web-leader'), resourceVersion: '1' }, ...(spec && { spec }) };
}

export function budgetOf(name: string, spec: DisruptionBudget['spec']): DisruptionBudget {
  return { metadata: meta(name), spec: { selector: { matchLabels: { app: 'web' } }, ...spec } };
}

/** What a replica in a pod asks for that publishes nothing. */
export const plan: Plan = {
  lease: { namespace: 'shop', name: 'web' },
  derived: null,
  namespaceFrom: 'POD_NAMESPACE',
  pod: { name: 'web-0', uid: 'uid-web-0', from: 'POD_NAME' },
  podNamespace: 'shop',
  serviceAccount: null,
  envMissing: [],
  graceMsMin: 10_000,
  timings: { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, renewIntervalMs: 2_000 },
  publishers: [],
  members: false,
  furtherLeases: [],
  coordinated: false,
  slice: null,
  election: 'web',
  server: 'https://10.0.0.1:443',
};
