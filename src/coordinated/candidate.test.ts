import { describe, expect, test } from 'vitest';
import type { CandidateOutcome, LeaseCandidate } from '../ports/lease-candidates.ts';
import type { RemovalOutcome, RequestFailure } from '../ports/request-failure.ts';
import {
  type CandidateEffect,
  type CandidateEvent,
  type CandidateRequest,
  candidateDueMonoMs,
  INITIAL_CANDIDATE,
  isSettled,
  stepCandidate,
} from './candidate.ts';

const WALL_MS = Date.UTC(2026, 0, 1);
const NEVER = Number.POSITIVE_INFINITY;
const ALWAYS = Number.NEGATIVE_INFINITY;

const stored = (fields: Partial<LeaseCandidate> = {}): LeaseCandidate => ({
  name: 'a_u_1',
  uid: 'uid-1',
  resourceVersion: '10',
  renewTime: '2026-01-01T00:00:00.000000Z',
  pingTime: null,
  raw: {},
  ...fields,
});
const failed = (code: string, retryAfterMs: number | null = null): RequestFailure => ({
  kind: 'failed',
  code,
  message: 'so it is',
  retryAfterMs,
});

/** Drives the steps by hand, with a clock that only the test moves. */
class Driver {
  state = INITIAL_CANDIDATE;
  nowMs = 0;
  effects: readonly CandidateEffect[] = [];

  send(event: CandidateEvent): this {
    [this.state, this.effects] = stepCandidate(this.state, event, this.now);
    return this;
  }
  get now() {
    return { monoMs: this.nowMs, wallMs: WALL_MS + this.nowMs };
  }
  reply(outcome: CandidateOutcome | RemovalOutcome): this {
    return this.send({ kind: 'replied', outcome });
  }
  stand(atMonoMs = ALWAYS): this {
    return this.send({ kind: 'stand', atMonoMs });
  }
  sees(candidate: LeaseCandidate): this {
    return this.send({ kind: 'seen', candidate });
  }
  wait(ms: number): this {
    this.nowMs += ms;
    return this.send({ kind: 'tick' });
  }
  dueInMs(): number {
    return Math.max(0, candidateDueMonoMs(this.state, this.now) - this.nowMs);
  }
  wake(): this {
    return this.wait(this.dueInMs());
  }
  get settled(): boolean {
    return isSettled(this.state, this.now);
  }
  request(): CandidateRequest | undefined {
    return this.effects.find((effect) => effect.kind !== 'report');
  }
  reports(): string[] {
    return this.effects.flatMap((effect) => (effect.kind === 'report' ? [effect.report.kind] : []));
  }
}

/** One that stands since 0. */
const standing = () => new Driver().stand().reply({ kind: 'ok', candidate: stored() });

