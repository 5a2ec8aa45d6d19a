import { beforeEach, describe, expect, test } from 'vitest';
import { settled } from '../../test/scenarios/support/virtual-time.ts';
import type { PublisherName } from '../ports/publish-metrics.ts';
import { type Asked, FakeCluster, type Fault, inElection } from './cluster.fixture.ts';
import { ELECTION_LABEL, GATE_CONDITION, ROLE_LABEL, TOKEN_ANNOTATION } from './names.ts';
import { PublishingReplica, RESYNC_MS } from './replica.fixture.ts';

/** What must be done within 100 ms on a busy machine, in requests of 4 ms. */
const SOON_MS = 40;

let cluster: FakeCluster;
beforeEach(() => {
  cluster = new FakeCluster();
});

function replicas(names: string, publishers: readonly PublisherName[] = ['label']): PublishingReplica[] {
  return [...names].map((name) => {
    if (!cluster.pods.has(name)) cluster.addPod(name);
    return new PublishingReplica(cluster, name, publishers);
  });
}
const pass = (ms: number) => cluster.time.pass(ms);
/** What becomes of requests that begin like this, until told otherwise. */
const whenever = (start: string, fault: Fault, by = '') => {
  cluster.fault = (asked: Asked) => (asked.request.startsWith(start) && asked.by.startsWith(by) ? fault : null);
};
const mended = () => {
  cluster.fault = () => null;
};

/** The three ways, with what each says of a pod. */
const WAYS: Record<PublisherName, (name: string) => string | undefined> = {
  label: (name) => cluster.roleOf(name),
  'readiness-gate': (name) => ({ True: 'leader', False: 'standby' })[cluster.gateOf(name) ?? ''],
  endpointslice: (name) => (cluster.addresses.includes(`10.0.0.${name.charCodeAt(0)}`) ? 'leader' : 'standby'),
};

