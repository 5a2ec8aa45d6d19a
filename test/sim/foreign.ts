import type { ElectionTimings } from '../../src/election/index.ts';
import type { KubeReply, KubeRequest } from '../../src/kube/transport.ts';
import type { Machine } from './machine.ts';
import type { SimTransport } from './network.ts';
import type { Participant } from './participant.ts';
import type { SeededRandom } from './random.ts';

export interface ForeignElectorParts {
  readonly process: string;
  readonly identity: string;
  readonly machine: Machine;
  readonly transport: SimTransport;
  readonly random: SeededRandom;
  readonly timings: ElectionTimings;
  readonly releaseOnCancel: boolean;
  readonly namespace: string;
  readonly lease: string;
  readonly onChange: (kind: 'started' | 'stopped') => void;
  /** It has ended, as client-go's users do when they have lost. */
  readonly onExit: () => void;
}

interface Spec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly renewTime?: string;
  readonly acquireTime?: string;
  readonly leaseTransitions?: number;
}

interface Lease {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly spec?: Spec;
}

/**
 * An elector that behaves on the wire as client-go's does, with its hazards: it counts from the acknowledgement, goes on
 * until its deadline whatever it sees, frees the Lease before its work has stopped, may wipe a successor's, and creates a
 * missing Lease at once.
 */
export class ForeignElector implements Participant {
  readonly process: string;
  readonly identity: string;
  readonly machine: Machine;
  readonly transport: SimTransport;
  readonly #parts: ForeignElectorParts;
  /** The Lease as last read or written; its resourceVersion goes with the next write. */
  #lease: Lease | null = null;
  #observed: Spec = {};
  #observedText = '';
  #observedAtMonoMs = 0;
  #working = false;
  #cancelled = false;
  #wake: () => void = () => {};

  constructor(parts: ForeignElectorParts) {
    this.#parts = parts;
    this.process = parts.process;
    this.identity = parts.identity;
    this.machine = parts.machine;
    this.transport = parts.transport;
  }

