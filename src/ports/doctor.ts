import type { Service } from './publisher.ts';

/**
 * What the doctor asks of the API server, and the parts of Kubernetes' objects that it looks at. It changes nothing.
 * Implemented in `src/kube`.
 */

export interface ReadingFailure {
  /** In kebab-case: `forbidden`, `unreachable` … */
  readonly code: string;
  /** The API server's own words, or the network's. */
  readonly message: string;
  /** What the operator can do, where that depends on more than the code. */
  readonly remedy: string | null;
}

/** What a request found; every outcome is a value. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: ReadingFailure };

/** How the API server introduces itself. */
export interface ServerReading {
  /** `v1.36.3`; null where the server does not tell everybody. */
  readonly version: Reading<string | null>;
  /** The answer's Date header, in milliseconds since the epoch: cut to whole seconds. Null without an answer, or one. */
  readonly dateWallMs: number | null;
  /** By the clock of this machine. */
  readonly sentWallMs: number;
  readonly receivedWallMs: number;
}

/** One action, in RBAC's words. */
export interface Access {
  readonly namespace: string;
  readonly verb: string;
  /** `''` is the core group. */
  readonly group: string;
  /** With a subresource: `pods/status`. */
  readonly resource: string;
  /** Left out where it is about no certain object. */
  readonly name?: string;
}

export interface ServiceAccount {
  readonly namespace: string;
  readonly name: string;
}

interface Meta {
  readonly name: string;
  readonly uid: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly controller?: boolean;
  }[];
}

/** A Lease as it is stored, by whomever. */
export interface StoredLease {
  readonly metadata: Meta & {
    readonly managedFields?: readonly {
      readonly operation?: string;
      readonly fieldsV1?: { readonly 'f:spec'?: object };
    }[];
  };
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
    readonly strategy?: string;
  };
}

export interface PodReading {
  readonly metadata: Meta;
  readonly spec?: {
    readonly readinessGates?: readonly { readonly conditionType: string }[];
    readonly serviceAccountName?: string;
    readonly terminationGracePeriodSeconds?: number;
  };
}

export interface ServiceAccountReading {
  readonly metadata: Meta;
}

/** Of the API group `apps`. */
export const WORKLOAD_KINDS = ['ReplicaSet', 'Deployment', 'StatefulSet'] as const;
export type WorkloadKind = (typeof WORKLOAD_KINDS)[number];

/** What makes pods, and replaces them. */
export interface Workload {
  readonly metadata: Meta;
  readonly spec?: {
    readonly replicas?: number;
    /** Of a Deployment. */
    readonly strategy?: {
      readonly type?: string;
      readonly rollingUpdate?: { readonly maxUnavailable?: number | string; readonly maxSurge?: number | string };
    };
    /** Of a Deployment. */
    readonly progressDeadlineSeconds?: number;
    /** Of a StatefulSet. */
    readonly podManagementPolicy?: string;
    readonly updateStrategy?: {
      readonly type?: string;
      readonly rollingUpdate?: { readonly maxUnavailable?: number | string };
    };
  };
}

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

export interface DisruptionBudget {
  readonly metadata: Meta;
  readonly spec?: {
    readonly selector?: LabelSelector;
    readonly minAvailable?: number | string;
    readonly maxUnavailable?: number | string;
    readonly unhealthyPodEvictionPolicy?: string;
  };
}

/** Null stands for an object that is not there. */
export interface ClusterReadings {
  server(): Promise<ServerReading>;
  /** The user name that the API server knows the caller by. */
  user(): Promise<Reading<string>>;
  /** When the caller's token ends, by itself; null where there is none that says so. */
  tokenExpiresWallMs(): Promise<number | null>;
  /** Whether it is allowed to a service account; null: to the caller. */
  allowed(access: Access, serviceAccount: ServiceAccount | null): Promise<Reading<boolean>>;
  namespaceExists(name: string): Promise<Reading<boolean>>;
  lease(namespace: string, name: string): Promise<Reading<StoredLease | null>>;
  pod(namespace: string, name: string): Promise<Reading<PodReading | null>>;
  serviceAccount(account: ServiceAccount): Promise<Reading<ServiceAccountReading | null>>;
  service(namespace: string, name: string): Promise<Reading<Service | null>>;
  workload(namespace: string, kind: WorkloadKind, name: string): Promise<Reading<Workload | null>>;
  /** Whether a ValidatingAdmissionPolicyBinding of this name is there. */
  admissionPolicyBound(name: string): Promise<Reading<boolean>>;
  disruptionBudgets(namespace: string): Promise<Reading<readonly DisruptionBudget[]>>;
  /** Version of LeaseCandidate that is served; null: none. */
  candidateApi(): Promise<Reading<string | null>>;
  /** Whether the controller of coordinated elections has left its Lease. */
  electionController(): Promise<Reading<boolean>>;
}