describe.each(Object.keys(WAYS) as PublisherName[])('%s', (way) => {
  const says = WAYS[way];
  const writes = { label: 'patch pods ', 'readiness-gate': 'patch pods/status', endpointslice: 'patch endpointslices' };
  /** The other's hand makes the leader nobody. */
  const edit = () => {
    if (way === 'label') cluster.editPod('a', { metadata: { labels: { [ROLE_LABEL]: 'nobody' } } });
    else if (way === 'readiness-gate')
      cluster.editPod('a', { status: { conditions: [{ type: GATE_CONDITION, status: 'False' }] } });
    else cluster.editSlice({ endpoints: [] });
  };
  /** Two groups have been at work before: whatever there is to patch is there. */
  const begun = async (names = 'ab') => {
    const group = replicas(names, [way]);
    await pass(SOON_MS);
    group[0]!.lead();
    for (const other of group.slice(1)) other.follow(group[0]!);
    await pass(SOON_MS);
    return group as [PublishingReplica, PublishingReplica];
  };

  test('says of all that they are standbys at the start', async () => {
    cluster.addPod('a', inElection('leader'));
    cluster.editPod('a', { status: { conditions: [{ type: GATE_CONDITION, status: 'True' }] } });
    replicas('ab', [way]);
    await pass(SOON_MS);
    expect([says('a'), says('b')]).toEqual(['standby', 'standby']);
  });

  test('takes back what a process before this one in the same pod had said', async () => {
    const [a] = await begun();
    a.close();
    expect(says('a')).toBe('leader');
    replicas('a', [way]);
    await pass(SOON_MS);
    expect(says('a')).toBe('standby');
  });

  test('says who leads soon after the term began', async () => {
    await begun();
    expect([says('a'), says('b')]).toEqual(['leader', 'standby']);
  });

  test('takes it back before the Lease is free', async () => {
    const [a] = await begun();
    const handedOver = a.handOver();
    await settled();
    expect(says('a')).toBe('leader');
    await pass(SOON_MS);
    expect(says('a')).toBe('standby');
    await handedOver;
  });

  test('moves to the next leader when the last one is dead', async () => {
    const [a, b] = await begun();
    a.close();
    a.process.freeze();
    b.lead();
    await pass(SOON_MS);
    expect([says('a'), says('b')]).toEqual(['standby', 'leader']);
  });

  test('a standby asks nothing once it has said so', async () => {
    await begun();
    const sinceMs = cluster.time.nowMs;
    await pass(10 * RESYNC_MS);
    expect(cluster.requestsSince(sinceMs).filter((request) => request.startsWith('b'))).toEqual([]);
    expect(cluster.watches).toBe(1);
  });

  test("another's change is put right as soon as the watch tells of it", async () => {
    const [a] = await begun();
    await pass(1_000);
    edit();
    expect(says('a')).not.toBe('leader');
    await pass(SOON_MS);
    expect(says('a')).toBe('leader');
    expect(a.reasserted).toHaveBeenCalledExactlyOnceWith(way);
    expect(a.codes()).toContain('PUBLISH_REASSERTED');
  });

  test("another's change is put right within a resync where the watch is not permitted", async () => {
    whenever('watch', { kind: 'refused', code: 'forbidden' });
    const [a] = await begun();
    for (let ms = 0; ms < RESYNC_MS / 2; ms += 5_000) {
      a.renew();
      await pass(5_000);
    }
    edit();
    for (let ms = 0; ms < RESYNC_MS && says('a') !== 'leader'; ms += 5_000) {
      a.renew();
      await pass(5_000);
    }
    expect(says('a')).toBe('leader');
    expect(a.failed).toHaveBeenCalledWith(way, 'forbidden');
    expect(a.announced[0]).toContain('watch');
  });

  test('somebody who insists on another state is not raced', async () => {
    const [a] = await begun();
    const sinceMs = cluster.time.nowMs;
    for (let ms = 0; ms < 10_000; ms += 100) {
      a.renew();
      edit();
      await pass(100);
    }
    const written = cluster.requestsSince(sinceMs).filter((request) => request.startsWith(`a: ${writes[way]}`));
    expect(written.length).toBeGreaterThan(5);
    expect(written.length).toBeLessThan(15);
    expect(a.codes().filter((code) => code === 'PUBLISH_REASSERTED')).toHaveLength(1);
  });

  test.each(['forbidden', 'not-found', 'invalid', 'server-error'])(
    '%s: counted, told once, tried again, and mended by itself',
    async (code) => {
      const [a, b] = await begun();
      void a.lose();
      await pass(SOON_MS);
      whenever(writes[way], { kind: 'refused', code }, 'b');
      b.lead(60_000);
      await pass(20_000);
      expect(says('b')).toBe('standby');
      expect(b.failed).toHaveBeenCalledWith(way, code);
      expect(b.failed.mock.calls.length).toBeGreaterThan(4);
      expect(b.failed.mock.calls.length).toBeLessThan(40);
      expect(b.inEffect).toHaveBeenLastCalledWith(way, false);
      expect(b.codes().filter((line) => line === 'PUBLISH_FAILED')).toHaveLength(1);
      expect(b.announced).toHaveLength(code === 'server-error' ? 0 : 1);
      mended();
      await pass(13_000);
      expect(says('b')).toBe('leader');
      expect(b.inEffect).toHaveBeenLastCalledWith(way, true);
      expect(b.codes().filter((line) => line === 'PUBLISH_RECOVERED')).toHaveLength(1);
    },
  );

  test('a conflict is read anew and tried again at once', async () => {
    const [a, b] = await begun();
    a.process.freeze();
    let conflicts = 0;
    cluster.fault = ({ by, request }) =>
      by === 'b' && request.startsWith('patch') && ++conflicts <= 2 ? { kind: 'refused', code: 'conflict' } : null;
    b.lead();
    await pass(2 * SOON_MS);
    expect([says('a'), says('b')]).toEqual(['standby', 'leader']);
    expect(b.failed).toHaveBeenCalledWith(way, 'conflict');
    expect(b.codes()).not.toContain('PUBLISH_FAILED');
  });

  test('an API server that hangs holds up neither the end of a term for long nor the next one', async () => {
    const [a] = await begun();
    whenever('', { kind: 'hangs' });
    const startMs = cluster.time.nowMs;
    let endMs = Infinity;
    void a.handOver().then(() => {
      endMs = cluster.time.nowMs;
    });
    await pass(1_600);
    expect(endMs - startMs).toBeLessThanOrEqual(1_500);
    mended();
    a.lead();
    await pass(SOON_MS);
    expect(says('a')).toBe('leader');
  });

  test('the end of a term does not wait for what is refused', async () => {
    const [a] = await begun();
    whenever('patch', { kind: 'refused', code: 'forbidden' });
    const startMs = cluster.time.nowMs;
    let endMs = Infinity;
    void a.handOver().then(() => {
      endMs = cluster.time.nowMs;
    });
    await pass(1_600);
    expect(endMs - startMs).toBeLessThan(SOON_MS);
  });

  test('a leader that was stopped and goes on says no more that it leads', async () => {
    const [a, b] = await begun();
    await pass(1_000);
    edit();
    await pass(3);
    // In the middle of putting it right.
    a.process.freeze();
    await pass(15_000);
    b.lead();
    await pass(SOON_MS);
    expect([says('a'), says('b')]).toEqual(['standby', 'leader']);
    a.process.thaw(() => void a.lose());
    await pass(5_000);
    expect([says('a'), says('b')]).toEqual(['standby', 'leader']);
  });

  test('a write that takes effect only after another has begun to lead changes nothing', async () => {
    const [a, b] = await begun();
    void a.lose();
    await pass(SOON_MS);
    whenever('patch', { kind: 'late', byMs: 30_000 }, 'a');
    a.lead();
    b.follow(a);
    await pass(SOON_MS);
    a.process.freeze();
    await pass(15_000);
    mended();
    b.lead(60_000);
    await pass(SOON_MS);
    const said = new Set<string>();
    cluster.onChange = () => said.add(`${says('a')} and ${says('b')}`);
    await pass(30_000);
    cluster.onChange();
    expect([...said]).toEqual(['standby and leader']);
  });

  test('a write of a term that was given up changes nothing when it takes effect late', async () => {
    const [a] = await begun();
    void a.handOver();
    await pass(SOON_MS);
    whenever('patch', { kind: 'late', byMs: 3_000 });
    a.lead();
    await pass(SOON_MS);
    mended();
    void a.handOver();
    await pass(5_000);
    expect(says('a')).toBe('standby');
  });

  test('asks nothing after it was closed', async () => {
    const [a, b] = await begun();
    a.close();
    b.close();
    const sinceMs = cluster.time.nowMs;
    await pass(10 * RESYNC_MS);
    expect(cluster.requestsSince(sinceMs)).toEqual([]);
    expect(cluster.watches).toBe(0);
  });
});

