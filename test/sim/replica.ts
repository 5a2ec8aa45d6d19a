import { type Coordination, createCoordination } from '../../src/coordinated/coordination.ts';
import type { Candidacy, ElectionTimings } from '../../src/election/index.ts';
import { formatIdentity } from '../../src/election/index.ts';
import { KubeClient } from '../../src/kube/client.ts';
import { LeaseCandidateStore } from '../../src/kube/lease-candidates.ts';
import { LeaseWatch } from '../../src/kube/lease-watch.ts';
import { LeaseStore } from '../../src/kube/leases.ts';
import { Leadership } from '../../src/leadership/leadership.ts';
import { delay } from '../../src/ports/delay.ts';
import type { Logger } from '../../src/ports/log.ts';
import type { Metrics } from '../../src/ports/metrics.ts';
import { ElectionRunner } from '../../src/runner/runner.ts';
import { LEASE, NAMESPACE } from './api-server.ts';
import type { Machine } from './machine.ts';
import { type NetworkObserver, type SimServer, SimTransport } from './network.ts';
import type { Participant } from './participant.ts';
import type { SeededRandom } from './random.ts';
import type { World } from './world.ts';

const nothing = (): void => {};
export const SILENT: Logger = { fatal: nothing, error: nothing, warn: nothing, info: nothing, debug: nothing };
export const UNCOUNTED: Metrics = {
  request: nothing,
  renewed: nothing,
  renewalFailed: nothing,
  slowPath: nothing,
  started: nothing,
  stopped: nothing,
  watchRestarted: nothing,
  watching: nothing,
  candidacy: nothing,
  applicationHealthy: nothing,
  unclaimed: nothing,
  eventDropped: nothing,
};

/** As `leasegate run` waits for the end of the candidate. */
const COORDINATION_LEAVE_MS = 2_000;

/** What its identity is made of. */
export interface ReplicaNames {
  readonly podName: string;
  readonly podUid: string;
  readonly startId: string;
}

export interface ReplicaParts {
  readonly world: World;
  readonly machine: Machine;
  readonly server: SimServer;
  readonly random: SeededRandom;
  readonly observer: NetworkObserver;
  readonly timings: ElectionTimings;
  readonly names: ReplicaNames;
  readonly candidacy: Candidacy;
  /** Version of its application, where the API server chooses who leads. */
  readonly appVersion?: string;
  /** Tells processes apart that share an identity. */
  readonly number: number;
  /** How long the application takes to stop its work. */
  readonly stopWorkMs: number;
  readonly onChange: (replica: Replica, kind: 'started' | 'stopped', token: string | null) => void;
  readonly onFatal: (replica: Replica, error: unknown) => void;
}

/** One process of the product: the real runner, watch, client and leadership, on a virtual machine and network. */
export class Replica implements Participant {
  readonly process: string;
  readonly identity: string;
  readonly names: ReplicaNames;
  readonly machine: Machine;
  readonly transport: SimTransport;
  readonly leadership: Leadership;
  readonly runner: ElectionRunner;
  readonly candidacy: Candidacy;
  readonly #coordination: Coordination | null;
  readonly #timings: ElectionTimings;
  /** The application was told that it leads and trusts that until then, by its own monotonic clock. */
  #trustsUntilMonoMs = Number.NEGATIVE_INFINITY;
  /** Work of an ended tenure is still being stopped, and is waited for until then at most. */
  #stopsByMonoMs: number | null = null;
  /** What the health check has told last. */
  #healthy = true;
  /** The application's process is gone: it acts on nothing, and asks nothing. */
  #applicationEnded = false;
  /** SIGTERM has come: as beside a native sidecar, the application has ended. */
  terminating = false;

