import { describe, expect, test } from 'vitest';
import { ProcessTime, VirtualTime } from '../../test/scenarios/support/virtual-time.ts';
import { Leadership } from '../leadership/leadership.ts';
import type {
  CandidateApi,
  CandidateOutcome,
  CandidateStore,
  CandidateWatchHandlers,
  LeaseCandidate,
} from '../ports/lease-candidates.ts';
import type { Logger } from '../ports/log.ts';
import type { RemovalOutcome } from '../ports/request-failure.ts';
import { createCoordination } from './coordination.ts';

const IDENTITY = 'cart-0_u_2';
const ALWAYS = Number.NEGATIVE_INFINITY;
const NEVER = Number.POSITIVE_INFINITY;
const FAILED = { kind: 'failed', code: 'unreachable', message: 'no connection', retryAfterMs: null } as const;

/** LeaseCandidates in memory. */
class FakeStore implements CandidateStore {
  readonly stored = new Map<string, LeaseCandidate>();
  readonly asked: string[] = [];
  watcher: CandidateWatchHandlers | null = null;
  down = false;
  lists = 0;
  readonly #time: VirtualTime;
  #version = 10;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  put(name: string, change: Partial<LeaseCandidate> = {}): CandidateOutcome {
    this.#version += 1;
    const before = this.stored.get(name) ?? {
      name,
      uid: `uid-${this.#version}`,
      pingTime: null,
      renewTime: null,
      raw: {},
    };
    const candidate = { ...before, ...change, resourceVersion: String(this.#version) };
    this.stored.set(name, candidate);
    if (name === IDENTITY) this.watcher?.seen(candidate);
    return { kind: 'ok', candidate };
  }
  async #answer<Outcome>(what: string, act: () => Outcome): Promise<Outcome | typeof FAILED> {
    this.asked.push(what);
    await new Promise<void>((resolve) => void this.#time.after(1, resolve));
    return this.down ? FAILED : act();
  }
  read = () =>
    this.#answer('read', (): CandidateOutcome => {
      const candidate = this.stored.get(IDENTITY);
      return candidate === undefined ? { kind: 'absent' } : { kind: 'ok', candidate };
    });
  create = (renewTime: string) => this.#answer('create', () => this.put(IDENTITY, { renewTime }));
  renew = (_base: LeaseCandidate, renewTime: string) => this.#answer('renew', () => this.put(IDENTITY, { renewTime }));
  remove = ({ name }: Pick<LeaseCandidate, 'name'>) =>
    this.#answer(`remove ${name}`, (): RemovalOutcome => {
      this.stored.delete(name);
      if (name === IDENTITY) this.watcher?.missed();
      return { kind: 'removed' };
    });
  list = async () => {
    this.lists += 1;
    return this.down ? null : [...this.stored.values()];
  };
  watch = (handlers: CandidateWatchHandlers) => {
    this.watcher = handlers;
    const close = () => {
      this.watcher = null;
    };
    return { close };
  };
}

function fixture(answers: (CandidateApi | ((store: FakeStore) => CandidateApi))[] = [], random = 0) {
  const time = new VirtualTime();
  const process = new ProcessTime(time);
  const store = new FakeStore(time);
  const logged: Record<string, unknown>[] = [];
  const note = (fields: object) => void logged.push(fields as Record<string, unknown>);
  const log = { fatal: note, error: note, warn: note, info: note, debug: note } as unknown as Logger;
  const timings = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, renewIntervalMs: 2_000, retryPeriodMs: 2_000 };
  const leadership = new Leadership({
    identity: IDENTITY,
    lease: { namespace: 'shop', name: 'cart' },
    timings,
    clock: process,
  });
  let unavailable = 0;
  const coordination = createCoordination({
    openApi: async () => {
      const answer = answers.shift() ?? { kind: 'served', version: 'v1beta1', store };
      return typeof answer === 'function' ? answer(store) : answer;
    },
    ...{ leadership, clock: process, timers: process, random: () => random, log },
    onUnavailable: () => {
      unavailable += 1;
    },
  });
  const codes = () => logged.map(({ code }) => code);
  const stopHook = (withinMs = 5_000) =>
    leadership.stopHooks('publish')[0]!({
      graceful: true,
      reason: 'shutdown',
      untilMonoMs: process.now().monoMs + withinMs,
    });
  return { time, process, store, logged, codes, coordination, leadership, stopHook, unavailable: () => unavailable };
}

