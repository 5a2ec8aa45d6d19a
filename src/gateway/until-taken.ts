import type { Clock } from '../ports/clock.ts';
import type { Gate } from './gate.ts';

/**
 * Between two tries at a leader that does not take work (yet, or any more) while no change is heard of. A new one may be known
 * here some milliseconds before it knows of itself.
 */
const PAUSE_MS_MIN = 5;
const PAUSE_MS_MAX = 1_000;

export interface UntilTakenOptions {
  readonly gate: Gate;
  readonly clock: Clock;
  /** How long to go on, in milliseconds. */
  readonly waitMs: number;
  /** Ends a wait: its work is not there any more. `attempt` then says so. */
  readonly signal: AbortSignal;
  /** `over`: somebody took the work, or it has ended. `unsent`: it was not taken. `no-leader`: there is nobody to ask before the next change. */
  readonly attempt: () => Promise<'over' | 'unsent' | 'no-leader'>;
}

/** Offers work, of which nothing has been sent, to whoever leads. False when nobody took it in time. */
export async function untilTaken({ gate, clock, waitMs, signal, attempt }: UntilTakenOptions): Promise<boolean> {
  const untilMonoMs = clock.now().monoMs + waitMs;
  for (let pauseMs = PAUSE_MS_MIN; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX)) {
    const result = await attempt();
    if (result === 'over') return true;
    const leftMs = untilMonoMs - clock.now().monoMs;
    if (leftMs <= 0) return false;
    await gate.changed(result === 'no-leader' ? leftMs : Math.min(pauseMs, leftMs), signal);
  }
}
