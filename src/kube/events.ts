import type { Clock } from '../ports/clock.ts';
import type { ClientMetrics } from '../ports/metrics.ts';
import type { KubeClient } from './client.ts';
import type { LeaseName } from './leases.ts';

const EVENT_TIMEOUT_MS = 5_000;
const UNDER_WAY_MAX = 8;

/** The object that an Event is about; Events lie in its namespace. */
export interface Regarding {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string | null;
}

export interface KubeEvent {
  readonly type: 'Normal' | 'Warning';
  /** UpperCamelCase, for machines. */
  readonly reason: string;
  readonly message: string;
  readonly regarding: Regarding;
}

/** What the API server takes. */
const MESSAGE_LENGTH_MAX = 1024;
/** Leaves room for what makes an Event's name unique. */
const NAME_LENGTH_MAX = 200;

export interface EventRecorderOptions {
  readonly client: KubeClient;
  readonly lease: LeaseName;
  readonly podName: string;
  readonly identity: string;
  readonly clock: Clock;
  readonly metrics: ClientMetrics;
}

/** Writes Kubernetes Events. Best effort: what can't be written is counted and dropped. */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #underWay = new Set<Promise<void>>();
  #serial = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** On the Lease, with client-go's reason and words: `what` is e.g. `became leader`. */
  record(what: string, leaseUid: string | null): void {
    const { lease, identity } = this.#options;
    const regarding = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', ...lease, uid: leaseUid };
    this.tell({ type: 'Normal', reason: 'LeaderElection', message: `${identity} ${what}`, regarding });
  }

  /** Does not wait and never fails. */
  tell(event: KubeEvent): void {
    if (this.#underWay.size >= UNDER_WAY_MAX) return this.#options.metrics.eventDropped('busy');
    const sending: Promise<void> = this.#send(event).finally(() => this.#underWay.delete(sending));
    this.#underWay.add(sending);
  }

  /** Waits for what is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #send({ type, reason, message, regarding }: KubeEvent): Promise<void> {
    const { client, podName, identity, clock, metrics } = this.#options;
    const { uid, ...object } = regarding;
    const wall = clock.now().wallMs;
    const time = `${new Date(wall).toISOString().slice(0, 19)}Z`;
    this.#serial += 1;
    const result = await client.call(
      { verb: 'create', apiGroup: '', resource: 'events', optional: true },
      {
        method: 'POST',
        path: `/api/v1/namespaces/${encodeURIComponent(object.namespace)}/events`,
        timeoutMs: EVENT_TIMEOUT_MS,
        body: {
          apiVersion: 'v1',
          kind: 'Event',
          // Names must be unique; client-go uses the object's name and the time in hexadecimal.
          metadata: {
            name: `${object.name.slice(0, NAME_LENGTH_MAX)}.${Math.round(wall).toString(16)}${startSuffix(identity, this.#serial)}`,
            namespace: object.namespace,
          },
          involvedObject: { ...object, ...(uid === null ? {} : { uid }) },
          type,
          reason,
          message: message.slice(0, MESSAGE_LENGTH_MAX),
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
