import { beforeEach, describe, expect, test } from 'vitest';
import { ProcessTime, settled, VirtualTime } from '../../test/scenarios/support/virtual-time.ts';
import { Gate, type Pass } from './gate.ts';
import { GivenLeadership } from './leadership.fixture.ts';

let time: VirtualTime;
let process: ProcessTime;
let leadership: GivenLeadership;
let gate: Gate;
let cut: string[];
let told: string[];

beforeEach(() => {
  time = new VirtualTime();
  process = new ProcessTime(time);
  leadership = new GivenLeadership('a', process);
  cut = [];
  told = [];
  gate = new Gate({
    leadership,
    clock: process,
    timers: process,
    drainMs: 3_000,
    onCut: (passages, why) => told.push(`${passages} ${why}`),
  });
});

const enter = (name: string): Pass | null => gate.enter({ cut: () => cut.push(name) });

describe('the gate', () => {
  test('is shut while this replica does not lead', () => {
    expect(enter('one')).toBeNull();
    leadership.follow('b', null);
    expect(enter('one')).toBeNull();
  });

  test('lets work in under the token of the term', () => {
    const token = leadership.lead();
    const pass = enter('one')!;
    expect(pass.fencingToken).toBe(token);
    expect(pass.open()).toBe(true);
    expect(gate.size).toBe(1);
    pass.leave();
    expect(gate.size).toBe(0);
    expect(cut).toEqual([]);
  });

  test('cuts what runs when the deadline passes, though nobody says a word', async () => {
    leadership.lead(5_000);
    enter('one');
    enter('two');
    await time.pass(4_999);
    expect(cut).toEqual([]);
    await time.pass(1);
    expect(cut.toSorted()).toEqual(['one', 'two']);
    expect(told).toEqual(['2 lost']);
  });

  test('knows of renewals: the deadline that counts is the last one', async () => {
    leadership.lead(5_000);
    enter('one');
    await time.pass(4_000);
    leadership.renew(5_000);
    await time.pass(4_000);
    expect(cut).toEqual([]);
    await time.pass(1_000);
    expect(cut).toEqual(['one']);
  });

  test('a process that was stopped finds out at the first question, before any timer runs', async () => {
    leadership.lead(5_000);
    const pass = enter('one')!;
    process.freeze();
    await time.pass(60_000);
    let open = true;
    process.thaw(() => {
      open = pass.open();
    });
    expect(open).toBe(false);
    expect(cut).toEqual(['one']);
    expect(pass.open()).toBe(false);
  });

  test('so does one whose machine was suspended: the wall clock went on alone', () => {
    leadership.lead(5_000);
    const pass = enter('one')!;
    process.wallAheadMs = 60_000;
    expect(pass.open()).toBe(false);
    expect(cut).toEqual(['one']);
  });

  test('cuts each passage once, and none that has left', async () => {
    leadership.lead();
    enter('one');
    enter('two')!.leave();
    await leadership.lose();
    await leadership.lose();
    expect(cut).toEqual(['one']);
    expect(told).toEqual(['1 lost']);
  });

  test('what a term let in does not go on in the next one', () => {
    leadership.lead();
    const pass = enter('one')!;
    const token = leadership.lead();
    expect(cut).toEqual(['one']);
    expect(pass.open()).toBe(false);
    expect(enter('two')!.fencingToken).toBe(token);
  });

  test('a passage that ends others while it is cut does no harm', async () => {
    leadership.lead();
    const passes: Pass[] = [];
    for (const name of ['one', 'two', 'three']) {
      const pass = gate.enter({
        cut: () => {
          cut.push(name);
          for (const each of passes) each.leave();
        },
      });
      passes.push(pass!);
    }
    await leadership.lose();
    expect(cut).toEqual(['one']);
    expect(gate.size).toBe(0);
  });
});

