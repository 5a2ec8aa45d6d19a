import type { MetricsWithNotifying } from '../api/metrics.ts';
import type { Config } from '../config/load.ts';
import type { NotifyConfig } from '../config/notify-options.ts';
import type { Notifying, NotifyOptions } from '../notify/notify.ts';

export type NotifyPorts = Pick<NotifyOptions, 'leadership' | 'clock' | 'timers' | 'log'> & {
  readonly metrics: MetricsWithNotifying;
};

/**
 * Starts to tell the application of changes as the options ask: by webhook of each of the elections, else of the first, which is
 * the one of the ports. Its code is loaded only then.
 */
export async function startNotifying(
  { webhook, statusFile, signal }: NotifyConfig,
  { leaseDurationMs, renewDeadlineMs }: Config['timings'],
  elections: readonly Pick<NotifyOptions, 'leadership' | 'log'>[],
  { leadership, clock, timers, log, metrics }: NotifyPorts,
): Promise<Notifying> {
  const { notify } = await import('../notify/notify.ts');
  const ports = {
    ...{ clock, timers },
    signaller: {
      ownPid: process.pid,
      kill: (pid: number, name: NodeJS.Signals) => void process.kill(pid, name),
    },
    metrics: metrics.withNotifying(),
  };
  const post = webhook && { ...webhook, url: new URL(webhook.url) };
  const all = [
    notify({
      ...ports,
      ...{ leadership, log },
      statusFile,
      webhook: post,
      signal: signal && { ...signal, lossMsMax: leaseDurationMs - renewDeadlineMs },
    }),
  ];
  if (post !== null) {
    for (const { leadership: other, log: otherLog } of elections.filter((one) => one.leadership !== leadership)) {
      all.push(notify({ ...ports, leadership: other, log: otherLog, statusFile: null, webhook: post, signal: null }));
    }
  }
  return { close: async () => void (await Promise.all(all.map((one) => one.close()))) };
}

/** How long the application may take to end when leadership is given up on purpose. */
export function signalMsMax(config: NotifyConfig | null): number {
  return config?.signal?.graceMs ?? 0;
}
