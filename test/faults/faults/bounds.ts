import { BRISK, type Timings } from '../../cluster/replica/replica.ts';

/** What a busy machine may need beyond the promise: starting processes, handshakes, requests that wait for a core. */
const BUSY_MS = 2_000;

/** `5s` and `500ms` in milliseconds. */
export function ms(duration: string): number {
  return duration.endsWith('ms') ? Number.parseFloat(duration) : Number.parseFloat(duration) * 1_000;
}

/**
 * The promise of liveness: somebody leads again within leaseDuration + 2.2 × retryPeriod + latency, from the moment that a
 * majority of requests can be served. A record that was renewed last at that moment stands for its duration; who tried just
 * before tries again after at most 2.2 retry periods.
 */
export function takeoverWithinMs(timings: Timings = BRISK): number {
  return ms(timings.leaseDuration) + 2.2 * ms(timings.retryPeriod) + BUSY_MS;
}

/** Long enough that every lease and claim of before is over, and others have had time to take over. */
export function pastTheLeaseMs(timings: Timings = BRISK): number {
  return ms(timings.leaseDuration) + 2 * ms(timings.retryPeriod);
}

/** For how long a fault of the leader goes on beside its successor. */
export const AFTER_THE_TAKEOVER_MS = 1_000;
