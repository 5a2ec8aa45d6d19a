import type { Fault } from '../fault.ts';
import { answering, behindProxy, status } from './behind-proxy.ts';
import { pastTheLeaseMs, takeoverWithinMs } from './bounds.ts';

const RETRY_AFTER_MS = 3_000;

export const answers: readonly Fault[] = [
  behindProxy({
    name: '429 to every request, Retry-After: 3',
    recoversFrom: 'end',
    // Who was told to come back in three seconds does.
    recoversWithinMs: takeoverWithinMs() + RETRY_AFTER_MS,
    strike: (stage, proxy) =>
      answering(stage, proxy, () => status(429, { 'Retry-After': '3' }), {
        forMs: pastTheLeaseMs(),
        cutWatches: true,
      }),
  }),
  behindProxy({
    name: '429 to two of three requests, Retry-After: 1',
    recoversFrom: 'begin',
    recoversWithinMs: takeoverWithinMs(),
    strike: (stage, proxy) => {
      let count = 0;
      return answering(stage, proxy, () => (++count % 3 === 0 ? null : status(429, { 'Retry-After': '1' })), {
        forMs: pastTheLeaseMs(),
        cutWatches: false,
      });
    },
  }),
  behindProxy({
    name: '500 to every request',
    recoversFrom: 'end',
    recoversWithinMs: takeoverWithinMs(),
    strike: (stage, proxy) => answering(stage, proxy, () => status(500), { forMs: pastTheLeaseMs(), cutWatches: true }),
  }),
  behindProxy({
    name: 'writes are stored, but their answers are lost',
    recoversFrom: 'begin',
    // Nothing hinders a leader from reading what it wrote.
    recoversWithinMs: takeoverWithinMs(),
    strike: (stage, proxy) =>
      answering(stage, proxy, (method) => (method === 'PUT' ? { kind: 'lose-answer' } : null), {
        forMs: pastTheLeaseMs(),
        cutWatches: false,
      }),
  }),
  behindProxy({
    name: 'writes are stored, but all answers are lost',
    recoversFrom: 'end',
    recoversWithinMs: takeoverWithinMs(),
    strike: (stage, proxy) =>
      answering(stage, proxy, () => ({ kind: 'lose-answer' }), { forMs: pastTheLeaseMs(), cutWatches: true }),
  }),
];
