import { beforeEach, describe, expect, test, vi } from 'vitest';
import { NO_METRICS, type Replica, SILENT_LOG, World } from '../../test/scenarios/support/world.ts';
import type { LeaseRecord } from '../election/index.ts';

const log = { ...SILENT_LOG, info: vi.fn(), warn: vi.fn(), debug: vi.fn() };
const metrics = {
  ...NO_METRICS,
  started: vi.fn(),
  stopped: vi.fn(),
  renewed: vi.fn(),
  renewalFailed: vi.fn(),
  slowPath: vi.fn(),
};
const announce = vi.fn();
const onFatal = vi.fn();
const ports = { log, metrics, announce, onFatal };

let world: World;
beforeEach(() => {
  world = new World();
  vi.resetAllMocks();
});

const codes = (level: 'info' | 'warn' | 'debug') => log[level].mock.calls.map(([fields]) => fields.code);

async function leader(): Promise<Replica> {
  const replica = world.add('a', { ports });
  await world.pass(100);
  expect(replica.leadership.isLeader()).toBe(true);
  return replica;
}

describe('the runner', () => {
  test('publishes what is so before it acts on it', async () => {
    const replica = world.add('a', { ports });
    const seen: [string, boolean, number][] = [];
    replica.leadership.subscribe(({ kind }) =>
      seen.push([kind, replica.leadership.isLeader(), announce.mock.calls.length]),
    );
    await world.pass(100);
    void replica.runner.stop();
    await world.pass(100);
    expect(seen).toEqual([
      ['started', true, 0],
      ['stopped', false, 1],
    ]);
  });

  test('that stands back claims a free Lease two retry periods later', async () => {
    const replica = world.add('a', { ports });
    replica.runner.standBack(true);
    replica.runner.standBack(true);
    await world.pass(3_900);
    expect(replica.leadership.isLeader()).toBe(false);
    await world.pass(200);
    expect(replica.leadership.isLeader()).toBe(true);
  });

  test('logs, counts and announces each tenure once, the end after the release was asked for', async () => {
    const replica = await leader();
    expect(announce.mock.calls).toEqual([['became leader', 'lease-1']]);
    announce.mockImplementation(() => expect(replica.link.requests.at(-1)).toBe('update'));
    const asked = replica.link.requests.length;
    void replica.runner.stop();
    await world.pass(100);
    expect(replica.link.requests).toHaveLength(asked + 1);
    expect(announce.mock.calls.slice(1)).toEqual([['stopped leading', 'lease-1']]);
    expect(metrics.started).toHaveBeenCalledTimes(1);
    expect(metrics.stopped.mock.calls).toEqual([['shutdown']]);
    expect(codes('info')).toEqual(['LEADING', 'NOT_LEADING', 'RELEASED']);
    expect(log.info.mock.calls[0]?.[0]).toEqual({ code: 'LEADING', fencingToken: '102', transitions: 1 });
  });

  test('warns of a loss, and of a Lease that could not be freed', async () => {
    const replica = await leader();
    replica.link.cut = true;
    await world.pass(12_000);
    expect(codes('warn')).toEqual(['NOT_LEADING']);
    expect(log.warn.mock.calls[0]?.[1]).toBe('lost leadership: expired');
    void replica.runner.stop();
    await world.pass(20_000);
    expect(codes('warn')).toEqual(['NOT_LEADING', 'RELEASE_FAILED']);
    expect(metrics.stopped.mock.calls).toEqual([['expired']]);
  });

  test('says who has the Lease, not that it is free, when another took it before it was given up', async () => {
    const replica = await leader();
    const seen = replica.runner.stepDown({ immediate: true });
    world.lease.put({ holder: 'another', renewTime: 'now' });
    await world.pass(100);
    await expect(seen).resolves.toMatchObject({ result: 'not-leading' });
    expect(codes('info')).toEqual(['LEADING', 'NOT_LEADING', 'TAKEN_OVER']);
    expect(log.info.mock.calls[2]?.[1]).toBe('another replica holds the Lease already');
    expect(world.lease.record?.holder).toBe('another');
  });

  test('counts renewals, failures by reason, and the reads they need', async () => {
    const replica = await leader();
    await world.pass(4_100);
    expect(metrics.renewed).toHaveBeenCalledTimes(2);
    replica.link.cut = true;
    await world.pass(6_100);
    expect(metrics.renewalFailed).toHaveBeenCalledWith('timeout');
    expect(metrics.slowPath).toHaveBeenCalledTimes(1);
  });

  test('announces the end of a tenure over a deleted Lease without its uid', async () => {
    await leader();
    world.lease.delete();
    await world.pass(10);
    expect(announce).toHaveBeenCalledWith('stopped leading', null);
  });

  test('says what a missing Lease means', async () => {
    world.lease.delete();
    const replica = world.add('b', { ports });
    await world.pass(10);
    expect(log.info.mock.calls[0]?.[0]).toEqual({ code: 'LEASE_MISSING', waitMs: 15_000 });
    await world.pass(16_000);
    expect(replica.leadership.isLeader()).toBe(true);
    world.lease.delete();
    await world.pass(10);
    expect(log.info.mock.calls.map(([fields]) => fields)).toContainEqual({ code: 'LEASE_MISSING', waitMs: 0 });
  });

  test('takes events that come while it handles another in their turn', async () => {
    const replica = world.add('a', { ports });
    const kinds: string[] = [];
    replica.leadership.subscribe(({ kind }) => {
      kinds.push(`${kind} begins`);
      if (kind === 'started') void replica.runner.stepDown({ immediate: true });
      kinds.push(`${kind} ends`);
    });
    await world.pass(1_000);
    expect(kinds).toEqual(['started begins', 'started ends', 'stopped begins', 'stopped ends']);
    expect(world.lease.record?.holder).toBe('');
  });

  test('keeps a wake that is due: events in between do not put it off', async () => {
    const random = vi.fn(() => 0.9);
    const replica = world.add('a', { ports: { ...ports, random } });
    world.lease.put({ holder: 'another', renewTime: 'now', leaseDurationMs: 15_000 });
    await world.pass(5);
    const drawn = random.mock.calls.length;
    for (let edits = 0; edits < 100; edits++) {
      world.lease.put({ raw: { edits } });
      await world.pass(100);
    }
    expect(random).toHaveBeenCalledTimes(drawn);
    await world.pass(5_100);
    expect(replica.leadership.isLeader()).toBe(true);
  });

  test('never sets a timer for longer than timers can count', async () => {
    const replica = world.add('a', { ports });
    const after = vi.spyOn(replica.time, 'after');
    world.lease.put({ holder: 'a locksmith', renewTime: 'now', leaseDurationMs: 2_147_483_647_000 });
    await world.pass(24 * 3_600_000);
    expect(Math.max(...after.mock.calls.map(([delayMs]) => delayMs))).toBeLessThan(2 ** 31);
    expect(after.mock.calls.length).toBeLessThan(30);
    expect(replica.link.requests).toEqual([]);
  });
});