  start(): void {
    this.machine.deliver(() => void this.#run());
  }

  terminate(): void {
    this.machine.deliver(() => {
      this.#cancelled = true;
      this.#wake();
    });
  }

  /** Whether its work goes on, rightly or not. */
  acts(): boolean {
    return this.#working && this.machine.running;
  }

  leads(): boolean {
    return this.acts();
  }

  async #run(): Promise<void> {
    const { timings, random, releaseOnCancel, onChange, onExit } = this.#parts;
    const { retryPeriodMs } = timings;
    let leads = await this.#attempt(Infinity);
    while (!leads && !this.#cancelled) {
      await this.#sleep(retryPeriodMs * random.between(1, 2.2));
      leads = !this.#cancelled && (await this.#attempt(Infinity));
    }
    if (leads) {
      this.#working = true;
      onChange('started');
      while (!this.#cancelled && (await this.#renew())) await this.#sleep(retryPeriodMs);
      if (releaseOnCancel) await this.#release();
      this.#working = false;
      onChange('stopped');
    }
    this.machine.end();
    onExit();
  }

  /** One round: attempts until one succeeds or the deadline, which begins anew with each round. */
  async #renew(): Promise<boolean> {
    const { renewDeadlineMs, retryPeriodMs } = this.#parts.timings;
    const deadlineMonoMs = this.#monoMs() + renewDeadlineMs;
    while (!this.#cancelled) {
      if (await this.#attempt(deadlineMonoMs)) return true;
      const leftMs = deadlineMonoMs - this.#monoMs();
      if (leftMs <= 0) return false;
      await this.#sleep(Math.min(retryPeriodMs, leftMs));
    }
    return false;
  }

  async #attempt(deadlineMonoMs: number): Promise<boolean> {
    const { leaseDurationMs } = this.#parts.timings;
    const nowText = this.#nowText();
    const record = { holderIdentity: this.identity, leaseDurationSeconds: leaseDurationMs / 1_000, renewTime: nowText };

    if (this.#leadsByCache() && this.#unexpired()) {
      const { acquireTime, leaseTransitions } = this.#observed;
      if (await this.#put({ ...record, ...given({ acquireTime, leaseTransitions }) }, deadlineMonoMs)) return true;
    }

    const got = await this.#request({ method: 'GET', path: this.#path() }, deadlineMonoMs);
    if (got?.status === 404)
      return this.#create({ ...record, acquireTime: nowText, leaseTransitions: 0 }, deadlineMonoMs);
    if (got === null || got.status >= 300) return false;
    this.#lease = got.body as Lease;
    const spec = this.#lease.spec ?? {};
    if (JSON.stringify(spec) !== this.#observedText) this.#observe(spec);
    if ((spec.holderIdentity ?? '') !== '' && !this.#leadsByCache() && this.#unexpired()) return false;
    const transitions = spec.leaseTransitions ?? 0;
    const term = this.#leadsByCache()
      ? given({ acquireTime: spec.acquireTime, leaseTransitions: transitions })
      : { acquireTime: nowText, leaseTransitions: transitions + 1 };
    return this.#put({ ...record, ...term }, deadlineMonoMs);
  }

  /** Checks the holder that it remembers, and writes over the one that it has just read. */
  async #release(): Promise<void> {
    const deadlineMonoMs = this.#monoMs() + this.#parts.timings.renewDeadlineMs;
    const got = await this.#request({ method: 'GET', path: this.#path() }, deadlineMonoMs);
    if (got === null || got.status >= 300 || !this.#leadsByCache()) return;
    this.#lease = got.body as Lease;
    const nowText = this.#nowText();
    const { leaseTransitions } = this.#lease.spec ?? {};
    const free = { holderIdentity: '', leaseDurationSeconds: 1, renewTime: nowText, acquireTime: nowText };
    await this.#put({ ...free, ...given({ leaseTransitions }) }, deadlineMonoMs);
  }

  async #create(spec: Spec, deadlineMonoMs: number): Promise<boolean> {
    const { namespace, lease: name } = this.#parts;
    const body: Lease = { metadata: { namespace, name }, spec };
    return this.#write({ method: 'POST', path: this.#path().replace(/\/[^/]*$/, ''), body }, deadlineMonoMs);
  }

  #put(spec: Spec, deadlineMonoMs: number): Promise<boolean> {
    return this.#write({ method: 'PUT', path: this.#path(), body: { ...this.#lease, spec } }, deadlineMonoMs);
  }

  async #write(request: Omit<KubeRequest, 'timeoutMs'>, deadlineMonoMs: number): Promise<boolean> {
    const reply = await this.#request(request, deadlineMonoMs);
    if (reply === null || reply.status >= 300) return false;
    this.#lease = reply.body as Lease;
    this.#observe(this.#lease.spec ?? {});
    return true;
  }

  /** Null when no answer came. */
  async #request(request: Omit<KubeRequest, 'timeoutMs'>, deadlineMonoMs: number): Promise<KubeReply | null> {
    const leftMs = deadlineMonoMs - this.#monoMs();
    if (leftMs <= 0) return null;
    const timeoutMs = Math.min(leftMs, this.#parts.timings.renewDeadlineMs / 2);
    return this.transport.request({ ...request, timeoutMs }).catch(() => null);
  }

  #observe(spec: Spec): void {
    this.#observed = spec;
    this.#observedText = JSON.stringify(spec);
    this.#observedAtMonoMs = this.#monoMs();
  }

  #leadsByCache(): boolean {
    return this.#observed.holderIdentity === this.identity;
  }

  #unexpired(): boolean {
    return this.#observedAtMonoMs + (this.#observed.leaseDurationSeconds ?? 0) * 1_000 > this.#monoMs();
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.machine.after(ms, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  #path(): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${this.#parts.namespace}/leases/${this.#parts.lease}`;
  }

  #monoMs(): number {
    return this.machine.now().monoMs;
  }

  #nowText(): string {
    return new Date(this.machine.now().wallMs).toISOString().replace('Z', '000Z');
  }
}

/** Without the fields that are not set. */
function given<Fields extends object>(fields: Fields): { [Name in keyof Fields]?: NonNullable<Fields[Name]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Fields]?: NonNullable<Fields[Name]>;
  };
}
