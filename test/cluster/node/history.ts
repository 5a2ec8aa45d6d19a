/** What a client saw: the pod that served it, or that none did. Times are by the client's clock. */
export type Sample =
  | { readonly pod: string; readonly atMs: number }
  | { readonly failure: string; readonly atMs: number };

export interface Verdict {
  /** The longest time from one service to the next; 0 where it is no longer than `pauseMs`. */
  readonly withoutServiceMs: number;
  /** How long a pod served after a later leader had begun to serve. */
  readonly overlapMs: number;
  /** Requests that were not answered by a leader. */
  readonly failed: number;
  /** Names of the pods that served, one for each change. */
  readonly servedBy: readonly string[];
}

/**
 * Judges what a client saw while the application was disturbed, against what the Lease said meanwhile. No clocks are compared:
 * those who served must have held the Lease in the same order.
 *
 * @param samples - in the order of the answers
 * @param holders - the pods that held the Lease, one for each change, from the one at the first sample on
 * @param pauseMs - what lies between two services of an undisturbed run
 */
export function judge(samples: readonly Sample[], holders: readonly string[], pauseMs: number): Verdict {
  const services = samples.filter((sample) => 'pod' in sample);
  const pauses = services.slice(1).map(({ atMs }, index) => atMs - services[index]!.atMs);
  const longest = Math.max(0, ...pauses);
  return {
    withoutServiceMs: longest > pauseMs ? longest : 0,
    overlapMs: overlapMs(services, holders),
    failed: samples.length - services.length,
    servedBy: services.map(({ pod }) => pod).filter((pod, index, all) => pod !== all[index - 1]),
  };
}

function overlapMs(services: readonly { pod: string; atMs: number }[], holders: readonly string[]): number {
  let term = -1;
  let termSinceMs = 0;
  let worstMs = 0;
  for (const { pod, atMs } of services) {
    if (term >= 0 && holders[term] === pod) continue;
    const later = holders.indexOf(pod, term + 1);
    if (later >= 0) {
      term = later;
      termSinceMs = atMs;
      // At least something, where it served before anybody did.
    } else worstMs = Math.max(worstMs, term < 0 ? 1 : atMs - termSinceMs);
  }
  return worstMs;
}
