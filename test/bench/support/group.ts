import { setTimeout as sleep } from 'node:timers/promises';
import type { Account, BenchCluster } from './bench-cluster.ts';
import { monotonicMs, wallMsOf, wallOffsetMs } from './clocks.ts';
import type { HandOver } from './hand-over-phases.ts';
import type { Replica, ReplicaSetup } from './replica.ts';

const replicaCount = 3;
const handOverTimeoutMs = 60_000;
/** A renewal that was under way when its sender was killed is in the record by then. */
const lastWriteMs = 500;

/** Replicas that campaign for one Lease. */
export class Group {
  readonly #cluster: BenchCluster;
  readonly #lease: string;
  readonly #startReplica: (setup: ReplicaSetup) => Promise<Replica>;
  readonly #accounts: Account[] = [];
  readonly #replicas: Replica[] = [];
  #starts = 0;
  #leader: Replica | null = null;
  #onLeading: (replica: Replica, atMs: number) => void = () => {};

  constructor(cluster: BenchCluster, lease: string, startReplica: (setup: ReplicaSetup) => Promise<Replica>) {
    this.#cluster = cluster;
    this.#lease = lease;
    this.#startReplica = startReplica;
  }

  /** Resolves when one leads and the others know it. */
  async start(): Promise<void> {
    await this.#cluster.createLease(this.#lease);
    for (let slot = 0; slot < replicaCount; slot++) {
      this.#accounts.push(await this.#cluster.account(`${this.#lease}-${slot}`));
      this.#replicas.push(await this.#startIn(slot));
    }
  }

  /** Resolves when another replica leads, and for a crash not before the record's last state has been read. */
  async endLeader(signal: 'SIGTERM' | 'SIGKILL'): Promise<HandOver & { readonly expiryAtMs: number }> {
    const predecessor = this.#leader;
    if (predecessor === null) throw new Error(`nobody leads ${this.#lease}`);
    const successor = this.#nextLeader(predecessor);
    const offsetMs = wallOffsetMs();
    const signalAtMs = monotonicMs();
    predecessor.process.kill(signal);
    const expiry = signal === 'SIGKILL' ? this.#expiryWallMs(predecessor) : Promise.resolve(Number.NaN);
    const [next, expiryWallMs] = await Promise.all([successor, expiry]);
    return {
      predecessor,
      successor: next.replica,
      signalAtMs,
      leadingAtMs: next.atMs,
      wallOffsetMs: offsetMs,
      expiryAtMs: expiryWallMs - offsetMs,
    };
  }

  /** Starts a replica, of a new pod, in the place of one that has ended or is ending. */
  async replace(replica: Replica): Promise<void> {
    await replica.process.stop();
    const slot = this.#replicas.indexOf(replica);
    this.#replicas[slot] = await this.#startIn(slot);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#replicas.map(({ process }) => process.stop()));
  }

  async #startIn(slot: number): Promise<Replica> {
    const account = this.#accounts[slot]!;
    const name = `${this.#lease}-${slot}-${this.#starts++}`;
    const replica = await this.#startReplica({ cluster: this.#cluster, lease: this.#lease, name, account });
    await replica.untilListening();
    await replica.follow((atMs) => {
      this.#leader = replica;
      this.#onLeading(replica, atMs);
    });
    await replica.untilSettled();
    return replica;
  }

  #nextLeader(predecessor: Replica): Promise<{ replica: Replica; atMs: number }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ replica: Replica; atMs: number }>();
    const timeout = setTimeout(() => reject(new Error(`nobody took ${this.#lease} over`)), handOverTimeoutMs);
    this.#onLeading = (replica, atMs) => {
      if (replica === predecessor) return;
      clearTimeout(timeout);
      resolve({ replica, atMs });
    };
    return promise;
  }

  async #expiryWallMs(predecessor: Replica): Promise<number> {
    await sleep(lastWriteMs);
    const { holderIdentity, renewTime, leaseDurationSeconds } = await this.#cluster.leaseSpec(this.#lease);
    if (
      !holderIdentity?.startsWith(predecessor.name) ||
      renewTime === undefined ||
      leaseDurationSeconds === undefined
    ) {
      throw new Error(`${this.#lease} is held by ${holderIdentity}, not by the crashed ${predecessor.name}`);
    }
    return wallMsOf(renewTime) + leaseDurationSeconds * 1_000;
  }
}
