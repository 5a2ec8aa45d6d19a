import { expect } from 'vitest';
import type { KubeRequest } from '../../../src/kube/transport.ts';
import { until } from '../replica/until.ts';
import { LibraryMember, type LibraryMemberOptions } from './library-member.ts';

/** Which of the two is let through first. */
const ORDERS = ['renewed-before-reading', 'renewed-after-reading', 'at-once', 'at-once', 'deleted-first'] as const;

export interface Trial {
  readonly order: (typeof ORDERS)[number];
  /** Status of the owner's renewal. */
  readonly renewal: number;
  /** Status of the deletion; null when none was sent. */
  readonly deletion: number | null;
}

/** A member whose heartbeats can be held up on their way, as if it had been stopped. */
export class RacedOwner {
  readonly member: LibraryMember;
  #release: (() => void) | null = null;
  readonly #renewed = Promise.withResolvers<number>();
  #holds = false;

  static async start(options: LibraryMemberOptions): Promise<RacedOwner> {
    return new RacedOwner(await LibraryMember.start(options));
  }

  private constructor(member: LibraryMember) {
    this.member = member;
    member.gate.before = (request) => this.#before(request);
    member.gate.after = ({ method }, { status }) => {
      if (method === 'PUT' && this.held) this.#renewed.resolve(status);
    };
  }

  get held(): boolean {
    return this.#release !== null;
  }

  /** Its next heartbeat does not get to the API server before {@link release}. */
  hold(): void {
    this.#holds = true;
  }

  /** Lets the heartbeat go. Resolves with what it was answered. */
  release(): Promise<number> {
    this.#release?.();
    return this.#renewed.promise;
  }

  #before({ method, path }: KubeRequest): Promise<void> | null {
    // It leaves collecting to the one that it is raced with.
    if (method === 'GET' && nameIn(path).startsWith('app-') && nameIn(path) !== this.member.leaseName) {
      return new Promise(() => {});
    }
    if (method !== 'PUT' || !this.#holds || this.held) return null;
    const released = Promise.withResolvers<void>();
    this.#release = released.resolve;
    return released.promise;
  }
}

/**
 * Holds up the heartbeat of each owner until `collector` is about to delete its Lease, then lets the two go in one order or
 * another, or at once.
 */
export async function raceCollection(collector: LibraryMember, owners: readonly RacedOwner[]): Promise<Trial[]> {
  const racing = new Map(
    owners.map((owner, index) => [owner.member.leaseName, { owner, order: ORDERS[index % ORDERS.length]! }]),
  );
  const trials: Promise<Trial>[] = [];
  const deletions = new Map<string, PromiseWithResolvers<number>>();
  /** Deletions of Leases whose owners have renewed already. */
  const strays: string[] = [];
  const { gate } = collector;
  gate.after = ({ method, path }, { status }) => {
    if (method === 'DELETE') deletions.get(nameIn(path))?.resolve(status);
  };
  gate.before = ({ method, path }) => {
    const name = nameIn(path);
    const race = racing.get(name);
    if (race === undefined) {
      if (method === 'DELETE') strays.push(name);
      return null;
    }
    const { owner, order } = race;
    if (method === 'GET' && order === 'renewed-before-reading') {
      racing.delete(name);
      const renewed = owner.release();
      trials.push(renewed.then((renewal) => ({ order, renewal, deletion: null })));
      return renewed.then(() => {});
    }
    if (method !== 'DELETE') return null;
    racing.delete(name);
    const deleted = Promise.withResolvers<number>();
    deletions.set(name, deleted);
    const renewed = order === 'deleted-first' ? deleted.promise.then(() => owner.release()) : owner.release();
    trials.push(Promise.all([renewed, deleted.promise]).then(([renewal, deletion]) => ({ order, renewal, deletion })));
    return order === 'renewed-after-reading' ? renewed.then(() => {}) : null;
  };
  for (const owner of owners) owner.hold();
  await until('all are held up', 10_000, () => owners.every(({ held }) => held));
  await until('all were about to be collected', 60_000, () => trials.length === owners.length);
  const done = await Promise.all(trials);
  expect([racing.size, strays]).toEqual([0, []]);
  return done;
}

function nameIn(path: string): string {
  return path.split('/').at(-1)!.split('?')[0]!;
}
