import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Leadership, type LeadershipChange, type LeadershipState, STOP_STAGES, type Tenure } from './leadership.ts';

const ME = 'a_uid-a_1';
const OTHER = 'b_uid-b_1';
const timings = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, renewIntervalMs: 2_000, retryPeriodMs: 2_000 };
const term = { transitions: 4, acquireTime: '2026-01-01T00:00:00.000000Z' };

let now: { monoMs: number; wallMs: number };
let leadership: Leadership;
let changes: LeadershipChange[];

beforeEach(() => {
  now = { monoMs: 50_000, wallMs: 900_000 };
  leadership = new Leadership({
    identity: ME,
    lease: { namespace: 'shop', name: 'cart' },
    timings,
    clock: { now: () => now },
  });
  changes = [];
  leadership.subscribe((change) => changes.push(change));
});

const pass = (monoMs: number, wallMs = monoMs) => {
  now = { monoMs: now.monoMs + monoMs, wallMs: now.wallMs + wallMs };
};
const tenure = (fields: Partial<Tenure> = {}): Tenure => ({
  fencingToken: '101',
  validity: { basis: now, validUntilMonoMs: now.monoMs + 10_000 },
  accepting: true,
  ...fields,
});
const leading = (fields: Partial<Tenure> = {}): LeadershipState => ({
  tenure: tenure(fields),
  leaseUid: 'lease-1',
  holder: { identity: ME, address: '10.0.0.7:4042', knownUntilMonoMs: now.monoMs + 15_000 },
  term,
});
const following = (identity = OTHER): LeadershipState => ({
  tenure: null,
  leaseUid: 'lease-1',
  holder: { identity, address: '10.0.0.9:4042', knownUntilMonoMs: now.monoMs + 15_000 },
  term,
});
const NOBODY: LeadershipState = { tenure: null, leaseUid: 'lease-1', holder: null, term: null };

describe('leadership is a deadline', () => {
  test('H9: it ends by time alone, whatever the last news was', () => {
    leadership.publish(leading());
    expect(leadership.validForMs()).toBe(10_000);
    pass(9_999);
    expect(leadership.isLeader()).toBe(true);
    pass(1);
    expect(leadership.isLeader()).toBe(false);
    expect(leadership.validForMs()).toBe(0);
    expect(leadership.workValidForMs()).toBe(0);
    expect(leadership.fencingToken()).toBeNull();
    expect(leadership.answer()).toMatchObject({ isLeader: false, validForMs: 0, fencingToken: null, leader: null });
  });

  test.each([1_001, -1_001])('it is void after the wall clock jumped by %d ms, as a suspend makes it', (jumpMs) => {
    leadership.publish(leading());
    pass(100, 100 + jumpMs);
    expect(leadership.isLeader()).toBe(false);
    expect(leadership.workValidForMs()).toBe(0);
    expect(leadership.answer()).toMatchObject({ isLeader: false, validForMs: 0 });
  });

  test('it is nothing before anything was published', () => {
    expect(leadership.isLeader()).toBe(false);
    expect(leadership.workValidForMs()).toBe(0);
    expect(leadership.answer()).toEqual({
      isLeader: false,
      identity: ME,
      leader: null,
      validForMs: 0,
      fencingToken: null,
      term: null,
      lease: { namespace: 'shop', name: 'cart', uid: null },
    });
  });

  test('a hand-over takes no new work, while what runs may go on', () => {
    leadership.publish(leading({ accepting: false }));
    expect(leadership.isLeader()).toBe(false);
    expect(leadership.fencingToken()).toBeNull();
    expect(leadership.workValidForMs()).toBe(10_000);
    expect(leadership.answer()).toMatchObject({ isLeader: false, validForMs: 0, leader: null });
  });
});

describe('an answer', () => {
  test('of a leader says all there is to know', () => {
    leadership.publish(leading());
    expect(leadership.answer()).toEqual({
      isLeader: true,
      identity: ME,
      leader: { identity: ME, pod: 'a', address: '10.0.0.7:4042' },
      validForMs: 10_000,
      fencingToken: '101',
      term,
      lease: { namespace: 'shop', name: 'cart', uid: 'lease-1' },
    });
  });

  test('promises whole milliseconds, rounded down: less than it could, never more', () => {
    leadership.publish(leading());
    pass(9_000.4);
    expect(leadership.answer().validForMs).toBe(999);
    pass(999);
    expect(leadership.answer()).toMatchObject({ isLeader: false, validForMs: 0 });
  });

  test('of a standby names the leader for as long as its record is valid here', () => {
    leadership.publish(following());
    expect(leadership.answer()).toMatchObject({
      isLeader: false,
      leader: { identity: OTHER, pod: 'b', address: '10.0.0.9:4042' },
    });
    pass(15_000);
    expect(leadership.answer().leader).toBeNull();
  });

  test('never names this replica from the Lease alone', () => {
    leadership.publish(following(ME));
    expect(leadership.answer().leader).toBeNull();
  });

  test('that nobody asked for is not remembered: being told of a change is no promise', () => {
    leadership.publish(leading());
    leadership.isLeader();
    leadership.fencingToken();
    expect(changes[0]?.answer).toMatchObject({ isLeader: true, validForMs: 10_000 });
    expect(leadership.trustedUntilMonoMs()).toBe(0);
    leadership.answer();
    expect(leadership.trustedUntilMonoMs()).toBe(60_000);
  });

  test('that was true is remembered until it lapses; one that was not is not', () => {
    leadership.publish(following());
    leadership.answer();
    expect(leadership.trustedUntilMonoMs()).toBe(0);
    leadership.publish(leading());
    pass(4_000);
    leadership.answer();
    expect(leadership.trustedUntilMonoMs()).toBe(60_000);
    leadership.publish({ ...leading(), tenure: tenure({ accepting: false }) });
    leadership.answer();
    expect(leadership.trustedUntilMonoMs()).toBe(60_000);
  });
});

