import type { MetricsWithNotifying } from '../api/metrics.ts';
import type { Config } from '../config/load.ts';
import type { NotifyConfig } from '../config/notify-options.ts';
import type { Notifying, NotifyOptions } from '../notify/notify.ts';

export type NotifyPorts = Pick<NotifyOptions, 'leadership' | 'clock' | 'timers' | 'log'> & {
  readonly metrics: MetricsWithNotifying;
};

/** Starts to tell the application of changes as the options ask. Its code is loaded only then. */
export async function startNotifying(
  { webhook, statusFile, signal }: NotifyConfig,
  { leaseDurationMs, renewDeadlineMs }: Config['timings'],
  { metrics, ...ports }: NotifyPorts,
): Promise<Notifying> {
  const { notify } = await import('../notify/notify.ts');
  return notify({
    ...ports,
    statusFile,
    webhook: webhook && { ...webhook, url: new URL(webhook.url) },
    signal: signal && { ...signal, lossMsMax: leaseDurationMs - renewDeadlineMs },
    signaller: { ownPid: process.pid, kill: (pid, name) => void process.kill(pid, name) },
    metrics: metrics.withNotifying(),
  });
}

/** How long the application may take to end when leadership is given up on purpose. */
export function signalMsMax(config: NotifyConfig | null): number {
  return config?.signal?.graceMs ?? 0;
}