describe('a hand-over', () => {
  test('lets nothing more in, and what runs end in peace', async () => {
    leadership.lead();
    const pass = enter('one')!;
    let over = false;
    void leadership.handOver().then(() => {
      over = true;
    });
    expect(enter('two')).toBeNull();
    expect(pass.open()).toBe(true);
    await time.pass(1_000);
    expect(over).toBe(false);
    pass.leave();
    await settled();
    expect(over).toBe(true);
    expect(told).toEqual([]);
  });

  test('with nothing under way is over at once', async () => {
    leadership.lead();
    await leadership.handOver();
    expect(told).toEqual([]);
  });

  test('ends what takes longer than the drain, and gives the application a moment to notice', async () => {
    leadership.lead();
    enter('one');
    const ended: string[] = [];
    void leadership.handOver().then(() => ended.push('hand-over'));
    await time.pass(2_999);
    expect(cut).toEqual([]);
    await time.pass(1);
    expect(cut).toEqual(['one']);
    expect(told).toEqual(['1 drained-too-long']);
    await time.pass(99);
    expect(ended).toEqual([]);
    await time.pass(1);
    expect(ended).toEqual(['hand-over']);
  });

  test('never takes longer than it is given, whatever the drain', async () => {
    leadership.lead();
    enter('one');
    const handOver = leadership.handOver(1_000);
    await time.pass(900);
    expect(cut).toEqual(['one']);
    await time.pass(100);
    await handOver;
  });
});

describe('whoever waits for a change', () => {
  const wait = (ms: number, signal = new AbortController().signal) => {
    const state = { over: false };
    void gate.changed(ms, signal).then(() => {
      state.over = true;
    });
    return state;
  };

  test('does not begin for whom it is over already', async () => {
    const waiting = wait(10_000, AbortSignal.abort());
    await settled();
    expect(waiting.over).toBe(true);
  });

  test('is woken by it', async () => {
    const waiting = wait(10_000);
    await settled();
    expect(waiting.over).toBe(false);
    leadership.follow('b', '10.0.0.9:4042');
    await settled();
    expect(waiting.over).toBe(true);
    expect(gate.leaderElsewhere()).toMatchObject({ pod: 'b', address: '10.0.0.9:4042' });
  });

  test('waits no longer than it said, or than it cares to', async () => {
    const waiting = wait(1_000);
    const abort = new AbortController();
    const leaving = wait(1_000, abort.signal);
    abort.abort();
    await settled();
    expect([waiting.over, leaving.over]).toEqual([false, true]);
    await time.pass(1_000);
    expect(waiting.over).toBe(true);
  });

  test('sees no other leader while this replica leads, or is giving it up', () => {
    leadership.lead();
    expect(gate.leaderElsewhere()).toBeNull();
    void leadership.handOver();
    expect(gate.leaderElsewhere()).toBeNull();
  });
});

describe('work that was brought to another replica', () => {
  const bring = (name: string, leader: string) =>
    gate.enterElsewhere(
      { cut: () => cut.push(name) },
      { identity: `${leader}_uid-${leader}_1`, pod: leader, address: '10.0.0.9:4042' },
    );

  test('goes on while that one leads, or nobody is known to', async () => {
    leadership.follow('b', '10.0.0.9:4042');
    const pass = bring('one', 'b');
    await leadership.lose();
    leadership.follow('b', '10.0.0.9:4042');
    expect(pass.open()).toBe(true);
    expect(cut).toEqual([]);
  });

  test('is cut soon after yet another one leads, or this one', async () => {
    const passes = [bring('one', 'b'), bring('two', 'b'), bring('three', 'c')];
    passes[1]!.leave();
    leadership.follow('c', null);
    await time.pass(999);
    expect(cut).toEqual([]);
    await time.pass(1);
    expect(cut).toEqual(['one']);
    leadership.lead();
    await time.pass(1_000);
    expect(cut).toEqual(['one', 'three']);
    expect(passes.map((pass) => pass.open())).toEqual([false, false, false]);
  });

  test('does not begin when yet another one leads', () => {
    const passes = [bring('one', 'b'), bring('two', 'c')];
    leadership.follow('c', null);
    expect(passes.map((pass) => pass.begins())).toEqual([false, true]);
    expect(cut).toEqual(['one']);
  });

  test('does not hold up a hand-over', async () => {
    leadership.lead();
    bring('one', 'a');
    await leadership.handOver();
    expect(cut).toEqual([]);
  });
});