describe('the label', () => {
  test('goes with the election that it speaks of and the token of the term', async () => {
    const [a] = replicas('a');
    const token = a!.lead();
    await pass(SOON_MS);
    expect(cluster.pods.get('a')?.metadata).toMatchObject({
      labels: inElection('leader'),
      annotations: { [TOKEN_ANNOTATION]: token },
    });
  });

  test("leaves another election's pods alone", async () => {
    cluster.addPod('x', { [ROLE_LABEL]: 'leader', [ELECTION_LABEL]: 'another' });
    const [a] = replicas('a');
    a!.lead();
    await pass(SOON_MS);
    expect([cluster.roleOf('x'), cluster.roleOf('a')]).toEqual(['leader', 'leader']);
  });

  test('of a last leader without the label of the election is found by its name', async () => {
    const [a, b] = replicas('ab');
    await pass(SOON_MS);
    cluster.editPod('a', { metadata: { labels: { [ROLE_LABEL]: 'leader', [ELECTION_LABEL]: null } } });
    b!.follow(a!);
    b!.lead();
    await pass(SOON_MS);
    expect([cluster.roleOf('a'), cluster.roleOf('b')]).toEqual(['standby', 'leader']);
  });

  test('is not given to a new leader before the last one’s is taken away', async () => {
    const [a, b] = replicas('ab');
    await pass(SOON_MS);
    a!.lead();
    b!.follow(a!);
    await pass(SOON_MS);
    a!.process.freeze();
    whenever('patch pods a', { kind: 'refused', code: 'forbidden' });
    b!.lead(60_000);
    await pass(10_000);
    expect([cluster.roleOf('a'), cluster.roleOf('b')]).toEqual(['leader', 'standby']);
    mended();
    await pass(13_000);
    expect([cluster.roleOf('a'), cluster.roleOf('b')]).toEqual(['standby', 'leader']);
  });

  test('a last leader’s pod that is gone keeps nobody waiting', async () => {
    const [a, b] = replicas('ab');
    await pass(SOON_MS);
    a!.lead();
    b!.follow(a!);
    await pass(SOON_MS);
    a!.process.freeze();
    cluster.removePod('a');
    b!.lead();
    await pass(SOON_MS);
    expect(cluster.roleOf('b')).toBe('leader');
  });

  test('that somebody gives to a standby is taken away by the leader', async () => {
    const [a] = replicas('ab');
    await pass(SOON_MS);
    a!.lead();
    await pass(1_100);
    cluster.editPod('b', { metadata: { labels: { [ROLE_LABEL]: 'leader' } } });
    await pass(SOON_MS);
    expect(cluster.roleOf('b')).toBe('standby');
  });

  test('of the election comes back when somebody takes it from the leader', async () => {
    const [a] = replicas('a');
    a!.lead();
    await pass(1_100);
    cluster.editPod('a', { metadata: { labels: { [ELECTION_LABEL]: null } } });
    await pass(SOON_MS);
    expect(cluster.pods.get('a')?.metadata.labels).toMatchObject(inElection('leader'));
  });
});

