import { LEASE, NAMESPACE } from '../api-server.ts';
import type { Machine } from '../machine.ts';
import type { SeededRandom } from '../random.ts';
import type { World } from '../world.ts';
import type { Change, CoordinatedServer, StoredObject } from './server.ts';

export interface ControllerParts {
  readonly world: World;
  /** Its wall clock is what it judges by. */
  readonly machine: Machine;
  readonly server: CoordinatedServer;
  readonly random: SeededRandom;
  /** It followed a missing pointer: kube-apiserver is gone. */
  readonly onCrash: (why: string) => void;
}

type Candidate = { readonly object: StoredObject; readonly renewMs: number | null; readonly pingMs: number | null };

const ELECTION_MS = 5_000;
const REQUEUE_MS = 5_000;
const VALID_MS = 30 * 60_000;
const STRATEGY = 'OldestEmulationVersion';

/**
 * The controller that kube-apiserver runs with the gate CoordinatedLeaderElection, as it behaves in Kubernetes 1.36
 * (pkg/controlplane/controller/leaderelection): it looks at what its informers show, which lag; compares times that others
 * wrote with its own wall clock; and asks candidates whether they live before it chooses.
 */
export class Controller {
  readonly #parts: ControllerParts;
  readonly #candidates = new Map<string, StoredObject>();
  #lease: StoredObject | null = null;
  #queued = false;
  #working = false;
  #stalled = false;
  /** Informers tell in order. */
  #toldAtMs = 0;