  constructor(parts: ReplicaParts) {
    const { world, machine, server, random, observer, timings, names } = parts;
    this.identity = formatIdentity(names.podName, names.podUid, names.startId);
    this.process = `${this.identity}#${parts.number}`;
    this.names = names;
    this.machine = machine;
    this.#timings = timings;
    this.candidacy = parts.candidacy;
    this.transport = new SimTransport({ world, machine, server, random, observer, process: this.process });
    const lease = { namespace: NAMESPACE, name: LEASE };
    const client = new KubeClient({ transport: this.transport, clock: machine, metrics: UNCOUNTED, log: SILENT });
    this.leadership = new Leadership({ identity: this.identity, lease, timings, clock: machine });
    this.leadership.onStop('gateway', async ({ untilMonoMs }) => {
      this.#stopsByMonoMs = untilMonoMs;
      await delay(parts.stopWorkMs, machine);
      this.#stopsByMonoMs = null;
    });
    this.leadership.subscribe(({ kind, answer }) => {
      if (kind !== 'leader-changed') parts.onChange(this, kind, answer.fencingToken);
    });
    this.#coordination = parts.appVersion === undefined ? null : this.#coordinate(parts.appVersion, client, random);
    const coordinated = this.#coordination !== null;
    this.runner = new ElectionRunner({
      election: { identity: this.identity, timings, holderAddress: null, candidacy: parts.candidacy, coordinated },
      leases: new LeaseStore(client, lease),
      watch: (dispatch) =>
        new LeaseWatch({
          client,
          lease,
          handlers: {
            observed: (record, source) => dispatch({ kind: 'observed', source, record }),
            deleted: (record) => dispatch({ kind: 'deleted', record }),
            absent: (resourceVersion) => dispatch({ kind: 'absent', resourceVersion }),
            watching: (up) => dispatch({ kind: 'watching', up }),
          },
          clock: machine,
          timers: machine,
          random: random.next,
          metrics: UNCOUNTED,
          retryPeriodMs: timings.retryPeriodMs,
          requestTimeoutMs: timings.renewDeadlineMs / 2,
        }),
      leadership: this.leadership,
      clock: machine,
      timers: machine,
      random: random.next,
      metrics: UNCOUNTED,
      log: SILENT,
      announce: nothing,
      drainMsMax: timings.renewDeadlineMs,
      stands: (atMonoMs) => this.#coordination?.stand(atMonoMs),
      onFatal: (error) => parts.onFatal(this, error),
    });
  }

  start(): void {
    this.machine.deliver(() => {
      this.runner.start();
      this.#coordination?.start();
    });
  }

  leads(): boolean {
    return this.leadership.isLeader();
  }

  /** Whether it was told not to lead: at all, or for its application's health. */
  barred(): boolean {
    const { neverLead, leadUnhealthy } = this.candidacy;
    return neverLead || !(this.#healthy || leadUnhealthy);
  }

  /** Whether its application may be doing what only a leader may, at this moment. */
  acts(): boolean {
    if (!this.machine.running) return false;
    const trusts = !this.terminating && this.machine.now().monoMs < this.#trustsUntilMonoMs;
    return this.leadership.workValidForMs() > 0 || trusts;
  }

  /** Whether work of a tenure that was ended is still being stopped, within the time that it has. */
  stopping(): boolean {
    return this.#stopsByMonoMs !== null && this.machine.running && this.machine.now().monoMs < this.#stopsByMonoMs;
  }

  /** The application asks and believes the answer for as long as it says. */
  ask(): void {
    if (!this.machine.running || this.terminating || this.#applicationEnded) return;
    const { monoMs } = this.machine.now();
    const { isLeader, validForMs } = this.leadership.answer();
    if (isLeader) this.#trustsUntilMonoMs = Math.max(this.#trustsUntilMonoMs, monoMs + validForMs);
  }

  /** The application is found unhealthy; when it has `ended`, the health check finds that out, too. */
  sicken(ended: boolean): void {
    if (ended) {
      this.#applicationEnded = true;
      this.forget();
    }
    this.machine.deliver(() => {
      this.#healthy = false;
      this.runner.setEligible(false, ended ? 'refused' : 'timeout', { ended });
    });
  }

  /** It works, and is found to. */
  recover(): void {
    this.#applicationEnded = false;
    this.machine.deliver(() => {
      this.#healthy = true;
      this.runner.setEligible(true, 'ok');
    });
  }

  /** A suspend hides time from the application's clock, too; what it believed is given up with it. */
  forget(): void {
    this.#trustsUntilMonoMs = Number.NEGATIVE_INFINITY;
  }

  /** SIGTERM: as `leasegate run` does, hands over and exits. */
  terminate(): void {
    this.terminating = true;
    this.machine.deliver(async () => {
      await this.runner.stop();
      await this.#coordination?.leave(COORDINATION_LEAVE_MS);
      this.machine.end();
    });
  }

  #coordinate(appVersion: string, client: KubeClient, random: SeededRandom): Coordination {
    const { machine, leadership } = this;
    const version = 'v1beta1';
    const store = new LeaseCandidateStore(
      { client, clock: machine, timers: machine, random: random.next },
      { version, lease: { namespace: NAMESPACE, name: LEASE }, identity: this.identity, appVersion, owner: null },
    );
    return createCoordination({
      ...{ leadership, clock: machine, timers: machine, random: random.next, log: SILENT },
      openApi: async () => ({ kind: 'served', version, store }),
      onUnavailable: nothing,
    });
  }

  get timings(): ElectionTimings {
    return this.#timings;
  }
}
