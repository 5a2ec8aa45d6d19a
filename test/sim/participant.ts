import type { Machine } from './machine.ts';
import type { SimTransport } from './network.ts';

/** One process that takes part in the election: a replica of ours, or a foreign elector. */
export interface Participant {
  /** Unique, also where two processes share an identity. */
  readonly process: string;
  readonly identity: string;
  readonly machine: Machine;
  readonly transport: SimTransport;
  start(): void;
  /** SIGTERM: gives up what it holds and ends. */
  terminate(): void;
  /** Whether somebody who needs a leader would find one here. */
  leads(): boolean;
}

/** For people: the pod, the beginning of what tells its starts apart, and which process it is where two share that. */
export function nameOf(process: string): string {
  const [identity = '', number] = process.split('#');
  const parts = identity.split('_');
  const start = parts.at(-1) ?? '';
  if (parts.length === 1) return identity || '(nobody)';
  return `${parts[0]}_${start.slice(0, 4)}${number === undefined ? '' : `#${number}`}`;
}
