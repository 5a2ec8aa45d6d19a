import { priorityToPublish } from './candidacy.ts';
import type { LeaseContent, LeaseRecord } from './record.ts';
import type { ElectionState, Tenure } from './state.ts';
import { formatMicroTime, type Instant } from './timing.ts';

type Standing = Pick<ElectionState, 'config' | 'eligible'>;

const TRANSITIONS_MAX = 2 ** 31 - 1;

/**
 * The wall time to write, moved by microseconds until it differs from every one in `taken`. A renewal that repeats the
 * stored time would be no change for the others (and a byte-identical PUT is not even written), so their timers would run
 * on while its sender counts itself renewed.
 */
export function freshRenewTime(now: Instant, taken: readonly (string | null)[]): string {
  let micros = Math.round(now.wallMs * 1_000);
  let time = formatMicroTime(micros);
  while (taken.includes(time)) {
    micros += 1;
    time = formatMicroTime(micros);
  }
  return time;
}

/** What to write to claim the Lease, over `record`, or over nothing when it is missing. */
export function claimContent(state: Standing, record: LeaseRecord | null, now: Instant): LeaseContent {
  const { config } = state;
  const time = freshRenewTime(now, [record?.renewTime ?? null]);
  const changes = record !== null && record.holder !== config.identity;
  return {
    holder: config.identity,
    leaseDurationSeconds: config.timings.leaseDurationMs / 1_000,
    renewTime: time,
    acquireTime: time,
    transitions: Math.min(TRANSITIONS_MAX, (record?.transitions ?? 0) + (changes ? 1 : 0)),
    holderAddress: config.holderAddress,
    holderPriority: priorityToPublish(state),
    nextHolder: '',
  };
}

/** What to write to renew: the term stays as it was acquired. */
export function renewalContent(state: Standing, tenure: Tenure, now: Instant): LeaseContent {
  const { config } = state;
  return {
    holder: config.identity,
    leaseDurationSeconds: config.timings.leaseDurationMs / 1_000,
    renewTime: freshRenewTime(now, [tenure.record.renewTime, ...tenure.unconfirmed.map((write) => write.renewTime)]),
    acquireTime: tenure.acquireTime,
    transitions: tenure.transitions,
    holderAddress: config.holderAddress,
    holderPriority: priorityToPublish(state),
    nextHolder: '',
  };
}

/**
 * What to write to free the Lease: as client-go does, an empty holder and a duration of one second; with the name of the
 * `successor`, if there is one.
 */
export function releaseContent(record: LeaseRecord, successor: string | null, now: Instant): LeaseContent {
  const time = freshRenewTime(now, [record.renewTime]);
  return {
    holder: '',
    leaseDurationSeconds: 1,
    renewTime: time,
    acquireTime: time,
    transitions: record.transitions,
    holderAddress: null,
    holderPriority: null,
    nextHolder: successor ?? '',
  };
}
