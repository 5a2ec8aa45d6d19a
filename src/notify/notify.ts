import type { Leadership } from '../leadership/leadership.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import type { NotifyMetrics } from '../ports/notify-metrics.ts';
import { ApplicationSignal, type Signaller } from './application-signal.ts';
import { StatusFile } from './status-file.ts';
import { Webhook } from './webhook.ts';

export interface NotifyOptions {
  readonly webhook: { readonly url: URL; readonly tokenFile: string | null } | null;
  readonly statusFile: string | null;
  readonly signal: { readonly processName: string; readonly graceMs: number; readonly lossMsMax: number } | null;
  readonly signaller: Signaller;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Logger;
  readonly metrics: NotifyMetrics;
}

export interface Notifying {
  /** Tells of nothing any more, and resolves when nothing is under way and nothing is left. */
  close(): Promise<void>;
}

/** Tells the application of changes, by what the options ask for. To be called before others subscribe: the file goes first. */
export function notify({ webhook, statusFile, signal, signaller, ...ports }: NotifyOptions): Notifying {
  const file = statusFile === null ? null : new StatusFile({ path: statusFile, ...ports });
  const hook = webhook && new Webhook({ ...webhook, ...ports });
  const signals = signal && new ApplicationSignal({ ...signal, signaller, ...ports });
  return {
    close: async () => {
      await Promise.all([file?.close(), hook?.close(), signals?.close()]);
    },
  };
}
