import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Candidacy, campaigns, DEFAULT_CANDIDACY } from './candidacy.ts';
import { CONFIG, lease, ME, OTHER, stored, TIMINGS } from './driver.fixture.ts';
import {
  type ElectionEffect,
  type ElectionEvent,
  type ElectionState,
  InvariantError,
  initialState,
  type LeaseContent,
  type LeaseRecord,
  nextWake,
  type RequestOutcome,
  step,
} from './index.ts';
import { assertInvariants } from './invariants.ts';
import { sameRenewal } from './record.ts';
import { clockJumpToleranceMs, type Instant } from './timing.ts';

const PREDECESSOR = 'a_uid-a_0';
const INT32_MAX = 2 ** 31 - 1;
const REQUESTS = ['read', 'create', 'update'];

/** What a record, wherever it comes from, may say: what is known, or what was written here, but for some fields. */
const fields = fc.record(
  {
    uid: fc.constantFrom('lease-1', 'lease-2'),
    holder: fc.constantFrom('', ME, OTHER, PREDECESSOR, 'of another format', '__proto__'),
    leaseDurationMs: fc.constantFrom(0, 1_000, 15_000, 20_000, INT32_MAX * 1_000),
    renewTime: fc.constantFrom(null, '', '2026-01-01T00:00:00.000001Z', '9999-12-31T23:59:59.999999Z', 'yesterday'),
    acquireTime: fc.constantFrom(null, '2026-01-01T00:00:00.000001Z'),
    transitions: fc.constantFrom(0, 4, INT32_MAX),
    preferredHolder: fc.constantFrom('', ME, OTHER),
    holderPriority: fc.constantFrom(null, -1, 0, 5, 10),
    nextHolder: fc.constantFrom('', ME, OTHER, PREDECESSOR),
    challenger: fc.constantFrom(null, { identity: OTHER, priority: 7 }, { identity: ME, priority: 3 }),
  },
  { requiredKeys: [] },
);
const sighting = fc.record({
  like: fc.constantFrom('nothing', 'known', 'written'),
  newer: fc.integer({ min: -3, max: 3 }),
  fields: fc.oneof(fields, fc.constantFrom({}, { preferredHolder: OTHER }, { holderPriority: 0 })),
});
type Sighting = typeof sighting extends fc.Arbitrary<infer T> ? T : never;

const kind = <K extends string>(name: K) => fc.constant({ kind: name });
const command = fc.oneof(
  { weight: 10, arbitrary: kind('wake') },
  { weight: 2, arbitrary: kind('tick') },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.oneof(fc.nat({ max: 3_000 }), fc.nat({ max: 40_000 }), fc.constantFrom(0, 1, 9_999, 10_000, 15_000)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('wall' as const), ms: fc.integer({ min: -5_000, max: 5_000 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('observed' as const),
      source: fc.constantFrom('watch' as const, 'list' as const),
      sighting,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deleted' as const), sighting }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('absent' as const), newer: fc.integer({ min: -3, max: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('watching' as const), up: fc.boolean() }) },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('reply' as const),
      what: fc.oneof(
        { weight: 4, arbitrary: fc.constant('ok' as const) },
        fc.constantFrom('absent' as const, 'conflict' as const, 'refused' as const, 'unknown' as const),
      ),
      late: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, fc.constant(true)),
      newer: fc.integer({ min: 0, max: 3 }),
      sighting,
      retryAfterMs: fc.constantFrom(null, 0, 1_000, 1e9),
    }),
  },
  { weight: 3, arbitrary: kind('work-stopped') },
  { weight: 1, arbitrary: fc.oneof(kind('step-down'), kind('pause'), kind('resume')) },
  { weight: 1, arbitrary: fc.oneof(kind('resume'), kind('resume'), kind('retire'), kind('stop')) },
  {
    weight: 2,
    arbitrary: fc.oneof(
      fc.constantFrom(
        { kind: 'eligible' as const, value: true },
        { kind: 'eligible' as const, value: true },
        { kind: 'eligible' as const, value: false },
        { kind: 'step-down' as const, to: OTHER },
        { kind: 'stand-back' as const, value: true },
        { kind: 'stand-back' as const, value: false },
      ),
    ),
  },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

interface Sent {
  readonly purpose: 'read' | 'acquire' | 'renew' | 'release' | 'challenge';
  readonly at: Instant;
  readonly content: LeaseContent | null;
  readonly uid: string | null;
  readonly timeoutMs: number;
}

/** Plays a history against `step` and judges each step by what was sent and received, not by what the state says of it. */
class Trial {
  state: ElectionState;
  monoMs = 0;
  wallMs = Date.UTC(2026, 0, 2);
  version = 100;
  readonly sent = new Map<number, Sent>();
  readonly received: { readonly record: LeaseRecord; readonly atMonoMs: number }[] = [];
  /** Writes that the store is known to have taken, by the moment before they were sent. */
  readonly acknowledged = new Set<number>();
  leads = false;
  workStops = false;
  /** After a refusal a standby asks nothing before this, unless it had something to free meanwhile. */
  patientUntilMonoMs = 0;

