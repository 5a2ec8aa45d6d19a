import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PublisherName } from '../ports/publish-metrics.ts';
import { FakeCluster, type Fault } from './cluster.fixture.ts';
import { PublishingReplica } from './replica.fixture.ts';

const NAMES = ['a', 'b', 'c'] as const;
const TERM_MS = 10_000;

/** What the network does to a request; writes may take effect long after their sender has given up, or was stopped. */
const fault = fc.oneof(
  { weight: 8, arbitrary: fc.constant(null) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 40_000 }).map((byMs): Fault => ({ kind: 'late', byMs })) },
  { weight: 1, arbitrary: fc.constant<Fault>({ kind: 'hangs' }) },
  { weight: 1, arbitrary: fc.constant<Fault>({ kind: 'lost' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('conflict', 'server-error').map((code): Fault => ({ kind: 'refused', code })),
  },
);

/** One term: whose it is, after how many requests of it the process is stopped if at all, and how it ends. */
const term = fc.record({
  who: fc.constantFrom(...NAMES),
  faults: fc.array(fault, { maxLength: 12 }),
  ledMs: fc.integer({ min: 0, max: 3_000 }),
  end: fc.constantFrom('hand-over', 'stop', 'stop-and-lose-at-once'),
  /** How long a stopped process is stopped: it may go on in a later term. */
  stoppedMs: fc.integer({ min: 1, max: 3 * TERM_MS }),
});

async function play(
  publishers: readonly PublisherName[],
  terms: readonly (typeof term extends fc.Arbitrary<infer T> ? T : never)[],
) {
  const cluster = new FakeCluster();
  for (const name of NAMES) cluster.addPod(name);
  const replicas = new Map(NAMES.map((name) => [name, new PublishingReplica(cluster, name, publishers)]));
  const wrong: string[] = [];
  const leaders = (says: (name: string) => boolean) => NAMES.filter(says).join(' and ');
  cluster.onChange = () => {
    const labelled = leaders((name) => cluster.roleOf(name) === 'leader');
    const gated = leaders((name) => cluster.gateOf(name) === 'True');
    for (const found of [labelled, gated, cluster.addresses.join(' and ')])
      if (found.includes(' and ')) wrong.push(found);
  };
  await cluster.time.pass(1_000);

  const stopped = new Set<string>();
  let expired: PublishingReplica | null = null;
  for (const { who, faults, ledMs, end, stoppedMs } of terms) {
    // A stopped process does not campaign.
    if (stopped.has(who)) continue;
    const replica = replicas.get(who)!;
    const script = [...faults];
    cluster.fault = ({ by, request }) => (by === who && !request.startsWith('watch') ? (script.shift() ?? null) : null);
    // Whoever takes a Lease over has seen whose it was; one that was freed has no name in it.
    if (expired !== null && expired !== replica) replica.follow(expired);
    expired = null;
    replica.lead(TERM_MS);
    for (const other of replicas.values()) if (other !== replica && !stopped.has(other.name)) other.follow(replica);
    await cluster.time.pass(ledMs);
    cluster.fault = () => null;
    if (end === 'hand-over') {
      let over = false;
      void replica.handOver().then(() => {
        over = true;
      });
      await cluster.time.pass(5_000, () => over);
      continue;
    }
    stopped.add(who);
    expired = replica;
    replica.process.freeze();
    cluster.time.after(stoppedMs + (end === 'stop' ? 0 : TERM_MS), () => {
      stopped.delete(who);
      // Timers and answers that have waited come first, or the runner's.
      if (end === 'stop') {
        replica.process.thaw();
        void replica.lose();
      } else replica.process.thaw(() => void replica.lose());
    });
    await cluster.time.pass(TERM_MS + 5_000);
  }
  await cluster.time.pass(120_000);
  return { wrong, cluster, replicas };
}

test.each<{ publishers: PublisherName[] }>([
  { publishers: ['label'] },
  { publishers: ['readiness-gate'] },
  { publishers: ['label', 'readiness-gate', 'endpointslice'] },
])('whatever is stopped, lost or late: never do two say that they lead ($publishers)', async ({ publishers }) => {
  await fc.assert(
    fc.asyncProperty(fc.array(term, { minLength: 1, maxLength: 6 }), async (terms) => {
      const { wrong } = await play(publishers, terms);
      expect(wrong).toEqual([]);
    }),
    { numRuns: 150 },
  );
});

test('when the trouble is over, the leader and nobody else says that it leads', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(term, { minLength: 1, maxLength: 4 }), fc.constantFrom(...NAMES), async (terms, who) => {
      const publishers = ['label', 'readiness-gate', 'endpointslice'] as const;
      const { cluster, replicas } = await play(publishers, terms);
      for (const name of NAMES) if (name !== who) replicas.get(name)!.follow(replicas.get(who)!);
      replicas.get(who)!.lead();
      await cluster.time.pass(1_000);
      expect(NAMES.filter((name) => cluster.roleOf(name) === 'leader')).toEqual([who]);
      expect(NAMES.filter((name) => cluster.gateOf(name) === 'True')).toEqual([who]);
      expect(cluster.addresses).toEqual([`10.0.0.${who.charCodeAt(0)}`]);
    }),
    { numRuns: 60 },
  );
});
