import type { Owning } from '../naming/owning-workload.ts';
import type { PublisherName } from '../ports/publish-metrics.ts';

/** What the options of `leasegate run` ask for, as far as the cluster has to play along. */
export interface Plan {
  readonly lease: { readonly namespace: string; readonly name: string };
  /** Where the name was made of a prefix: of which workload, and what was read to find that. Null where it was told. */
  readonly derived: Omit<Extract<Owning, { kind: 'found' }>, 'kind'> | null;
  /** Names of those that are elected on beside it, in the same namespace. */
  readonly furtherLeases: readonly string[];
  /** Where the Lease's namespace was found: `POD_NAMESPACE`, say. */
  readonly namespaceFrom: string;
  /** Null where nobody said which pod this is. */
  readonly pod: {
    readonly name: string;
    readonly uid: string | null;
    readonly from: '--pod' | 'POD_NAME';
  } | null;
  /** Of the pods. */
  readonly podNamespace: string;
  /** Whose rights are asked for, where it was said: a service account in the pods' namespace. */
  readonly serviceAccount: string | null;
  /** Variables of the downward API that this pod was not given; empty outside a pod. */
  readonly envMissing: readonly string[];
  /** What a pod's `terminationGracePeriodSeconds` has to hold. */
  readonly graceMsMin: number;
  readonly timings: {
    readonly leaseDurationMs: number;
    readonly renewDeadlineMs: number;
    readonly renewIntervalMs: number;
  };
  readonly publishers: readonly PublisherName[];
  /** Whether each replica keeps a Lease of its own as a heartbeat. */
  readonly members: boolean;
  /** Whether the API server is to choose who leads. */
  readonly coordinated: boolean;
  /** Null where no EndpointSlice is published. */
  readonly slice: { readonly name: string; readonly service: string } | null;
  /** Value of the election's label on its pods. */
  readonly election: string;
  /** URL of the API server, without a name and password. */
  readonly server: string;
}
