import type { Clock } from '../ports/clock.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { KubeClient } from './client.ts';
import type { LeaseName } from './leases.ts';

const EVENT_TIMEOUT_MS = 5_000;
const UNDER_WAY_MAX = 8;

export interface EventRecorderOptions {
  readonly client: KubeClient;
  readonly lease: LeaseName;
  readonly podName: string;
  readonly identity: string;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** Writes Events on the Lease, with client-go's reason and words. Best effort: what can't be written is counted and dropped. */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #underWay = new Set<Promise<void>>();
  #serial = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** Does not wait and never fails. `what` is e.g. `became leader`. */
  record(what: string, leaseUid: string | null): void {
    if (this.#underWay.size >= UNDER_WAY_MAX) return this.#options.metrics.eventDropped('busy');
    const sending: Promise<void> = this.#send(what, leaseUid).finally(() => this.#underWay.delete(sending));
    this.#underWay.add(sending);
  }

  /** Waits for what is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #send(what: string, leaseUid: string | null): Promise<void> {
    const { client, lease, podName, identity, clock, metrics } = this.#options;
    const wall = clock.now().wallMs;
    const time = `${new Date(wall).toISOString().slice(0, 19)}Z`;
    this.#serial += 1;
    const result = await client.call(
      { verb: 'create', apiGroup: '', resource: 'events', optional: true },
      {
        method: 'POST',
        path: `/api/v1/namespaces/${encodeURIComponent(lease.namespace)}/events`,
        timeoutMs: EVENT_TIMEOUT_MS,
        body: {
          apiVersion: 'v1',
          kind: 'Event',
          // Names must be unique; client-go uses the object's name and the time in hexadecimal.
          metadata: {
            name: `${lease.name}.${Math.round(wall).toString(16)}${startSuffix(identity, this.#serial)}`,
            namespace: lease.namespace,
          },
          involvedObject: {
            apiVersion: 'coordination.k8s.io/v1',
            kind: 'Lease',
            namespace: lease.namespace,
            name: lease.name,
            ...(leaseUid === null ? {} : { uid: leaseUid }),
          },
          type: 'Normal',
          reason: 'LeaderElection',
          message: `${identity} ${what}`,
          source: { component: 'leasegate', host: podName },
          reportingComponent: 'leasegate',
          reportingInstance: podName,
          firstTimestamp: time,
          lastTimestamp: time,
          count: 1,
        },
      },
    );
    if (!result.ok) metrics.eventDropped(result.failure.code);
  }
}

/** Tells apart events of several replicas in one millisecond: the identity's part that is new at each start. */
function startSuffix(identity: string, serial: number): string {
  const start = (identity.split('_').at(-1) ?? '').replaceAll(/[^0-9a-f]/g, '').slice(0, 8);
  return `${start}${serial.toString(16)}`;
}
