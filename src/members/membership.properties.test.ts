import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FakeLeases, MemberReplica } from './leases.fixture.ts';

const DURATION_MS = 40_000;
const INTERVAL_MS_MAX = 10_400;
const LATENCY_MS = 30;
/** The first is never killed: somebody has to be there to collect. The last is never harmed. */
const PODS = ['witness', 'a', 'b', 'c', 'healthy'];

type Fault = { readonly kind: 'crash' | 'start' | 'cut' | 'heal' | 'freeze' | 'thaw'; readonly pod: string };

const pods = fc.constantFrom(...PODS.slice(1, -1));
const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ kind: fc.constantFrom('crash', 'start'), pod: pods }),
  fc.record({ kind: fc.constantFrom('cut', 'heal', 'freeze', 'thaw'), pod: fc.constantFrom(...PODS.slice(0, -1)) }),
);
const story = fc.array(fc.tuple(fault, fc.integer({ min: 1, max: 90_000 })), { maxLength: 20 });

/** Processes of some pods, of which some harm comes. More than one may live in a pod. */
class Group {
  readonly leases = new FakeLeases();
  readonly #processes = new Map<string, MemberReplica[]>(PODS.map((pod) => [pod, []]));
  readonly #random: () => number;

  constructor(seed: number) {
    let state = (seed % 2_147_483_646) + 1;
    this.#random = () => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    this.leases.latencyMs = LATENCY_MS;
    for (const pod of PODS) this.suffer({ kind: 'start', pod });
  }

  suffer({ kind, pod }: Fault): void {
    const processes = this.#processes.get(pod)!;
    switch (kind) {
      case 'crash':
        for (const process of processes.splice(0)) this.leases.crash(process);
        return;
      case 'start':
        if (processes.length < 3) processes.push(new MemberReplica(this.leases, pod, this.#random));
        return;
      case 'cut':
        return void this.leases.cutOff.add(pod);
      case 'heal':
        return this.leases.reconnect(pod);
      case 'freeze':
        for (const { process } of processes) process.freeze();
        return;
      case 'thaw':
        for (const { process } of processes) process.thaw();
        return;
    }
  }

  healAll(): void {
    for (const pod of PODS) {
      this.suffer({ kind: 'thaw', pod });
      this.suffer({ kind: 'heal', pod });
    }
  }

  get living(): string[] {
    return PODS.filter((pod) => this.#processes.get(pod)!.length > 0).toSorted();
  }

  get witness(): MemberReplica {
    return this.#processes.get('witness')![0]!;
  }

  /** Longest time between two writes of the Lease of a pod that nothing happened to. */
  get longestGapMs(): number {
    const { leaseName } = this.#processes.get('healthy')![0]!;
    const times = this.leases.writtenAtMs.get(leaseName)!;
    return Math.max(...times.slice(1).map((time, index) => time - times[index]!));
  }
}

test('whatever happens, no living Lease is collected, every dead one is, and who is well never misses a heartbeat', async () => {
  await fc.assert(
    fc.asyncProperty(story, fc.nat(), async (faults, seed) => {
      const group = new Group(seed);
      const { leases } = group;
      await leases.time.pass(20_000);
      for (const [each, waitMs] of faults) {
        group.suffer(each);
        await leases.time.pass(waitMs);
      }
      group.healAll();
      // Lost after a duration of listening, collected after three more at most; a quarrel of two takes one to settle.
      await leases.time.pass(DURATION_MS * 6);

      for (const afterMs of leases.deletedAfterMs) expect(afterMs).toBeGreaterThanOrEqual(DURATION_MS);
      expect(group.longestGapMs).toBeLessThanOrEqual(INTERVAL_MS_MAX + 2 * LATENCY_MS);
      expect([...leases.stored.values()].map(({ profile }) => profile.pod).toSorted()).toEqual(group.living);
      expect(group.witness.alive().toSorted()).toEqual(group.living);
    }),
    { numRuns: 40 },
  );
}, 60_000);
