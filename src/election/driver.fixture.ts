import { expect } from 'vitest';
import {
  DEFAULT_CANDIDACY,
  type ElectionConfig,
  type ElectionEffect,
  type ElectionEvent,
  type ElectionState,
  initialState,
  type LeaseContent,
  type LeaseRecord,
  nextWake,
  type RequestOutcome,
  step,
} from './index.ts';

export const TIMINGS = {
  leaseDurationMs: 15_000,
  renewDeadlineMs: 10_000,
  renewIntervalMs: 2_000,
  retryPeriodMs: 2_000,
};
export const ME = 'a_uid-a_1';
export const OTHER = 'b_uid-b_1';
export const CONFIG: ElectionConfig = {
  identity: ME,
  timings: TIMINGS,
  holderAddress: null,
  candidacy: DEFAULT_CANDIDACY,
};

/** A Lease that {@link OTHER} holds, but for `fields`. */
export function lease(fields: Partial<LeaseRecord> = {}): LeaseRecord {
  return {
    uid: 'lease-1',
    resourceVersion: '100',
    holder: OTHER,
    leaseDurationMs: 15_000,
    renewTime: '2026-01-01T00:00:00.000000Z',
    acquireTime: '2026-01-01T00:00:00.000000Z',
    transitions: 3,
    preferredHolder: '',
    holderAddress: null,
    holderPriority: null,
    nextHolder: '',
    challenger: null,
    raw: {},
    ...fields,
  };
}

/** What the store holds after `content` was written as `resourceVersion`. */
export function stored(content: LeaseContent, resourceVersion: string, uid = 'lease-1'): LeaseRecord {
  const { leaseDurationSeconds, ...same } = content;
  return lease({ uid, resourceVersion, ...same, leaseDurationMs: leaseDurationSeconds * 1_000 });
}

type EffectKind = ElectionEffect['kind'];
type Effect<Kind extends EffectKind> = Extract<ElectionEffect, { kind: Kind }>;

/** Drives `step` by hand, with a clock that only the test moves. */
export class Driver {
  state: ElectionState;
  nowMs = 0;
  /** Wall clock minus monotonic clock. */
  wallAheadMs = Date.UTC(2026, 0, 2);
  /** Effects of the last event. */
  effects: readonly ElectionEffect[] = [];

  constructor(config: Partial<ElectionConfig> = {}) {
    this.state = initialState({ ...CONFIG, ...config });
  }

  send(event: ElectionEvent): this {
    const now = { monoMs: this.nowMs, wallMs: this.nowMs + this.wallAheadMs };
    [this.state, this.effects] = step(this.state, event, now);
    return this;
  }

  /** Time passes; nothing happens. */
  wait(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  tick(): this {
    return this.send({ kind: 'tick' });
  }

  /** Milliseconds until the election wants to be woken, without jitter; null when only an event can wake it. */
  wakeInMs(): number | null {
    const wake = nextWake(this.state);
    return wake === null ? null : Math.max(0, wake.atMonoMs - this.nowMs);
  }

  /** Waits until the next wake and ticks. */
  wake(): this {
    return this.wait(this.wakeInMs()!).tick();
  }

  sees(record: LeaseRecord, source: 'watch' | 'list' = 'watch'): this {
    return this.send({ kind: 'observed', source, record });
  }

  watching(up: boolean): this {
    return this.send({ kind: 'watching', up });
  }

  /** Answers the request under way. */
  reply(outcome: RequestOutcome): this {
    return this.send({ kind: 'replied', requestId: this.state.pending!.id, outcome });
  }

  /** Finds the Lease missing at every look, until something else than a look is due. */
  findNothing(): this {
    for (let looks = 0; this.wake().kinds()[0] === 'read'; looks++) {
      expect(looks, 'looks for a Lease that is never claimed').toBeLessThan(100);
      this.reply({ kind: 'absent' });
    }
    return this;
  }

  /** Finds the Lease as it is at every look, until something else than a look is due. */
  findUnchanged(): this {
    for (let looks = 0; this.wake().kinds()[0] === 'read'; looks++) {
      expect(looks, 'looks for a Lease that is never claimed').toBeLessThan(100);
      const { sighting } = this.state;
      if (sighting.kind !== 'present') throw new Error(`the Lease is ${sighting.kind}`);
      this.reply({ kind: 'ok', record: sighting.record });
    }
    return this;
  }

  all<Kind extends EffectKind>(kind: Kind): Effect<Kind>[] {
    return this.effects.filter((effect): effect is Effect<Kind> => effect.kind === kind);
  }

  /** The one effect of this kind that the last event had. */
  the<Kind extends EffectKind>(kind: Kind): Effect<Kind> {
    expect(this.effects.map((effect) => effect.kind)).toContain(kind);
    return this.all(kind)[0]!;
  }

  /** What kinds of effects the last event had, reports left out. */
  kinds(): EffectKind[] {
    return this.effects.map((effect) => effect.kind).filter((kind) => kind !== 'report');
  }

  /** What the last event reported. */
  reports(): string[] {
    return this.all('report').map(({ report }) => report.kind);
  }

  get leads(): boolean {
    return this.state.tenure !== null;
  }

  /** What is left of the tenure. */
  validForMs(): number {
    return this.state.tenure!.validity.validUntilMonoMs - this.nowMs;
  }
}

/** A standby that watches `record` since 0. */
export function standby(record: LeaseRecord = lease(), config: Partial<ElectionConfig> = {}): Driver {
  return new Driver(config).sees(record, 'list').watching(true);
}

/** A standby that watches since 0, when the first listing found no Lease. */
export function unled(config: Partial<ElectionConfig> = {}): Driver {
  return new Driver(config).send({ kind: 'absent', resourceVersion: '9' }).watching(true);
}

/**
 * A leader since 0, whose claim (version 101) replaced a free Lease (100); `record` is what the store holds.
 */
export function leader(config: Partial<ElectionConfig> = {}): { replica: Driver; record: LeaseRecord } {
  const replica = standby(lease({ holder: '' }), config).tick();
  const record = stored(replica.the('update').content, '101');
  replica.reply({ kind: 'ok', record });
  return { replica, record };
}

export const UNKNOWN: RequestOutcome = { kind: 'unknown', code: 'timeout' };
export const CONFLICT: RequestOutcome = { kind: 'conflict' };
export const REFUSED: RequestOutcome = { kind: 'refused', code: 'throttled', retryAfterMs: null };
