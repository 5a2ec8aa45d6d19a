import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { quietClient } from '../../../src/cli/quiet-client.ts';
import { KubeClient } from '../../../src/kube/client.ts';
import { loadKubeConfig } from '../../../src/kube/kubeconfig.ts';
import { MemberLeaseStore } from '../../../src/kube/member-leases.ts';
import type { KubeReply, KubeRequest, KubeStream, KubeStreamHandlers, Transport } from '../../../src/kube/transport.ts';
import { Leadership } from '../../../src/leadership/leadership.ts';
import { createMembership, type OwnMembership } from '../../../src/members/membership.ts';
import { isMemberLeaseName, memberLeaseName } from '../../../src/members/naming.ts';
import { systemClock, systemTimers } from '../../../src/ports/clock.ts';
import type { Member } from '../../../src/ports/membership.ts';
import { NO_METRICS, SILENT_LOG } from '../../scenarios/support/world.ts';
import type { Scene } from '../replica/scene.ts';

export interface LibraryMemberOptions {
  readonly scene: Scene;
  readonly podName: string;
  readonly durationMs: number;
  readonly intervalMs: number;
  /** @defaultValue Math.random */
  readonly random?: () => number;
}

/** What passes between a member and the API server, to be held up. */
export class Gate implements Transport {
  readonly #inner: Transport;
  /** A request waits for what this returns; nothing, and it goes on. */
  before: (request: KubeRequest) => Promise<void> | null = () => null;
  /** Told of each answer. */
  after: (request: KubeRequest, reply: KubeReply) => void = () => {};
  #streams: KubeStream[] = [];

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  async request(request: KubeRequest): Promise<KubeReply> {
    await this.before(request);
    const reply = await this.#inner.request(request);
    this.after(request, reply);
    return reply;
  }

  stream(request: KubeRequest, handlers: KubeStreamHandlers): KubeStream {
    const stream = this.#inner.stream(request, handlers);
    this.#streams.push(stream);
    return stream;
  }

  /** As a crash: nothing is sent any more, and nothing heard. */
  shut(): void {
    this.before = () => new Promise<void>(() => {});
    for (const stream of this.#streams.splice(0)) stream.close();
  }
}

/** A member without a process of its own: the product's objects over the real API server, under a service account of its own. */
export class LibraryMember {
  readonly podName: string;
  readonly leaseName: string;
  readonly identity: string;
  readonly gate: Gate;
  readonly membership: OwnMembership;
  /** What it was told of others, `<kind> <pod>`. */
  readonly changes: string[] = [];

  static async start(options: LibraryMemberOptions): Promise<LibraryMember> {
    const { scene, podName } = options;
    const token = await scene.tokenFor(podName);
    const kubeconfig = join(scene.controlPlane.directory, `${scene.namespace}-${podName}.library.kubeconfig`);
    await scene.controlPlane.kubeconfigFor({ path: kubeconfig, token, namespace: scene.namespace });
    return new LibraryMember(options, kubeconfig);
  }

  private constructor({ scene, podName, random = Math.random, ...timings }: LibraryMemberOptions, kubeconfig: string) {
    const { namespace, leaseName: election } = scene;
    const lease = { namespace, name: election };
    const start = randomBytes(8).toString('hex');
    this.podName = podName;
    this.leaseName = memberLeaseName({ lease, hostname: podName, namespace });
    this.identity = `${this.leaseName}_${start}`;
    const kube = loadKubeConfig({ kubeconfig, inCluster: false, homeDirectory: '/nowhere' });
    this.gate = new Gate(quietClient(kube).client.transport);
    const ports = { clock: systemClock, timers: systemTimers, random };
    const client = new KubeClient({ transport: this.gate, clock: systemClock, metrics: NO_METRICS, log: SILENT_LOG });
    const candidate = `${podName}_uid_${start}`;
    const profile = { pod: podName, address: null, version: '1.0.0', candidate, campaigns: election, since: null };
    const own = { labels: {}, owner: null, profile };
    const isMember = (name: string) => isMemberLeaseName(election, name);
    this.membership = createMembership({
      ...{ leaseName: this.leaseName, start, ...timings, ...ports, log: SILENT_LOG },
      leases: new MemberLeaseStore({ client, ...ports }, { namespace, election, isMember, own }),
      leadership: new Leadership({
        identity: candidate,
        lease,
        timings: { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, renewIntervalMs: 2_000, retryPeriodMs: 2_000 },
        clock: systemClock,
      }),
    });
    this.membership.subscribe(({ kind, member }) => this.changes.push(`${kind} ${member.pod}`));
    this.membership.start();
  }

  get members(): readonly Member[] {
    return this.membership.answer().members;
  }

  /** Pods that it takes for alive. */
  get alive(): string[] {
    return this.members.flatMap(({ pod, alive }) => (alive ? [pod!] : []));
  }

  crash(): void {
    this.gate.shut();
    void this.membership.leave(1);
  }

  leave(): Promise<void> {
    return this.membership.leave(5_000);
  }
}
