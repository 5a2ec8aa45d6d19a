import type { PodObject } from './kubelet.ts';

/** One way by which a Service's endpoints follow the leader. */
export interface Way {
  /** As `LEASEGATE_PUBLISH` takes it. */
  readonly publish: 'label' | 'readiness-gate' | 'endpointslice';
  /** Of the Service; undefined: it has none. */
  readonly selector: Readonly<Record<string, string>> | undefined;
  readonly readinessGates: readonly { readonly conditionType: string }[];
  /** Whether a pod says of itself that it leads. */
  readonly saysLeader: (pod: PodObject) => boolean;
}

export const SERVICE = 'app';
const GATE = 'leasegate.dev/leader';
const ROLE = 'leasegate.dev/role';

export const WAYS: readonly Way[] = [
  {
    publish: 'label',
    selector: { app: 'app', [ROLE]: 'leader' },
    readinessGates: [],
    saysLeader: ({ metadata }) => metadata.labels?.[ROLE] === 'leader',
  },
  {
    publish: 'readiness-gate',
    selector: { app: 'app' },
    readinessGates: [{ conditionType: GATE }],
    saysLeader: ({ status }) =>
      status.conditions?.some(({ type, status }) => type === GATE && status === 'True') ?? false,
  },
  { publish: 'endpointslice', selector: undefined, readinessGates: [], saysLeader: () => false },
];