describe('the readiness gate', () => {
  test('has a reason, a message and the time of its last change', async () => {
    const [a] = replicas('a', ['readiness-gate']);
    await pass(SOON_MS);
    const gate = () => cluster.pods.get('a')?.status?.conditions?.find(({ type }) => type === GATE_CONDITION);
    expect(gate()).toEqual({
      type: GATE_CONDITION,
      status: 'False',
      reason: 'Standby',
      message: 'does not hold Lease shop/app',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    });
    await pass(10_000);
    const token = a!.lead();
    await pass(SOON_MS);
    expect(gate()).toEqual({
      type: GATE_CONDITION,
      status: 'True',
      reason: 'Leading',
      message: `holds Lease shop/app with fencing token ${token}`,
      lastTransitionTime: '2026-01-01T00:00:10Z',
    });
  });

  test('takes the readiness with it, also where no kubelet is left to do so', async () => {
    const [a, b] = replicas('ab', ['readiness-gate']);
    const ready = (name: string) => cluster.pods.get(name)?.status?.conditions?.find(({ type }) => type === 'Ready');
    const makeReady = (name: string) =>
      cluster.editPod(name, { status: { conditions: [{ type: 'Ready', status: 'True' }] } });
    await pass(SOON_MS);
    a!.lead();
    b!.follow(a!);
    await pass(SOON_MS);
    makeReady('a');
    a!.process.freeze();
    b!.lead();
    await pass(SOON_MS);
    expect(ready('a')).toEqual({
      type: 'Ready',
      status: 'False',
      reason: 'ReadinessGatesNotReady',
      message: 'this replica does not lead: readiness gate "leasegate.dev/leader" is closed',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    });
    makeReady('b');
    void b!.handOver();
    await pass(SOON_MS);
    expect(ready('b')?.status).toBe('False');
  });

  test('leaves the readiness of a pod without one alone', async () => {
    cluster.addPod('a', { gate: false });
    cluster.editPod('a', { status: { conditions: [{ type: 'Ready', status: 'True' }] } });
    replicas('a', ['readiness-gate']);
    await pass(SOON_MS);
    expect(cluster.gateOf('a')).toBe('False');
    expect(cluster.pods.get('a')?.status?.conditions).toContainEqual({ type: 'Ready', status: 'True' });
  });

  test('that the pod does not have is told of once, and asked after no more', async () => {
    cluster.addPod('a', { gate: false });
    const [a] = replicas('a', ['readiness-gate']);
    await pass(10 * RESYNC_MS);
    expect(a!.failed.mock.calls).toEqual([['readiness-gate', 'gate-missing']]);
    expect(a!.announced).toHaveLength(1);
    expect(cluster.asked).toHaveLength(3);
  });

  test('and the label do not stand in each other’s way', async () => {
    const [a, b] = replicas('ab', ['label', 'readiness-gate']);
    await pass(SOON_MS);
    a!.lead();
    b!.follow(a!);
    await pass(SOON_MS);
    a!.process.freeze();
    whenever('patch pods ', { kind: 'refused', code: 'forbidden' });
    b!.lead(60_000);
    await pass(SOON_MS);
    expect([cluster.gateOf('a'), cluster.gateOf('b')]).toEqual(['False', 'True']);
    expect(b!.failed.mock.calls.every(([publisher]) => publisher === 'label')).toBe(true);
    mended();
    await pass(1_000);
    expect([cluster.roleOf('a'), cluster.roleOf('b')]).toEqual(['standby', 'leader']);
    expect(b!.failed).not.toHaveBeenCalledWith('label', 'conflict');
  });
});