describe('the part in a coordinated election', () => {
  test('stands, answers, withdraws when it must, and leaves nothing behind', async () => {
    const { time, store, codes, coordination, stopHook } = fixture();
    coordination.start();
    await time.pass(100);
    expect(store.asked).toEqual([]);
    coordination.stand(ALWAYS);
    await time.pass(100);
    expect(coordination.stands()).toBe(true);
    store.put(IDENTITY, { pingTime: '2027-01-01T00:00:00.000000Z' });
    await time.pass(100);
    expect(coordination.pingsAnswered()).toBe(1);
    expect(store.stored.get(IDENTITY)?.renewTime).toBe('2027-01-01T00:00:00.000000Z');

    coordination.stand(NEVER);
    const withdrawn = stopHook();
    expect(store.stored.has(IDENTITY)).toBe(true);
    await time.pass(100);
    await withdrawn;
    expect(store.stored.has(IDENTITY)).toBe(false);
    coordination.stand(ALWAYS);
    await time.pass(100);
    const left = coordination.leave(1_000);
    await time.pass(100);
    await left;
    expect(store.stored.size).toBe(0);
    expect(store.watcher).toBeNull();
    expect(codes()).toEqual(['CANDIDATE', 'CANDIDATE_WITHDRAWN', 'CANDIDATE', 'CANDIDATE_WITHDRAWN']);
  });

  test('stands up to three seconds later the first time, so that replicas that start together are told apart', async () => {
    const { time, store, coordination } = fixture([], 0.999);
    coordination.start();
    await time.pass(60_000);
    coordination.stand(ALWAYS);
    await time.pass(2_900);
    expect([coordination.stands(), store.stored.size]).toEqual([false, 0]);
    await time.pass(200);
    expect(coordination.stands()).toBe(true);
    coordination.stand(NEVER);
    await time.pass(100);
    coordination.stand(ALWAYS);
    await time.pass(100);
    expect(coordination.stands()).toBe(true);
  });

  test('holds up no release where nothing is to be withdrawn, nor for long where it can not be', async () => {
    const { time, store, codes, coordination, stopHook } = fixture();
    await stopHook();
    coordination.start();
    coordination.stand(ALWAYS);
    await time.pass(100);
    await stopHook();
    store.down = true;
    coordination.stand(NEVER);
    let waited = false;
    void Promise.resolve(stopHook(60_000)).then(() => {
      waited = true;
    });
    await time.pass(1_900);
    expect(waited).toBe(false);
    await time.pass(200);
    expect(waited).toBe(true);
    expect(coordination.stands()).toBe(false);
    expect(codes()).toEqual(['CANDIDATE', 'CANDIDATE_FAILING']);
    const left = coordination.leave(1_000);
    await time.pass(1_000);
    await left;
  });

  test('tells of a candidate that somebody deleted, and stands again', async () => {
    const { time, store, codes, coordination } = fixture();
    coordination.start();
    coordination.stand(ALWAYS);
    await time.pass(100);
    store.stored.delete(IDENTITY);
    store.watcher?.missed();
    await time.pass(400);
    expect(codes()).toEqual(['CANDIDATE', 'CANDIDATE_DELETED', 'CANDIDATE']);
    expect(coordination.stands()).toBe(true);
  });

  test('says which rule is missing', async () => {
    const { time, store, logged, coordination } = fixture();
    coordination.start();
    coordination.stand(ALWAYS);
    await time.pass(100);
    store.watcher?.watching(false, { ...FAILED, code: 'forbidden' });
    expect(logged.at(-1)).toMatchObject({
      code: 'CANDIDATE_FAILING',
      remedy: expect.stringContaining('leasecandidates'),
    });
  });

  test('deletes what dead processes of its pod left behind, and nothing of others', async () => {
    const { time, store, coordination } = fixture();
    for (const name of ['cart-0_u_1', 'cart-1_v_1', 'somebody']) store.put(name);
    coordination.start();
    await time.pass(100);
    expect([...store.stored.keys()]).toEqual(['cart-1_v_1', 'somebody']);
  });

  test('tries again when dead processes of its pod could not be looked for, a few times, and not after its end', async () => {
    const { time, store, coordination } = fixture();
    store.put('cart-0_u_1');
    store.down = true;
    coordination.start();
    await time.pass(2_000);
    store.down = false;
    await time.pass(2_000);
    expect(store.stored.size).toBe(0);

    const hopeless = fixture();
    hopeless.store.down = true;
    hopeless.coordination.start();
    await hopeless.time.pass(600_000);
    expect(hopeless.store.lists).toBe(8);

    const brief = fixture();
    brief.store.down = true;
    brief.coordination.start();
    await brief.time.pass(100);
    await brief.coordination.leave(100);
    await brief.time.pass(600_000);
    expect(brief.store.lists).toBe(1);
  });

  test('ends where the API server serves no candidates', async () => {
    const { time, logged, coordination, unavailable } = fixture([{ kind: 'unserved' }]);
    coordination.start();
    await time.pass(100);
    expect(unavailable()).toBe(1);
    expect(logged).toMatchObject([
      { code: 'COORDINATED_UNAVAILABLE', remedy: expect.stringContaining('CoordinatedLeaderElection=true') },
    ]);
  });

  test('asks again for as long as the API server can not be reached, and says so once', async () => {
    const { time, codes, coordination, unavailable } = fixture([FAILED, FAILED, { ...FAILED, retryAfterMs: 9_000 }]);
    coordination.stand(ALWAYS);
    coordination.start();
    await time.pass(100);
    expect(codes()).toEqual(['COORDINATED_UNKNOWN']);
    expect(coordination.stands()).toBe(false);
    await time.pass(12_500);
    expect(codes()).toEqual(['COORDINATED_UNKNOWN', 'CANDIDATE']);
    expect(unavailable()).toBe(0);
  });

  test('asks for nothing after it has ended', async () => {
    const { time, store, coordination } = fixture([FAILED]);
    coordination.start();
    await coordination.leave(100);
    coordination.stand(ALWAYS);
    await time.pass(60_000);
    expect(store.asked).toEqual([]);
  });

  test('says, once, that nobody is chosen among candidates that have stood for a minute', async () => {
    const { time, leadership, codes, coordination } = fixture();
    coordination.start();
    coordination.stand(ALWAYS);
    await time.pass(59_000);
    expect(codes()).toEqual(['CANDIDATE']);
    await time.pass(120_000);
    expect(codes()).toEqual(['CANDIDATE', 'COORDINATED_IDLE']);
    const holder = { identity: 'cart-1_v_1', address: null, knownUntilMonoMs: NEVER };
    leadership.publish({ tenure: null, leaseUid: 'u', holder, term: null });
    await time.pass(60_000);
    leadership.publish({ tenure: null, leaseUid: 'u', holder: null, term: null });
    await time.pass(90_000);
    expect(codes()).toEqual(['CANDIDATE', 'COORDINATED_IDLE', 'COORDINATED_IDLE']);
  });
});