describe('a candidate', () => {
  test('asks for nothing as long as it is not to stand', () => {
    const candidate = new Driver().wait(1_000);
    expect(candidate.effects).toEqual([]);
    expect(candidate.dueInMs()).toBe(NEVER);
    expect(candidate.settled).toBe(true);
    expect(candidate.stand(5_000).dueInMs()).toBe(4_000);
  });

  test('is created at once, and renewed every five minutes', () => {
    const candidate = new Driver().stand();
    expect(candidate.effects).toEqual([{ kind: 'create', renewTime: '2026-01-01T00:00:00.000000Z' }]);
    expect(candidate.dueInMs()).toBe(NEVER);
    candidate.reply({ kind: 'ok', candidate: stored() });
    expect(candidate.reports()).toEqual(['standing']);
    expect(candidate.dueInMs()).toBe(300_000);
    expect(candidate.wait(299_999).request()).toBeUndefined();
    expect(candidate.wait(1).effects).toEqual([
      { kind: 'renew', base: stored(), renewTime: '2026-01-01T00:05:00.000000Z' },
    ]);
    candidate.reply({ kind: 'ok', candidate: stored({ resourceVersion: '11' }) });
    expect(candidate.reports()).toEqual([]);
  });

  test('answers the question of the API server at once, and an answered one no more', () => {
    const candidate = standing();
    candidate.nowMs = 60_000;
    const asked = stored({ resourceVersion: '11', pingTime: '2026-01-01T00:00:59.900000Z' });
    expect(candidate.sees(asked).effects).toEqual([
      { kind: 'renew', base: asked, renewTime: '2026-01-01T00:01:00.000000Z' },
    ]);
    const answered = { ...asked, resourceVersion: '12', renewTime: '2026-01-01T00:01:00.000000Z' };
    expect(candidate.reply({ kind: 'ok', candidate: answered }).reports()).toEqual(['answered']);
    expect(candidate.sees(answered).effects).toEqual([]);
    // A watch that lags behind shows the question once more.
    expect(candidate.sees(asked).effects).toEqual([]);
  });

  test("answers with the API server's own time where this machine's clock is behind it", () => {
    const asked = stored({ resourceVersion: '11', pingTime: '2026-01-01T00:00:09.000000Z' });
    expect(standing().sees(asked).request()).toMatchObject({ renewTime: asked.pingTime });
  });

  test('is created anew when somebody deletes it', () => {
    const candidate = standing().wait(60_000);
    expect(candidate.send({ kind: 'missed' }).request()).toEqual({ kind: 'read' });
    candidate.reply({ kind: 'absent' });
    expect(candidate.reports()).toEqual(['deleted']);
    expect(candidate.request()).toMatchObject({ kind: 'create' });
    candidate.reply({ kind: 'ok', candidate: stored({ uid: 'uid-2', resourceVersion: '20' }) });
    expect(candidate.reports()).toEqual(['standing']);
  });

  test('that is deleted again and again is created ever later, until one has stood for a minute', () => {
    const candidate = standing();
    const deleted = () => candidate.send({ kind: 'missed' }).reply({ kind: 'absent' });
    for (const afterMs of [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      expect(deleted().request()).toBeUndefined();
      expect(candidate.dueInMs()).toBe(afterMs);
      expect(candidate.send({ kind: 'missed' }).request()).toBeUndefined();
      expect(candidate.wake().request()).toMatchObject({ kind: 'create' });
      candidate.reply({ kind: 'ok', candidate: stored() }).wait(20);
    }
    candidate.wait(60_000);
    expect(deleted().request()).toMatchObject({ kind: 'create' });
    candidate.reply({ kind: 'ok', candidate: stored() });
    expect(deleted().dueInMs()).toBe(500);
  });

  test('is not taken for deleted by a watch that is late', () => {
    const candidate = standing().send({ kind: 'missed' });
    expect(candidate.reply({ kind: 'ok', candidate: stored() }).reports()).toEqual([]);
    expect(candidate.dueInMs()).toBe(300_000);
  });

  test('is written anew over what was written in between', () => {
    const candidate = standing().wait(300_000);
    expect(candidate.reply({ kind: 'conflict' }).request()).toEqual({ kind: 'read' });
    candidate.reply({ kind: 'ok', candidate: stored({ resourceVersion: '15' }) });
    expect(candidate.request()).toMatchObject({ kind: 'renew', base: { resourceVersion: '15' } });
  });

  test('is written anew at once where the watch was faster than the answer', () => {
    const candidate = standing()
      .wait(300_000)
      .sees(stored({ resourceVersion: '16' }));
    expect(candidate.reply({ kind: 'conflict' }).request()).toMatchObject({ base: { resourceVersion: '16' } });
  });

  test.each([
    ['created', () => new Driver().stand(), failed('server-error'), { kind: 'absent' }],
    ['created', () => new Driver().stand(), { kind: 'conflict' }, { kind: 'absent' }],
    ['renewed', () => standing().wait(300_000), failed('server-error'), { kind: 'ok', candidate: stored() }],
    ['renewed', () => standing().wait(300_000), { kind: 'conflict' }, { kind: 'ok', candidate: stored() }],
  ] as const)('that can be read and not be %s is tried ever more rarely, and told of once', (_, start, ill, read) => {
    const candidate = start();
    const waitsMs: number[] = [];
    const told: string[] = [];
    for (let attempt = 0; attempt < 9; attempt += 1) {
      candidate.reply(ill);
      waitsMs.push(candidate.dueInMs());
      told.push(...candidate.reports());
      // After a conflict it is read at once, the first time.
      if (candidate.request() === undefined) candidate.wake();
      expect(candidate.request()).toEqual({ kind: 'read' });
      expect(candidate.reply(read).request()?.kind).toMatch(/create|renew/);
    }
    const atOnce = ill.kind === 'conflict' ? NEVER : 250;
    expect(waitsMs).toEqual([atOnce, 500, 1_000, 2_000, 4_000, 4_000, 4_000, 4_000, 4_000]);
    expect(told).toEqual(['failing']);
    candidate.reply({ kind: 'ok', candidate: stored({ resourceVersion: '30' }) });
    expect(candidate.reports()).toEqual(['standing']);
  });

  test('that is found well by a read, with nothing to write, has no trouble any more', () => {
    const candidate = standing();
    candidate.nowMs = 10_000;
    const pingTime = '2026-01-01T00:00:09.900000Z';
    candidate.sees(stored({ resourceVersion: '11', pingTime })).reply(failed('timeout'));
    for (let reads = 0; reads < 6; reads += 1) candidate.wake().reply(failed('timeout'));
    const answered = stored({ resourceVersion: '12', pingTime, renewTime: '2026-01-01T00:00:10.000000Z' });
    candidate.wake().reply({ kind: 'ok', candidate: answered });
    expect(candidate.reports()).toEqual(['standing']);
    expect(candidate.dueInMs()).toBeGreaterThan(200_000);
    // Asked again, it has time for another try within what the API server waits.
    const again = { ...answered, resourceVersion: '13', pingTime: '2027-01-01T00:00:00.000000Z' };
    expect(candidate.sees(again).reply(failed('timeout')).dueInMs()).toBe(250);
  });

  test('of an older version is taken for outdated, unless it asks what was not answered: etcd was restored', () => {
    const answered = '2026-01-01T00:01:00.000000Z';
    const candidate = standing().sees(stored({ resourceVersion: '1000', renewTime: answered }));
    expect(candidate.sees(stored({ resourceVersion: '11', pingTime: answered })).request()).toBeUndefined();
    const asked = stored({ resourceVersion: '12', pingTime: '2026-01-01T00:02:00.000000Z' });
    expect(candidate.sees(asked).request()).toMatchObject({ kind: 'renew', base: asked });
  });

  test('that was created although no answer came is taken over', () => {
    const candidate = new Driver().stand().reply(failed('timeout'));
    expect(candidate.wake().request()).toEqual({ kind: 'read' });
    candidate.reply({ kind: 'ok', candidate: stored() });
    expect(candidate.request()).toMatchObject({ kind: 'renew' });
    expect(new Driver().stand().reply({ kind: 'conflict' }).request()).toEqual({ kind: 'read' });
  });

  test('is tried again soon, within what the API server waits, and tells of trouble once', () => {
    const candidate = new Driver().stand();
    const told: string[] = [];
    for (const afterMs of [250, 500, 1_000, 2_000, 4_000, 4_000]) {
      candidate.reply(failed('unreachable'));
      told.push(...candidate.reports());
      expect(candidate.dueInMs()).toBe(afterMs);
      candidate.wake();
    }
    expect(told).toEqual(['failing']);
    candidate.reply(failed('throttled', 9_000));
    expect(candidate.dueInMs()).toBe(9_000);
    candidate.wake().reply({ kind: 'absent' }).reply({ kind: 'ok', candidate: stored() });
    expect(candidate.reports()).toEqual(['standing']);
  });

  test('that may not be created is tried again after half a minute', () => {
    const candidate = new Driver().stand().reply(failed('forbidden'));
    expect(candidate.reports()).toEqual(['failing']);
    expect(candidate.settled).toBe(true);
    expect(candidate.dueInMs()).toBe(30_000);
    expect(candidate.wake().request()).toMatchObject({ kind: 'create' });
    const renewing = standing().wait(300_000).reply(failed('forbidden'));
    expect(renewing.wake().request()).toMatchObject({ kind: 'renew' });
  });
});

describe('a candidate that must not be chosen', () => {
  test('is deleted at once, by its uid', () => {
    const candidate = standing().stand(NEVER);
    expect(candidate.effects).toEqual([{ kind: 'remove', base: stored() }]);
    expect(candidate.settled).toBe(false);
    expect(candidate.reply({ kind: 'removed' }).reports()).toEqual(['withdrawn']);
    expect(candidate.settled).toBe(true);
    expect(candidate.dueInMs()).toBe(NEVER);
    // The watch tells late.
    expect(candidate.sees(stored({ resourceVersion: '12' })).send({ kind: 'missed' }).effects).toEqual([]);
  });

  test('for a while comes back after it', () => {
    const candidate = standing().stand(15_000).reply({ kind: 'removed' });
    expect(candidate.dueInMs()).toBe(15_000);
    expect(candidate.wake().request()).toMatchObject({ kind: 'create' });
  });

  test('is deleted as soon as the write under way is answered', () => {
    const candidate = new Driver().stand().stand(NEVER);
    expect(candidate.effects).toEqual([]);
    expect(candidate.settled).toBe(false);
    expect(candidate.reply({ kind: 'ok', candidate: stored() }).request()).toMatchObject({ kind: 'remove' });
    const unknown = new Driver().stand().stand(NEVER).reply(failed('timeout'));
    expect(unknown.wake().request()).toEqual({ kind: 'read' });
    expect(unknown.reply({ kind: 'absent' }).settled).toBe(true);
  });

  test('is deleted after a failure, and answers no question meanwhile', () => {
    const candidate = standing().stand(NEVER).reply(failed('server-error'));
    expect(candidate.dueInMs()).toBe(250);
    expect(candidate.sees(stored({ resourceVersion: '11', pingTime: '2027-01-01T00:00:00.000000Z' })).effects).toEqual(
      [],
    );
    expect(candidate.wake().request()).toMatchObject({ kind: 'remove', base: { resourceVersion: '11' } });
    expect(candidate.reply({ kind: 'conflict' }).wake().request()).toEqual({ kind: 'read' });
  });

  test('is deleted at once, whatever wait the API server imposed on a write before', () => {
    for (const [failure, waitMs, next] of [
      [failed('throttled', 10_000), 10_000, 'read'],
      [failed('forbidden'), 30_000, 'remove'],
    ] as const) {
      const before = standing().wait(300_000).reply(failure);
      expect(before.dueInMs()).toBe(waitMs);
      expect(before.stand(NEVER).request()?.kind).toBe(next);
      const during = standing().wait(300_000).stand(NEVER).reply(failure);
      expect(during.dueInMs()).toBe(250);
    }
    // What is said to the withdrawal itself is heeded, however often it is asked for.
    const withdrawing = standing().stand(NEVER).reply(failed('throttled', 10_000));
    expect(withdrawing.stand(NEVER).dueInMs()).toBe(10_000);
  });

  test('and may not be deleted answers questions at once when it is wanted again', () => {
    const question = stored({ resourceVersion: '11', pingTime: '2027-01-01T00:00:00.000000Z' });
    const stepsDown = standing().stand(15_000).reply(failed('forbidden'));
    expect(stepsDown.dueInMs()).toBe(15_000);
    expect(stepsDown.wake().reports()).toEqual(['standing']);
    expect(stepsDown.dueInMs()).toBe(285_000);
    expect(stepsDown.sees(question).request()).toMatchObject({ kind: 'renew' });
    const paused = standing().stand(NEVER).reply(failed('forbidden')).stand();
    expect(paused.reports()).toEqual(['standing']);
    expect(paused.sees(question).request()).toMatchObject({ kind: 'renew' });
    const meanwhile = standing().stand(NEVER).stand().reply(failed('forbidden'));
    expect(meanwhile.reports()).toEqual([]);
    expect(meanwhile.sees(question).dueInMs()).toBe(250);
    expect(meanwhile.wake().request()).toMatchObject({ kind: 'renew' });
  });

  test('and is gone after a removal without an answer was not deleted by somebody else', () => {
    const candidate = standing().stand(NEVER).reply(failed('timeout')).wake();
    expect(candidate.request()).toEqual({ kind: 'read' });
    expect(candidate.reply({ kind: 'absent' }).reports()).toEqual(['withdrawn']);
  });

  test('is deleted by a process that ends', () => {
    const candidate = standing().send({ kind: 'stop' });
    expect(candidate.request()).toMatchObject({ kind: 'remove' });
    expect(candidate.reply({ kind: 'removed' }).state.phase).toBe('ended');
    expect(candidate.stand().wait(1_000_000).effects).toEqual([]);
    expect(new Driver().send({ kind: 'stop' }).send({ kind: 'stop' }).state.phase).toBe('ended');
  });

  test('is left behind by a process that ends and may not delete it', () => {
    const candidate = standing().send({ kind: 'stop' }).reply(failed('forbidden'));
    expect(candidate.state.phase).toBe('ended');
    expect(candidate.settled).toBe(true);
    const paused = standing().stand(NEVER).reply(failed('forbidden'));
    expect(paused.dueInMs()).toBe(30_000);
    expect(paused.wake().request()).toMatchObject({ kind: 'remove' });
  });

  test('is deleted by a process that ends, although a renewal under way is refused', () => {
    const candidate = standing().wait(300_000).send({ kind: 'stop' }).reply(failed('forbidden'));
    expect(candidate.wake().request()).toMatchObject({ kind: 'remove' });
  });
});