describe('health', () => {
  test('is ready once the Lease has been seen, and says what is in the way', async () => {
    const replica = world.add('a', { ports });
    replica.link.refuses = { kind: 'refused', code: 'forbidden', retryAfterMs: null };
    world.lease.watchers.clear();
    replica.link.cut = true;
    expect(replica.runner.unready()).toBe('the Lease has not been seen yet');
    replica.link.heal = () => {};
    await world.pass(5);
    replica.link.cut = false;
    replica.runner.dispatch({ kind: 'watching', up: false });
    await world.pass(1_000);
    expect(replica.runner.unready()).toBe('the Lease has not been seen yet: forbidden');
    replica.link.refuses = null;
    await world.pass(5_000);
    expect(replica.runner.unready()).toBeNull();
    expect(replica.runner.wedged()).toBeNull();
  });

  test('an unreachable API server wedges nothing', async () => {
    const replica = await leader();
    replica.link.cut = true;
    for (let minutes = 0; minutes < 10; minutes++) {
      await world.pass(60_000);
      expect(replica.runner.wedged()).toBeNull();
    }
  });

  test('a loop whose timers do not run is wedged', async () => {
    const replica = world.add('b', { ports });
    world.lease.put({ holder: 'another', renewTime: 'now', leaseDurationMs: 15_000 });
    await world.pass(5);
    replica.time.freeze();
    await world.pass(34_900);
    expect(replica.runner.wedged()).toBeNull();
    await world.pass(1_100);
    expect(replica.runner.wedged()).toBe('the election loop is 21 s late');
    replica.time.thaw();
    expect(replica.runner.wedged()).toBeNull();
  });

  test('a leader that did not notice that its record went stale is wedged', async () => {
    const replica = await leader();
    replica.time.freeze();
    await world.pass(30_000);
    expect(replica.runner.wedged()).toMatch(/the election loop is/);
    await world.pass(10_000);
    expect(replica.runner.wedged()).toMatch(/leading without a renewal for (38|39|40) s/);
  });

  test('a request that is never answered wedges the loop', async () => {
    const hangs = () => new Promise<never>(() => {});
    const replica = world.add('a', {
      ports: { ...ports, leases: { read: hangs, create: hangs, update: hangs, challenge: hangs } },
    });
    await world.pass(20_000);
    expect(replica.runner.wedged()).toBeNull();
    await world.pass(6_000);
    expect(replica.runner.wedged()).toBe('the election loop is 21 s late');
  });
});