  constructor(candidacy: Candidacy = CONFIG.candidacy, coordinated = false) {
    this.state = initialState({ ...CONFIG, candidacy, coordinated });
  }

  run(commands: readonly Command[]): this {
    for (const one of commands) this.perform(one);
    return this;
  }

  perform(one: Command): void {
    switch (one.kind) {
      case 'wait':
        this.monoMs += one.ms;
        this.wallMs += one.ms;
        return;
      case 'wall':
        this.wallMs += one.ms;
        return;
      case 'wake': {
        const waitMs = Math.max(0, (nextWake(this.state)?.atMonoMs ?? this.monoMs) - this.monoMs);
        if (waitMs > 2 ** 41) return;
        this.perform({ kind: 'wait', ms: waitMs });
        return this.send({ kind: 'tick' });
      }
      case 'observed':
        return this.send({ kind: 'observed', source: one.source, record: this.recordOf(one.sighting) });
      case 'deleted':
        return this.send({ kind: 'deleted', record: this.recordOf(one.sighting) });
      case 'absent':
        return this.send({ kind: 'absent', resourceVersion: String(this.version + one.newer) });
      case 'reply':
        return this.reply(one);
      case 'work-stopped':
        // The caller says so once, after it was asked to stop work.
        return this.workStops ? this.send(one) : undefined;
      default:
        return this.send(one as ElectionEvent);
    }
  }

  recordOf({ like, newer, fields }: Sighting): LeaseRecord {
    const { sighting } = this.state;
    const known = sighting.kind === 'present' ? sighting.record : lease();
    const written = [...this.sent.values()].findLast(({ content }) => content !== null)?.content;
    const base = like === 'nothing' ? lease() : like === 'known' ? known : written ? stored(written, '0') : known;
    return { ...base, resourceVersion: this.at(newer), ...fields };
  }

  at(newer: number): string {
    const version = String(Math.max(1, this.version + newer));
    this.version = Math.max(this.version, this.version + newer);
    return version;
  }

  /** Answers as a store might: a write that is acknowledged is stored as it was sent. */
  reply({ what, late, newer, sighting, retryAfterMs }: Extract<Command, { kind: 'reply' }>): void {
    const requestId = late ? Math.max(1, this.state.nextRequestId - 2) : this.state.pending?.id;
    const request = requestId === undefined ? undefined : this.sent.get(requestId);
    if (requestId === undefined || request === undefined) return;
    const ok = (): RequestOutcome => {
      if (request.content === null) return { kind: 'ok', record: this.recordOf(sighting) };
      if (requestId === this.state.pending?.id) this.acknowledged.add(request.at.monoMs);
      return { kind: 'ok', record: stored(request.content, this.at(newer), request.uid ?? 'lease-3') };
    };
    const outcomes: Record<typeof what, () => RequestOutcome> = {
      ok,
      absent: () => ({ kind: 'absent' }),
      conflict: () => ({ kind: 'conflict' }),
      refused: () => ({ kind: 'refused', code: 'throttled', retryAfterMs }),
      unknown: () => ({ kind: 'unknown', code: 'timeout' }),
    };
    const waits = what === 'refused' && request.purpose !== 'release' && requestId === this.state.pending?.id;
    if (waits && this.state.tenure === null && this.state.releaseByMonoMs === null && !this.workStops) {
      this.patientUntilMonoMs = this.monoMs + Math.max(retryAfterMs ?? 0, TIMINGS.retryPeriodMs);
    }
    this.send({ kind: 'replied', requestId, outcome: outcomes[what]() });
  }

  /** The request under way gets no answer. */
  timeOut(): void {
    const requestId = this.state.pending!.id;
    this.perform({ kind: 'wait', ms: this.sent.get(requestId)!.timeoutMs });
    this.send({ kind: 'replied', requestId, outcome: { kind: 'unknown', code: 'timeout' } });
  }

  send(event: ElectionEvent): void {
    const now = { monoMs: this.monoMs, wallMs: this.wallMs };
    this.receive(event);
    const before = deepFreeze(this.state);
    const [state, effects] = step(before, deepFreeze(event), now);
    expect(step(structuredClone(before), structuredClone(event), now), 'pure').toStrictEqual([state, effects]);
    expect(revived(state), 'plain data').toStrictEqual(state);
    this.state = state;
    if (event.kind === 'work-stopped') this.workStops = false;
    for (const effect of effects) this.judge(effect, now);
    assertInvariants(state);
    this.judgeTenure(now);
    this.judgeTimer(event, now);
  }

