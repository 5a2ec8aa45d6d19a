import type { Replica, Timings } from '../cluster/replica/replica.ts';
import type { Scene, StartOptions } from '../cluster/replica/scene.ts';

/** A way in which machines, networks and API servers fail, as the suite strikes with it again and again. */
export interface Fault {
  /** As in the table: `SIGSTOP of the leader, then SIGCONT`. */
  readonly name: string;
  /**
   * Who feels it. `scene`: only the replicas of its own scene, so that another scene may play at the same time;
   * `control-plane`: whoever uses the API server; `machine`: everybody, as pressure on the CPU. The last two play alone.
   */
  readonly reach: 'scene' | 'control-plane' | 'machine';
  /** Default: BRISK (5 s, 3 s, 500 ms). */
  readonly timings?: Timings;
  /** Strikes for each trial asked for; default 1. More for quick ones that are meant as a loop. */
  readonly strikesPerTrial?: number;
  /**
   * Since when the time to recover counts. `begin`: a healthy majority can act at once (the leader was paused or killed);
   * `end`: nobody can while it lasts (the API server is away).
   */
  readonly recoversFrom: 'begin' | 'end';
  /**
   * Time within which somebody must lead again, and without interruption from then on: what the product promises for these
   * timings, plus what a busy machine needs.
   */
  readonly recoversWithinMs: number;
  /** What the machine lacks for it; null when it may run. A suite that can't run it fails, unless told otherwise. */
  readonly missing?: () => Promise<string | null>;
  /** Once per scene, before its replicas start. What it opens it closes by `stage.defer`. */
  readonly prepare: (stage: Stage) => Promise<Setting>;
}

/** A scene made ready for one fault. */
export interface Setting {
  /** How each of the replicas (0, 1, 2) is started, also when it is restarted. Default: plainly. */
  readonly start?: (index: number) => StartOptions;
  /**
   * One strike: hurts, lasts, heals; resolves when the fault is over. Somebody leads when it is called, and all replicas
   * run; they must run again when it resolves.
   */
  readonly strike: () => Promise<void>;
}

/** Where a fault strikes. */
export interface Stage {
  /** The election: API (`scene.controlPlane.admin`), Lease, Role, tokens, `replicas` (those that ended included). */
  readonly scene: Scene;
  /** Who said in its last answer that it leads. Throws when nobody did. */
  leader(): Replica;
  /** Those that run and whose last answer says that they do not lead. */
  standbys(): Replica[];
  /** Those that run, in the order of their index. */
  running(): Replica[];
  /** Starts a replica's successor in the same pod, with what its setting says; resolves when it listens. */
  restart(replica: Replica): Promise<Replica>;
  /** Waits until one other than `than` says that it leads, in answer to a question asked from now on. */
  untilAnotherLeads(than: Replica, timeoutMs?: number): Promise<Replica>;
  /** Lets the fault last. */
  lasting(ms: number): Promise<void>;
  /** Runs when the scene ends, whatever happened; last in, first out. */
  defer(undo: () => void | Promise<void>): void;
  /** To be called when etcd is about to start from older data: tokens go back, once. */
  restoring(): void;
  /** Writes a line into the history. */
  note(text: string): void;
}
