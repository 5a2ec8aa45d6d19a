import { KubeClient } from '../../../src/kube/client.ts';
import { MemberLeaseStore } from '../../../src/kube/member-leases.ts';
import { Leadership } from '../../../src/leadership/leadership.ts';
import { createMembership, type OwnMembership } from '../../../src/members/membership.ts';
import { isMemberLeaseName, memberIdentity, memberLeaseName } from '../../../src/members/naming.ts';
import type { MembershipChange } from '../../../src/ports/membership.ts';
import type { Machine } from '../machine.ts';
import { type NetworkObserver, SimTransport } from '../network.ts';
import type { SeededRandom } from '../random.ts';
import { SILENT, UNCOUNTED } from '../replica.ts';
import { TIMINGS } from '../timings.ts';
import type { World } from '../world.ts';
import { type MemberApiServer, NAMESPACE } from './api-server.ts';

const ELECTION = 'app';
/** As long as `leasegate run` waits for it. */
const LEAVE_MS_MAX = 2_000;

export interface MemberTimings {
  readonly durationMs: number;
  readonly intervalMs: number;
}

export interface MemberProcessParts {
  readonly world: World;
  readonly machine: Machine;
  readonly server: MemberApiServer;
  readonly random: SeededRandom;
  readonly observer: NetworkObserver;
  readonly timings: MemberTimings;
  /** Name of the pod. */
  readonly host: string;
  /** Tells processes of one host apart. */
  readonly number: number;
  readonly onChange: (process: MemberProcess, change: MembershipChange) => void;
}

/** One process of the product, as far as members go: the real heartbeat, roster, store, watch and client. */
export class MemberProcess {
  readonly name: string;
  readonly host: string;
  readonly leaseName: string;
  readonly identity: string;
  readonly timings: MemberTimings;
  readonly machine: Machine;
  readonly transport: SimTransport;
  readonly membership: OwnMembership;
  /** SIGTERM has come. */
  terminating = false;

  constructor(parts: MemberProcessParts) {
    const { world, machine, server, random, observer, timings, host, number } = parts;
    const lease = { namespace: NAMESPACE, name: ELECTION };
    const start = `start${number}`;
    this.host = host;
    this.name = `${host}#${number}`;
    this.timings = timings;
    this.machine = machine;
    this.leaseName = memberLeaseName({ lease, hostname: host, namespace: NAMESPACE });
    this.identity = memberIdentity(this.leaseName, start);
    this.transport = new SimTransport({ world, machine, server, random, observer, process: this.name });
    const client = new KubeClient({ transport: this.transport, clock: machine, metrics: UNCOUNTED, log: SILENT });
    const candidate = `${host}_uid_${number}`;
    const profile = { pod: host, address: null, version: '1.0.0', candidate, since: null, campaigns: null };
    this.membership = createMembership({
      ...{ leaseName: this.leaseName, start, ...timings, clock: machine, timers: machine, random: random.next },
      leases: new MemberLeaseStore(
        { client, clock: machine, timers: machine, random: random.next },
        {
          namespace: NAMESPACE,
          election: ELECTION,
          isMember: (name) => isMemberLeaseName(ELECTION, name),
          own: { labels: {}, owner: { name: host, uid: `uid-${host}` }, profile },
        },
      ),
      leadership: new Leadership({ identity: candidate, lease, timings: TIMINGS[0]!, clock: machine }),
      log: SILENT,
    });
    this.membership.subscribe((change) => parts.onChange(this, change));
  }

  start(): void {
    this.machine.deliver(() => this.membership.start());
  }

  /** SIGTERM: as `leasegate run` does, deletes its Lease and exits. */
  terminate(): void {
    this.terminating = true;
    this.machine.deliver(() => void this.membership.leave(LEAVE_MS_MAX).then(() => this.machine.end()));
  }

  /** Hosts that it takes for alive. */
  alive(): string[] {
    return this.membership
      .answer()
      .members.flatMap(({ pod, alive }) => (alive && pod !== null ? [pod] : []))
      .sort();
  }
}