  receive(event: ElectionEvent): void {
    const record =
      'record' in event
        ? event.record
        : event.kind === 'replied' && event.outcome.kind === 'ok'
          ? event.outcome.record
          : null;
    if (record === null) return;
    this.received.push({ record, atMonoMs: this.monoMs });
    // A read that shows a write of ours tells that it was taken.
    if (event.kind !== 'replied' || event.requestId !== this.state.pending?.id || record.holder !== ME) return;
    for (const { content, at } of this.sent.values()) {
      if (content?.renewTime === record.renewTime) this.acknowledged.add(at.monoMs);
    }
  }

  judge(effect: ElectionEffect, now: Instant): void {
    if (REQUESTS.includes(effect.kind)) return this.judgeRequest(effect as never, now);
    if (effect.kind === 'released') this.patientUntilMonoMs = 0;
    if (effect.kind === 'started') {
      expect([this.leads, this.workStops], 'one term at a time').toEqual([false, false]);
      this.leads = true;
    }
    if (effect.kind === 'stop-work') {
      expect(this.leads, 'work stops once per term').toBe(true);
      this.leads = false;
      this.workStops = true;
      this.patientUntilMonoMs = 0;
    }
  }

  judgeRequest(effect: Extract<ElectionEffect, { requestId: number }>, now: Instant): void {
    const { pending, tenure } = this.state;
    expect(this.sent.has(effect.requestId), 'each request has an id of its own').toBe(false);
    expect(pending?.id, 'one request is under way').toBe(effect.requestId);
    expect(effect.timeoutMs, 'each request is bounded').toBeGreaterThan(0);
    if (tenure !== null) expect(now.monoMs + effect.timeoutMs).toBeLessThanOrEqual(tenure.validity.validUntilMonoMs);
    const purpose = pending!.purpose;
    const content = effect.kind === 'create' || effect.kind === 'update' ? effect.content : null;
    const uid = effect.kind === 'update' ? effect.base.uid : null;
    this.sent.set(effect.requestId, { purpose, at: now, content, uid, timeoutMs: effect.timeoutMs });
    if (tenure === null && this.state.desire === 'campaign' && purpose !== 'release') {
      expect(now.monoMs, 'a refusal is not answered by the next try').toBeGreaterThanOrEqual(this.patientUntilMonoMs);
    }
    if (effect.kind === 'challenge') this.judgeChallenge(effect.base);
    if (this.state.config.coordinated) this.judgeCoordinated(effect, purpose);
    if (content === null) return;
    expect(content.renewTime, 'a time that the API server takes').toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(Number.isInteger(content.leaseDurationSeconds) && content.leaseDurationSeconds > 0).toBe(true);
    expect(Number.isInteger(content.transitions) && content.transitions <= INT32_MAX).toBe(true);
    if (effect.kind === 'update') {
      expect(effect.base.renewTime, 'no write repeats the stored time').not.toBe(content.renewTime);
      if (purpose !== 'acquire') expect(effect.base.holder, 'only our own record is renewed or freed').toBe(ME);
    }
    expect(
      content.holder === '' ? content.holderPriority : content.nextHolder || null,
      'each for its state',
    ).toBeNull();
    if (purpose === 'acquire') expect(campaigns(this.state), 'only a candidate claims').toBe(true);
    if (purpose === 'renew') return;
    expect([this.leads, this.workStops], 'claims and releases begin when work has ended').toEqual([false, false]);
    if (purpose === 'acquire' && effect.kind === 'update') this.judgeTakeover(effect.base, now);
  }

  /** Who is named in the Lease is not for a replica to say: nothing is created, nobody asked, and only the own name claimed. */
  judgeCoordinated(effect: Extract<ElectionEffect, { requestId: number }>, purpose: string): void {
    expect(effect.kind).not.toBe('create');
    expect(effect.kind).not.toBe('challenge');
    if (purpose !== 'acquire' || effect.kind !== 'update') return;
    expect(effect.base.holder).toBe(ME);
    expect(['', ME], 'and not over the wish for another').toContain(effect.base.preferredHolder);
  }

  /** Only a healthy standby asks, and only one of lower priority. */
  judgeChallenge(base: LeaseRecord): void {
    const { config, eligible, tenure } = this.state;
    expect([tenure, eligible, campaigns(this.state), ['', ME].includes(base.holder)]).toEqual([
      null,
      true,
      true,
      false,
    ]);
    expect(base.holderPriority).toBeLessThan(config.candidacy.priority);
    expect(config.candidacy.preempt || base.holderPriority === -1, 'unless told to, only of the unhealthy').toBe(true);
  }

