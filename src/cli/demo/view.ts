import type { Tone } from './line.ts';

export type ReplicaState =
  | { readonly kind: 'starting' | 'leader' | 'standby' | 'frozen' | 'silent' }
  /** The process is gone; `how` says why: `killed (SIGKILL)`. */
  | { readonly kind: 'ended'; readonly how: string };

export interface ReplicaView {
  readonly name: string;
  readonly pid: number | null;
  readonly url: string | null;
  readonly state: ReplicaState;
  /** The API server does not answer it. */
  readonly cutOff: boolean;
  /** What the API server counted, by verb. */
  readonly requestsPerSecond: Readonly<Record<string, number>>;
}

export interface LeaderView {
  readonly name: string;
  readonly token: string;
  readonly sinceWallMs: number;
  /** What is left of its own deadline; it stops by itself at 0. */
  readonly validForMs: number;
  /** Stopped by a signal: it does nothing, but what it promised last still binds it. */
  readonly frozen: boolean;
}

export interface LeaseView {
  /** Pod of the holder; null when the Lease is free. */
  readonly holder: string | null;
  /** What is left until the others may take it; 0 when they may now. */
  readonly expiresInMs: number;
}

export interface JournalEntry {
  readonly atWallMs: number;
  readonly text: string;
  readonly tone: Tone;
}

/** All that the live view shows, at one moment. */
export interface DemoView {
  readonly nowWallMs: number;
  readonly leader: LeaderView | null;
  readonly lease: LeaseView;
  readonly replicas: readonly ReplicaView[];
  /** Index of the replica that the keys act on. */
  readonly selected: number;
  /** Oldest first. */
  readonly journal: readonly JournalEntry[];
  /** Who led at the same time, if that was ever seen. */
  readonly conflict: string | null;
}
