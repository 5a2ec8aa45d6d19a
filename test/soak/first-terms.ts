import { LocalApi } from '../cluster/replica/local-api.ts';
import { until } from '../cluster/replica/until.ts';
import type { Pod } from './pod.ts';

const TERM_MS_MAX = 30_000;

/**
 * Lets each of the core lead once, for a moment: a first term compiles code and makes the heap grow, which is no growth in
 * the course of time. All others are paused meanwhile, and at the end nobody is.
 */
export async function leadOnceEach(pods: readonly Pod[]): Promise<void> {
  const apis = new Map(pods.map((pod) => [pod, new LocalApi(pod.listen)]));
  const tell = (pod: Pod, path: string, body?: object) => apis.get(pod)!.post(path, body);
  const core = pods.filter((pod) => pod.core);
  try {
    await Promise.all(pods.filter((pod) => !pod.core).map((pod) => tell(pod, '/pause', { immediate: true })));
    const waiting = new Set(core);
    while (waiting.size > 0) {
      const leader = await until('one of the core leads', TERM_MS_MAX, () =>
        [...waiting].find(
          ({ current }) =>
            current.log.findLast(({ code }) => code === 'LEADING' || code === 'RELEASED')?.code === 'LEADING',
        ),
      );
      waiting.delete(leader);
      await tell(leader, '/pause', { immediate: true });
    }
    await Promise.all(pods.map((pod) => tell(pod, '/resume')));
  } finally {
    for (const api of apis.values()) api.close();
  }
}