  /** Another's record is replaced only after it was first received at least its own duration ago. */
  judgeTakeover(base: LeaseRecord, now: Instant): void {
    if (['', ME, PREDECESSOR].includes(base.holder)) return;
    const seen = this.received.find(({ record }) => sameRenewal(record, base));
    const waitMs = base.leaseDurationMs || TIMINGS.leaseDurationMs;
    expect(seen, 'only what was seen is claimed').toBeDefined();
    expect(now.monoMs - seen!.atMonoMs, 'the record is waited out').toBeGreaterThanOrEqual(waitMs);
  }

  /** Leadership ends at the deadline of a write that the store took, counted from before it was sent. */
  judgeTenure(now: Instant): void {
    const { tenure } = this.state;
    expect(tenure !== null && tenure.handOver === null).toBe(this.leads);
    if (tenure === null) return;
    const { basis, validUntilMonoMs } = tenure.validity;
    expect(now.monoMs, 'never acts past its deadline').toBeLessThan(validUntilMonoMs);
    expect(validUntilMonoMs - basis.monoMs).toBe(TIMINGS.renewDeadlineMs);
    expect(this.acknowledged.has(basis.monoMs), 'the deadline is that of an acknowledged write').toBe(true);
    const driftMs = now.wallMs - basis.wallMs - (now.monoMs - basis.monoMs);
    expect(Math.abs(driftMs), 'no longer than the clocks agree').toBeLessThanOrEqual(clockJumpToleranceMs(TIMINGS));
  }

  judgeTimer(event: ElectionEvent, now: Instant): void {
    const wake = nextWake(this.state);
    const { tenure } = this.state;
    if (tenure !== null) expect(wake?.atMonoMs).toBeLessThanOrEqual(tenure.validity.validUntilMonoMs);
    if (wake === null) return;
    expect(wake.jitterMsMax).toBeGreaterThanOrEqual(0);
    if (event.kind === 'tick') expect(wake.atMonoMs, 'a tick leaves nothing to do at once').toBeGreaterThan(now.monoMs);
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}

/** The state from its JSON, in which "never" and "any time" have no number. */
function revived(state: ElectionState): unknown {
  const text = JSON.stringify(state, (_, value) =>
    Math.abs(value) === Number.POSITIVE_INFINITY ? `#${value}` : value,
  );
  return JSON.parse(text, (_, value) => (/^#-?Infinity$/.test(value) ? Number(value.slice(1)) : value));
}

const history = fc.array(command, { maxLength: 80, size: 'max' });

const candidacy = fc.oneof(
  fc.constant(DEFAULT_CANDIDACY),
  fc.record<Candidacy>(
    {
      priority: fc.constantFrom(0, 5, 10),
      preempt: fc.boolean(),
      neverLead: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
      leadUnhealthy: fc.boolean(),
    },
    { noNullPrototype: true },
  ),
);

test('whatever happens in whatever order, each step keeps the rules: no throw, no act past a deadline, no timer in the past', () => {
  fc.assert(
    fc.property(candidacy, fc.boolean(), history, (told, coordinated, commands) => {
      new Trial(told, coordinated).run(commands);
    }),
    { numRuns: 250 },
  );
});

test('whatever happened before, a stop ends within a few wakes, though every request fails', () => {
  fc.assert(
    fc.property(candidacy, fc.boolean(), history, (told, coordinated, commands) => {
      const trial = new Trial(told, coordinated).run(commands);
      trial.send({ kind: 'stop' });
      for (let wakes = 0; !trial.state.finished; wakes++) {
        expect(wakes, 'wakes before the end').toBeLessThan(20);
        if (trial.workStops) trial.perform({ kind: 'work-stopped' });
        else if (nextWake(trial.state) !== null) trial.perform({ kind: 'wake' });
        else trial.timeOut();
      }
      const requests = trial.sent.size;
      for (const after of ['wake', 'tick', 'resume'] as const) trial.perform({ kind: after });
      expect([trial.sent.size, trial.leads, nextWake(trial.state)]).toEqual([requests, false, null]);
    }),
    { numRuns: 120 },
  );
});

test('an answer that cannot be true is a broken invariant, or means nothing; it is never any other failure', () => {
  const lie = fc.record({ sighting, requestId: fc.integer({ min: -1, max: 3 }) });
  fc.assert(
    fc.property(history, lie, (commands, { sighting, requestId }) => {
      const trial = new Trial().run(commands);
      const { state, monoMs, wallMs } = trial;
      const id = state.pending === null ? requestId : state.pending.id;
      const outcome: RequestOutcome = { kind: 'ok', record: trial.recordOf(sighting) };
      try {
        const [next] = step(state, { kind: 'replied', requestId: id, outcome }, { monoMs, wallMs });
        assertInvariants(next);
      } catch (error) {
        expect(error).toBeInstanceOf(InvariantError);
      }
    }),
    { numRuns: 120 },
  );
});