describe('what must not happen', () => {
  const boom = new Error('boom');

  test('a port that throws ends leadership at once and for good, and is told', async () => {
    const replica = world.add('a', { ports });
    await world.pass(100);
    vi.spyOn(replica.link, 'update').mockRejectedValue(boom);
    const seen = replica.runner.stepDown({ immediate: true });
    await world.pass(10);
    expect(onFatal.mock.calls).toEqual([[boom]]);
    expect(replica.leadership.isLeader()).toBe(false);
    expect(replica.leadership.workValidForMs()).toBe(0);
    await expect(seen).resolves.toMatchObject({ result: 'unreleased' });
    expect(replica.runner.wedged()).toBe('the election loop has failed');
    const requests = replica.link.requests.length;
    replica.runner.dispatch({ kind: 'tick' });
    await world.pass(60_000);
    expect(replica.link.requests).toHaveLength(requests);
    expect(onFatal).toHaveBeenCalledTimes(1);
    await replica.runner.stop();
  });

  test('two failures at once are told once', async () => {
    const replica = await leader();
    vi.spyOn(replica.link, 'update').mockImplementation(() => {
      replica.runner.dispatch({ kind: 'observed', source: 'watch', record: null as unknown as LeaseRecord });
      return Promise.reject(boom);
    });
    await world.pass(3_000);
    expect(onFatal).toHaveBeenCalledTimes(1);
  });

  test('a broken invariant stops leadership before anything else is done', async () => {
    const replica = world.add('a', { ports });
    const record = { ...world.lease.record!, holder: 'somebody', resourceVersion: '999' };
    vi.spyOn(replica.link, 'update').mockResolvedValue({ kind: 'ok', record });
    await world.pass(100);
    expect(onFatal.mock.calls[0]?.[0]).toMatchObject({ code: 'ELECTION_INVARIANT' });
    expect(replica.startedMs()).toEqual([]);
    expect(world.lease.watchers.size).toBe(0);
  });

  test('a listener that throws ends leadership, and the process is told even when it throws again', async () => {
    const replica = world.add('a', { ports });
    replica.leadership.subscribe(() => {
      throw boom;
    });
    replica.runner.dispatch({ kind: 'observed', source: 'list', record: world.lease.record! });
    expect(() =>
      replica.runner.dispatch({
        kind: 'observed',
        source: 'watch',
        record: { ...world.lease.record!, holder: 'another', resourceVersion: '500' },
      }),
    ).toThrow(boom);
    expect(onFatal.mock.calls).toEqual([[boom]]);
    expect(replica.runner.wedged()).toBe('the election loop has failed');
  });
});