  constructor(parts: ControllerParts) {
    this.#parts = parts;
    parts.server.onChange((change) => this.#hear(change));
  }

  /** It stands still for a while, as when another API server takes its place. */
  stall(forMs: number): void {
    this.#stalled = true;
    this.#parts.world.after(forMs, () => {
      this.#stalled = false;
      this.#queued = false;
      this.#enqueue();
    });
  }

  #hear(change: Change): void {
    const { world, random } = this.#parts;
    this.#toldAtMs = Math.max(this.#toldAtMs, world.nowMs + random.between(1, random.chance(0.05) ? 800 : 20));
    world.at(this.#toldAtMs, () => {
      const { name } = change.object.metadata;
      if (change.plural === 'leases') {
        if (name !== LEASE) return;
        this.#lease = change.type === 'DELETED' ? null : change.object;
        return this.#enqueue();
      }
      if (change.type === 'DELETED') this.#candidates.delete(name);
      else this.#candidates.set(name, change.object);
      const { renewMs, pingMs } = candidateOf(change.object);
      // One that was just asked is no news.
      if (pingMs === null || (renewMs ?? 0) >= pingMs) this.#enqueue();
    });
  }

  #enqueue(): void {
    if (this.#queued) return;
    this.#queued = true;
    this.#parts.world.after(this.#parts.random.between(0, 5), () => void this.#work());
  }

  async #work(): Promise<void> {
    if (this.#working || this.#stalled) return;
    this.#queued = false;
    this.#working = true;
    const again = await this.#reconcile();
    this.#working = false;
    if (again) this.#parts.world.after(REQUEUE_MS, () => this.#enqueue());
    if (this.#queued) void this.#work();
  }

  /** Whether to look again after a while. */
  async #reconcile(): Promise<boolean> {
    const candidates = this.#admissible();
    if (candidates.length === 0) return false;
    if (!this.#electionNeeded(candidates)) return true;
    const nowMs = this.#nowMs();
    let canVote = true;
    const pings: Candidate[] = [];
    for (const candidate of candidates) {
      const { renewMs, pingMs } = candidate;
      if (pingMs !== null && pingMs + ELECTION_MS > nowMs && renewMs !== null && renewMs < pingMs) {
        canVote = false;
        continue;
      }
      if (renewMs !== null && renewMs + ELECTION_MS > nowMs) continue;
      if (pingMs === null || (pingMs + ELECTION_MS < nowMs && (renewMs ?? 0) >= pingMs)) {
        pings.push(candidate);
        canVote = false;
      }
    }
    for (const { object } of pings) {
      await this.#latency();
      const spec = { ...object.spec, pingTime: microTime(nowMs) };
      if (this.#parts.server.replace('leasecandidates', { ...object, spec }, 'controller').status !== 200) return true;
    }
    if (!canVote) return true;
    const waits = candidates.some(
      ({ renewMs, pingMs }) => pingMs !== null && (renewMs ?? 0) < pingMs && pingMs + ELECTION_MS > nowMs,
    );
    if (waits) return false;
    const answered = candidates.filter(({ renewMs }) => renewMs! + ELECTION_MS > nowMs);
    const electee = this.#best(answered);
    return electee === null ? false : this.#elect(electee);
  }

  async #elect(electee: string): Promise<boolean> {
    const { server } = this.#parts;
    const chosen = () => ({
      strategy: STRATEGY,
      holderIdentity: electee,
      leaseDurationSeconds: 5,
      renewTime: microTime(this.#nowMs()),
    });
    await this.#latency();
    if (server.create('leases', { metadata: { name: LEASE }, spec: chosen() }, 'controller').status === 201)
      return true;
    await this.#latency();
    const existing = server.get('leases', LEASE);
    if (existing === null) return false;
    const { spec } = existing;
    const unheld = !spec.holderIdentity;
    const expired = this.#isExpired(existing);
    if (spec.holderIdentity === undefined) {
      this.#parts.onCrash('the Lease has no field for a holder');
      return false;
    }
    let next: Record<string, unknown> = { ...spec, strategy: STRATEGY };
    if (unheld || (expired && spec.holderIdentity !== electee)) {
      next = { ...next, ...chosen(), preferredHolder: null, acquireTime: null };
    } else if (spec.holderIdentity !== electee) {
      next = { ...next, preferredHolder: electee };
    }
    if (JSON.stringify(next) === JSON.stringify(spec)) return true;
    await this.#latency();
    return server.replace('leases', { ...existing, spec: next }, 'controller').status === 200;
  }

  #electionNeeded(candidates: readonly Candidate[]): boolean {
    const lease = this.#lease;
    if (lease === null || this.#isExpired(lease) || !lease.spec.holderIdentity) return true;
    const nowMs = this.#nowMs();
    if (candidates.some(({ renewMs }) => renewMs !== null && renewMs + VALID_MS / 2 < nowMs)) return true;
    return this.#best(candidates) !== lease.spec.holderIdentity;
  }

  /** The lowest version, then the oldest by whole seconds; of equals whichever the informer's map gives first. */
  #best(candidates: readonly Candidate[]): string | null {
    let best: StoredObject | null = null;
    for (const { object } of this.#shuffled(candidates)) if (best === null || rank(best, object) > 0) best = object;
    return best?.metadata.name ?? null;
  }

  #admissible(): Candidate[] {
    const nowMs = this.#nowMs();
    return [...this.#candidates.values()]
      .map(candidateOf)
      .filter(({ renewMs }) => renewMs !== null && renewMs + VALID_MS >= nowMs);
  }

  #shuffled<Item>(items: readonly Item[]): Item[] {
    const { random } = this.#parts;
    return items
      .map((item) => ({ item, at: random.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item);
  }

  #isExpired({ spec }: StoredObject): boolean {
    const { renewTime, leaseDurationSeconds } = spec;
    if (renewTime === undefined || leaseDurationSeconds === undefined) return true;
    return Date.parse(String(renewTime)) + Number(leaseDurationSeconds) * 1_000 < this.#nowMs();
  }

  /** Its clock is finer than the times that it reads: no two are ever equal. */
  #nowMs(): number {
    return this.#parts.machine.now().wallMs + 0.5;
  }

  #latency(): Promise<void> {
    const { world, random } = this.#parts;
    return new Promise((resolve) => {
      world.after(random.between(0.5, 10), () => {
        world.stirred = true;
        resolve();
      });
    });
  }
}

/** Negative where `a` is better. */
export function rank(a: StoredObject, b: StoredObject): number {
  const versions = majorOf(a) - majorOf(b);
  if (versions !== 0) return versions;
  return a.metadata.creationTimestamp > b.metadata.creationTimestamp ? 1 : -1;
}

/** Histories know major versions only. */
export function majorOf({ spec }: Pick<StoredObject, 'spec'>): number {
  return Number.parseInt(String(spec.binaryVersion), 10);
}

function candidateOf(object: StoredObject): Candidate {
  const timeOf = (field: string) => (object.spec[field] === undefined ? null : Date.parse(String(object.spec[field])));
  return { object, renewMs: timeOf('renewTime'), pingMs: timeOf('pingTime') };
}

function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace('Z', '000Z');
}

export { NAMESPACE };
