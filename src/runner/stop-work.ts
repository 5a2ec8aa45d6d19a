import { type Leadership, STOP_STAGES, type StopContext } from '../leadership/leadership.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import { endableDelay } from '../ports/delay.ts';
import type { Logger } from '../ports/log.ts';

/**
 * Runs the hooks that end a tenure's work, stage by stage. A hook that fails or overruns its time is logged and left behind:
 * what it guards checks the deadline itself.
 */
export async function stopWork(
  leadership: Leadership,
  context: StopContext,
  ports: { clock: Clock; timers: Timers; log: Logger },
): Promise<void> {
  for (const stage of STOP_STAGES) {
    const running = leadership.stopHooks(stage).map(async (hook) => hook(context));
    if (running.length === 0) continue;
    const ended = Promise.allSettled(running).then((results) => {
      for (const result of results) {
        if (result.status === 'rejected') {
          ports.log.error(
            { code: 'STOP_HOOK_FAILED', stage, error: String(result.reason) },
            `stopping ${stage} failed`,
          );
        }
      }
      return true;
    });
    const leftMs = context.untilMonoMs - ports.clock.now().monoMs;
    const limit = endableDelay(leftMs, ports.timers);
    const inTime = await Promise.race([ended, limit.over.then(() => false)]);
    limit.end();
    if (!inTime)
      ports.log.warn({ code: 'STOP_HOOK_SLOW', stage }, `${stage} did not stop in time and is not waited for`);
  }
}