describe('changes', () => {
  const kinds = () => changes.map(({ kind }) => kind);

  test('pair up: one start and one stop per tenure, however often it is renewed', () => {
    leadership.publish(leading());
    for (let renewals = 0; renewals < 3; renewals++) {
      pass(2_000);
      leadership.publish(leading());
    }
    leadership.publish(leading({ accepting: false }), 'step-down');
    leadership.publish(NOBODY, null);
    leadership.publish(following());
    expect(kinds()).toEqual(['started', 'stopped', 'leader-changed']);
    expect(changes.map(({ reason }) => reason)).toEqual([null, 'step-down', null]);
  });

  test('carry the answer of their moment', () => {
    leadership.publish(leading());
    leadership.publish(following(), 'taken-over');
    expect(changes[0]?.answer).toMatchObject({ isLeader: true, fencingToken: '101', validForMs: 10_000 });
    expect(changes[1]).toMatchObject({
      kind: 'stopped',
      reason: 'taken-over',
      answer: { isLeader: false, leader: { identity: OTHER } },
    });
  });

  test('of a tenure that follows another without a gap are a stop and a start', () => {
    leadership.publish(leading());
    leadership.publish(leading({ fencingToken: '105' }), 'expired');
    expect(kinds()).toEqual(['started', 'stopped', 'started']);
  });

  test('tell a standby of another leader and of none, once each', () => {
    leadership.publish(following());
    leadership.publish(following());
    leadership.publish(following('c_uid-c_1'));
    leadership.publish(NOBODY);
    leadership.publish(NOBODY);
    expect(kinds()).toEqual(['leader-changed', 'leader-changed', 'leader-changed']);
    expect(changes.map(({ answer }) => answer.leader?.pod ?? null)).toEqual(['b', 'c', null]);
  });

  test("tell of the end of a dead leader's record with the next news, whatever they are", () => {
    leadership.publish(following());
    const record = leadership.answer();
    const standsStill = following();
    pass(14_999);
    leadership.publish(standsStill);
    expect(kinds()).toEqual(['leader-changed']);
    pass(1);
    leadership.publish(standsStill);
    leadership.publish(standsStill);
    expect(kinds()).toEqual(['leader-changed', 'leader-changed']);
    expect(changes[1]?.answer).toEqual({ ...record, leader: null });
  });

  test('tell of a leader that comes back after its record had expired', () => {
    leadership.publish(following());
    const standsStill = following();
    pass(15_000);
    leadership.publish(standsStill);
    leadership.publish(following());
    expect(changes.map(({ answer }) => answer.leader?.pod ?? null)).toEqual(['b', null, 'b']);
  });

  test('say nothing of a record that had expired before anybody was told of its holder', () => {
    const standsStill = following();
    pass(15_000);
    leadership.publish(standsStill);
    expect(kinds()).toEqual([]);
  });

  test('do not repeat what the end of a tenure told: who took over', () => {
    leadership.publish(leading());
    leadership.publish(following(), 'taken-over');
    leadership.publish(following());
    expect(kinds()).toEqual(['started', 'stopped']);
    leadership.publish(NOBODY);
    expect(kinds()).toEqual(['started', 'stopped', 'leader-changed']);
  });

  test("of this replica's name in the Lease are no news before it leads", () => {
    leadership.publish(following(ME));
    expect(kinds()).toEqual([]);
  });

  test('reach every subscriber until it unsubscribes, even during a change', () => {
    const late = vi.fn();
    const end = leadership.subscribe(() => end());
    const endLate = leadership.subscribe(late);
    leadership.publish(leading());
    expect(late).toHaveBeenCalledTimes(1);
    endLate();
    leadership.publish(NOBODY, 'expired');
    expect(late).toHaveBeenCalledTimes(1);
    expect(kinds()).toEqual(['started', 'stopped']);
  });
});

describe('renewals', () => {
  test('are told each time that they move the deadline, and only then', () => {
    let renewals = 0;
    const end = leadership.onRenewed(() => {
      renewals += 1;
    });
    const first = leading();
    leadership.publish(first);
    leadership.publish({ ...first, leaseUid: 'lease-1' });
    expect(renewals).toBe(0);
    pass(2_000);
    leadership.publish(leading());
    expect(renewals).toBe(1);
    pass(2_000);
    leadership.publish(leading({ fencingToken: '105' }), 'expired');
    leadership.publish(following(), 'taken-over');
    leadership.publish(following());
    expect(renewals).toBe(1);
    leadership.publish(leading());
    end();
    pass(2_000);
    leadership.publish(leading());
    expect(renewals).toBe(1);
  });
});

describe('stop hooks', () => {
  test('are known by stage, traffic first, until they are taken back', () => {
    expect(STOP_STAGES).toEqual(['gateway', 'notify', 'publish']);
    const hook = () => {};
    const end = leadership.onStop('notify', hook);
    expect(STOP_STAGES.map((stage) => leadership.stopHooks(stage).length)).toEqual([0, 1, 0]);
    expect(leadership.stopHooks('notify')).toEqual([hook]);
    end();
    expect(leadership.stopHooks('notify')).toEqual([]);
  });
});
