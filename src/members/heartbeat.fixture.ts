import type { MemberLease, MemberOutcome, StoredMemberLease } from '../ports/members.ts';
import type { RemovalOutcome } from '../ports/request-failure.ts';
import {
  type HeartbeatConfig,
  type HeartbeatEffect,
  type HeartbeatEvent,
  type HeartbeatState,
  heartbeatDueMonoMs,
  initialHeartbeat,
  stepHeartbeat,
} from './heartbeat.ts';

export const CONFIG: HeartbeatConfig = { identity: 'cart-x_2', durationMs: 40_000, intervalMs: 10_000 };
const WALL_MS = Date.UTC(2026, 0, 1);

export function memberLease(overrides: Partial<MemberLease> = {}): StoredMemberLease {
  return {
    name: 'cart-x',
    uid: 'lease-1',
    resourceVersion: '7',
    holder: CONFIG.identity,
    durationMs: 40_000,
    renewTime: '2025-12-31T23:59:59.000000Z',
    profile: { pod: 'cart-0', address: null, version: null, candidate: null, campaigns: null, since: null },
    ...overrides,
    raw: null,
  };
}

/** A heartbeat's steps on a clock that the test moves; all numbers are seconds or milliseconds since its start. */
export class HeartbeatDriver {
  state: HeartbeatState;
  nowMs = 0;
  random = 0;
  reports: string[] = [];

  constructor(config: HeartbeatConfig = CONFIG) {
    this.state = initialHeartbeat(config, { monoMs: 0, wallMs: WALL_MS });
  }

  /** What is asked at once, in short; `-` for nothing. */
  tick(): string {
    return this.#step({ kind: 'tick' });
  }

  reply(outcome: MemberOutcome | RemovalOutcome): string {
    return this.#step({ kind: 'replied', outcome });
  }

  /** The request under way succeeds; a write gives what was written. */
  succeed(): string {
    const { pending } = this.state;
    if (pending?.kind === 'remove') return this.reply({ kind: 'removed' });
    if (pending?.kind !== 'create' && pending?.kind !== 'update') throw new Error('no write is under way');
    const { renewTime, holder } = pending.heartbeat;
    return this.reply({ kind: 'ok', lease: memberLease({ renewTime, holder }) });
  }

  fail(code = 'timeout', retryAfterMs: number | null = null): string {
    return this.reply({ kind: 'failed', code, message: code, retryAfterMs });
  }

  stop(): string {
    return this.#step({ kind: 'stop' });
  }

  /** Lets time pass until something is due. Returns how long that was, and what is asked. */
  next(): readonly [number, string] {
    const dueMs = heartbeatDueMonoMs(this.state);
    const waitedMs = dueMs - this.nowMs;
    this.nowMs = dueMs;
    return [Math.round(waitedMs), this.tick()];
  }

  /** A member that has just written its first heartbeat. */
  static established(config = CONFIG): HeartbeatDriver {
    const driver = new HeartbeatDriver(config);
    driver.tick();
    driver.reply({ kind: 'absent' });
    driver.succeed();
    driver.reports.length = 0;
    return driver;
  }

  #step(event: HeartbeatEvent): string {
    const now = { monoMs: this.nowMs, wallMs: WALL_MS + this.nowMs, random: this.random };
    const [state, effects] = stepHeartbeat(this.state, event, now);
    this.state = state;
    return effects.flatMap((effect) => this.#note(effect)).join(' ') || '-';
  }

  #note(effect: HeartbeatEffect): string[] {
    if (effect.kind !== 'report') return [effect.kind];
    const { kind, ...about } = effect.report;
    this.reports.push(`${kind} ${Object.values(about)[0]}`.trim());
    return [];
  }
}
