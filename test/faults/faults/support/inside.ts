import { monoMs } from '../../../cluster/replica/clock.ts';
import type { Answer } from '../../../cluster/replica/history.ts';
import type { Replica } from '../../../cluster/replica/replica.ts';
import { until } from '../../../cluster/replica/until.ts';

/** Node's option by which a replica runs `code` when it gets SIGUSR2, which the product does not know. */
export function onSigusr2(code: string): string {
  return `--import=data:text/javascript,${encodeURIComponent(`process.on('SIGUSR2', () => {${code}});`)}`;
}

/** Has a replica run the code of {@link onSigusr2}. Returns the moment before. */
export function runInside(replica: Replica): number {
  const atMs = monoMs();
  process.kill(replica.pid, 'SIGUSR2');
  return atMs;
}

/**
 * The first answer after a silence: to a question asked since `sinceMs`, or open then, that had to wait for at least
 * `silentMs`. Questions come one at a time, so that there is no other between the silence and this one.
 *
 * @throws Error when the replica was not silent for so long
 */
export function firstAnswerAfterSilence(replica: Replica, silentMs: number, sinceMs: number): Promise<Answer> {
  return until(`${replica.name} answers after a silence of ${silentMs} ms`, 20_000, () =>
    replica.answers.find(({ sentMs, receivedMs }) => receivedMs >= sinceMs && receivedMs - sentMs >= silentMs),
  );
}
