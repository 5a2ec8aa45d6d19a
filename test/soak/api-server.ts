import type { SeededRandom } from '../sim/random.ts';
import type { ApiKind } from './plan.ts';

/** The API server of a soak, and what can befall it. */
export interface ApiServer {
  /** For print: what it is. */
  readonly name: string;
  readonly namespace: string;
  readonly leaseName: string;
  /** The process to measure; null when it is no part of the product. */
  readonly pid: number | null;
  /** Path of a kubeconfig with which this pod is known to it. */
  kubeconfigFor(podName: string): Promise<string>;
  /** Lets a fault last, and heals; resolves when it is over. */
  strike(fault: ApiStrike): Promise<void>;
  /** Requests so far. */
  requests(): Promise<number>;
  close(): Promise<void>;
}

export interface ApiStrike {
  readonly kind: ApiKind;
  readonly forMs: number;
  /** Whom `api-cut-off` cuts off. */
  readonly podName: string;
  readonly random: SeededRandom;
}
