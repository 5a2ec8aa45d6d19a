import type { MetricsWithPublishing } from '../api/metrics.ts';
import type { Config, PublishConfig } from '../config/load.ts';
import type { KubeClient } from '../kube/client.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { Leadership } from '../leadership/leadership.ts';
import type { Clock, Random, Timers } from '../ports/clock.ts';
import type { Logger } from '../ports/log.ts';
import type { Publishing } from '../publish/publishing.ts';

export interface PublishPorts {
  readonly leadership: Leadership;
  readonly client: KubeClient;
  readonly events: EventRecorder;
  readonly metrics: MetricsWithPublishing;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Logger;
}

/** Starts to publish what the options ask for. Its code is loaded only then. */
export async function startPublishing(
  { publishers, namespace, service, resyncMs }: PublishConfig,
  { lease, pod }: Pick<Config, 'lease' | 'pod'>,
  { client, events, metrics, ...ports }: PublishPorts,
): Promise<Publishing> {
  const [{ publish }, { PodStore }, { EndpointSliceStore }] = await Promise.all([
    import('../publish/publishing.ts'),
    import('../kube/pods.ts'),
    import('../kube/endpointslices.ts'),
  ]);
  const watchPorts = { client, clock: ports.clock, timers: ports.timers, random: ports.random };
  const regarding = { apiVersion: 'v1', kind: 'Pod', namespace, name: pod.name, uid: pod.uid };
  return publish({
    ...ports,
    ...{ publishers, lease, service, resyncMs },
    pod: { ...pod, namespace },
    metrics: metrics.withPublishing(),
    pods: new PodStore(watchPorts, namespace),
    slices: (names) => new EndpointSliceStore(watchPorts, namespace, names),
    announce: (type, reason, message) => events.tell({ type, reason, message, regarding }),
  });
}
