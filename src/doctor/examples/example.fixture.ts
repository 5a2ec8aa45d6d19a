import { failed, found, leaseOf, NOW_MS, type TestCluster } from '../cluster.fixture.ts';
import type { FindingCode, Level } from '../finding.ts';
import type { judgeUnnamed } from '../lease-name.ts';
import type { Plan } from '../plan.ts';

/** One thing that may be wrong (or well), and what is said of it. */
export interface Example {
  readonly claim: string;
  readonly arrange: (cluster: TestCluster) => void;
  readonly plan?: Partial<Plan>;
  /** The Lease has no name: why. */
  readonly unnamed?: Parameters<typeof judgeUnnamed>[0];
  readonly code: FindingCode;
  readonly level: Level;
  /** A part of the remedy; left out where there is none. */
  readonly remedy?: RegExp;
  readonly message?: RegExp;
  readonly rule?: string;
}

export const GATE = { readinessGates: [{ conditionType: 'leasegate.dev/leader' }] };
export const gated: Partial<Plan> = { publishers: ['readiness-gate'] };
export const slice = { name: 'web-leader.web', service: 'web-leader' };
export const sliced: Partial<Plan> = { publishers: ['endpointslice'], slice };

export const nothing = () => {};
export const having = (changes: Partial<TestCluster>) => (cluster: TestCluster) => {
  Object.assign(cluster, changes);
};
export const serving = (changes: Partial<TestCluster['serverReading']>) => (cluster: TestCluster) => {
  cluster.serverReading = { ...cluster.serverReading, ...changes };
};
export const lost = (code: string, message?: string) => serving({ version: failed(code, message), dateWallMs: null });
/** This machine's clock is ahead by so much. */
export const offBy = (ms: number) => serving({ dateWallMs: NOW_MS - ms });
export const without = (...denied: string[]) => {
  return (cluster: TestCluster) => void cluster.denied.push(...denied);
};
export const holding = (spec: Parameters<typeof leaseOf>[0], metadata: Parameters<typeof leaseOf>[1] = {}) => {
  return having({ leases: [found(leaseOf(spec, metadata))] });
};