describe('the EndpointSlice', () => {
  const alone = async () => {
    const [a] = replicas('a', ['endpointslice']);
    await pass(SOON_MS);
    a!.lead(600_000);
    await pass(SOON_MS);
    return a!;
  };

  test('is made when there is none, with the Service’s ports', async () => {
    await alone();
    expect(cluster.slice).toMatchObject({
      metadata: {
        name: 'web.app',
        labels: { 'kubernetes.io/service-name': 'web', 'endpointslice.kubernetes.io/managed-by': 'leasegate.dev' },
        ownerReferences: [{ kind: 'Service', name: 'web', uid: 'uid-web' }],
      },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.97'], conditions: { ready: true }, targetRef: { kind: 'Pod', uid: 'uid-a' } }],
      ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    });
  });

  test('is made again when somebody deletes it', async () => {
    await alone();
    await pass(1_000);
    cluster.removeSlice();
    await pass(SOON_MS);
    expect(cluster.addresses).toEqual(['10.0.0.97']);
  });

  test('follows the Service’s ports within a resync', async () => {
    await alone();
    cluster.service = { ...cluster.service!, spec: { ports: [{ port: 81 }] } };
    await pass(RESYNC_MS);
    expect(cluster.slice?.ports).toEqual([{ name: '', protocol: 'TCP', port: 81 }]);
  });

  test.each([
    ['service-selector', { selector: { app: 'web' }, ports: [{ port: 80 }] }],
    ['service-external', { type: 'ExternalName' }],
    ['service-ports', { ports: [{ port: 80, targetPort: 'http' }] }],
    ['service-ports', {}],
  ])('%s: nothing is written, it is told once, and looked at again with each resync', async (code, spec) => {
    const { service } = cluster;
    cluster.service = { ...service!, spec };
    const a = await alone();
    await pass(2 * RESYNC_MS);
    expect(cluster.slice).toBeNull();
    expect(a.failed.mock.calls).toEqual([
      ['endpointslice', code],
      ['endpointslice', code],
      ['endpointslice', code],
    ]);
    expect(a.announced).toHaveLength(1);
    cluster.service = service;
    await pass(RESYNC_MS);
    expect(cluster.addresses).toEqual(['10.0.0.97']);
  });

  test('a Service that comes later is found', async () => {
    const { service } = cluster;
    cluster.service = null;
    const a = await alone();
    expect(a.announced[0]).toContain('there is no Service web');
    cluster.service = service;
    await pass(13_000);
    expect(cluster.addresses).toEqual(['10.0.0.97']);
  });

  test('a replica that does not lead touches no other’s address', async () => {
    const [a, b] = replicas('ab', ['endpointslice']);
    await pass(SOON_MS);
    a!.lead();
    await pass(SOON_MS);
    const { slice } = cluster;
    void b!.lose();
    await pass(SOON_MS);
    expect(cluster.slice).toBe(slice);
  });
});
