import { LocalApi } from '../cluster/replica/local-api.ts';
import { until } from '../cluster/replica/until.ts';
import type { Pod } from './pod.ts';

const TERM_MS_MAX = 30_000;

/**
 * Lets each of the core lead once, for a moment: a first term compiles code and makes the heap grow, which is no growth in
 * the course of time. All others are paused meanwhile, and at the end nobody is.
 */
export async function leadOnceEach(pods: readonly Pod[]): Promise<void> {
  const others = pods.filter(({ core }) => !core);
  await Promise.all(others.map((pod) => tell(pod, '/pause', { immediate: true })));
  const waiting = new Set(pods.filter(({ core }) => core));
  while (waiting.size > 0) {
    const leader = await until('one of the core leads', TERM_MS_MAX, () => [...waiting].find(hasBegunToLead));
    waiting.delete(leader);
    await tell(leader, '/pause', { immediate: true });
  }
  await Promise.all(pods.map((pod) => tell(pod, '/resume')));
}

/** By its log, which is sooner than its answers. */
function hasBegunToLead({ current }: Pod): boolean {
  return current.log.findLast(({ code }) => code === 'LEADING' || code === 'NOT_LEADING')?.code === 'LEADING';
}

async function tell(pod: Pod, path: string, body?: object): Promise<void> {
  const api = new LocalApi(pod.listen);
  const { status, text } = await api.post(path, body);
  api.close();
  if (status !== 200) throw new Error(`POST ${path} to ${pod.name} answered ${status}: ${text}`);
}
